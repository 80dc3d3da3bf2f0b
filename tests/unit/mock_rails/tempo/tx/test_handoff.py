"""The envelope between client and fee payer: what arrives is checked before anyone pays."""

from __future__ import annotations

from typing import Any

import pytest
from pytempo import Call, TempoTransaction

from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.handoff import decode_handoff, hand_off
from mock_rails.tempo.tx.signers import (
    AnySigner,
    KeychainSigner,
    P256Signer,
    Secp256k1Signer,
    WebAuthnSigner,
)
from tests.unit.mock_rails.tempo.tx.samples import (
    ACCOUNT_0,
    ACCOUNT_1,
    KEY_0,
    KEY_1,
    PATH_USD,
    expiring,
)

ENVELOPE = hand_off(expiring(), Secp256k1Signer(KEY_1)).encode()


def tampered(slot: int, item: Any) -> bytes:
    """The envelope with another item in a slot."""
    items = rlp.decode_list(ENVELOPE, 1)
    items[slot] = item
    return b"\x78" + rlp.encode(items)


@pytest.mark.parametrize(
    "signer",
    [
        Secp256k1Signer(KEY_1),
        P256Signer(KEY_1),
        WebAuthnSigner(KEY_1),
        KeychainSigner(ACCOUNT_1, P256Signer(KEY_1)),
    ],
)
def test_any_sender_can_be_sponsored(signer: AnySigner) -> None:
    """And the fee payer chooses the token."""
    handoff = hand_off(expiring(fee_token=None), signer)
    received = decode_handoff(handoff.encode())
    assert received == handoff

    submission = received.co_sign(KEY_0, PATH_USD)
    assert (submission.sender, submission.fee_payer) == (signer.address, ACCOUNT_0)
    assert submission.key_id == signer.key_id
    assert submission.tx.fee_token == PATH_USD


def test_a_fee_payer_does_not_sponsor_itself() -> None:
    """The chain would refuse it (facts 8.3 T3), so it is not signed."""
    with pytest.raises(InvalidTransaction, match="fee payer cannot resolve to sender"):
        decode_handoff(ENVELOPE).co_sign(KEY_1, PATH_USD)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "starts with 0x78"),
        (b"\x76" + ENVELOPE[1:], "starts with 0x78"),
        (b"\x78\xc0", "sender: expected 20 bytes, got 0"),
        (tampered(10, PATH_USD), "fee token: chosen by the fee payer"),
        (tampered(11, b"\x00"), "sender: expected 20 bytes, got 1"),
        (tampered(11, ACCOUNT_0), "not by the sender in slot 11"),
        (tampered(3, b"\x01"), "not by the sender in slot 11"),
        (tampered(4, []), "empty calls list"),
        (tampered(13, bytes(65)), "between 1 and the order"),
        (tampered(13, b"\x03" + bytes(85)), "legacy V1 keychain"),
        (ENVELOPE + b"\x00", "trailing bytes"),
    ],
)
def test_a_wrong_envelope_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    """A fee payer must not sign for someone who did not."""
    with pytest.raises(MalformedTransaction, match=reason) as caught:
        decode_handoff(raw)
    assert caught.value.code == -32602


def test_the_fee_payer_hash_is_the_one_pytempo_signs() -> None:
    """The released library, on the other side of the same hand-off."""
    handoff = decode_handoff(ENVELOPE)
    submission = handoff.co_sign(KEY_0, PATH_USD)
    theirs = TempoTransaction.create(
        chain_id=1337,
        gas_limit=handoff.tx.gas_limit,
        max_fee_per_gas=handoff.tx.max_fee_per_gas,
        nonce_key=handoff.tx.nonce_key,
        valid_before=handoff.tx.valid_before,
        fee_token=PATH_USD,
        awaiting_fee_payer=True,
        calls=tuple(Call.create(to=call.to, data=call.data) for call in handoff.tx.calls),
    )
    signed = theirs.sign("0x" + KEY_1.hex()).sign("0x" + KEY_0.hex(), for_fee_payer=True)
    assert submission.raw == signed.encode()
