"""Who stands behind an account authorization. Spec: EIP-7702, facts 1.6."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.tx.authorization import authority_of, authorization_digest, parsed_signature
from mock_rails.tempo.tx.sign import sign_authorization
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer, Secp256k1Signer
from tests.unit.mock_rails.tempo.tx.samples import ACCOUNT_0, ACCOUNT_1, CHAIN_ID, KEY_0, KEY_1

ETHEREUM = sign_authorization(CHAIN_ID, ACCOUNT_0, 7, KEY_1)
TEMPO = sign_authorization(CHAIN_ID, ACCOUNT_0, 7, KEY_1, tempo=True)


def test_both_forms_name_the_same_authority() -> None:
    """Scalars in a type 4, bytes in a 0x76, over one hash."""
    assert authority_of(ETHEREUM) == authority_of(TEMPO) == ACCOUNT_1


def test_agrees_with_eth_account() -> None:
    """Which signs authorizations for web3.py."""
    theirs = Account.sign_authorization(
        {"chainId": CHAIN_ID, "address": ACCOUNT_0, "nonce": 7}, KEY_1
    )
    assert ETHEREUM.signature == (theirs.y_parity, theirs.r, theirs.s)


def test_any_primitive_key_has_authority_but_an_access_key_has_not() -> None:
    """An access key could otherwise hand over its root account's code."""
    digest = authorization_digest(CHAIN_ID, ACCOUNT_0, 7)
    passkey = P256Signer(KEY_0)
    by_p256 = replace(TEMPO, signature=passkey.sign(digest).encode())
    assert authority_of(by_p256) == passkey.address
    by_access_key = KeychainSigner(ACCOUNT_1, Secp256k1Signer(KEY_0)).sign(digest)
    assert authority_of(replace(TEMPO, signature=by_access_key.encode())) is None
    assert parsed_signature(replace(TEMPO, signature=by_access_key.encode())) == by_access_key


@pytest.mark.parametrize(
    "signature",
    [
        (0, 0, 0),
        (2, 5, 5),
        (255, 1, 1),
        (0, 2**256 - 1, 1),
        (0, 1, secp256k1.HALF_N + 1),
        b"",
        bytes(65),
        b"\x05" + bytes(80),
    ],
)
def test_a_wrong_signature_is_nobodys(signature: tuple[int, int, int] | bytes) -> None:
    """The tuple is skipped, its transaction goes on: no exception may leave here."""
    assert authority_of(replace(TEMPO, signature=signature)) is None
