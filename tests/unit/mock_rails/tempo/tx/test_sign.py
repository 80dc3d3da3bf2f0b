"""Building and signing: every signer's work decodes to what it says it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.hashes import context_hash, fee_payer_hash
from mock_rails.tempo.tx.key_authorization import KeyAuthorization
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, TYPE_LEGACY
from mock_rails.tempo.tx.sign import (
    sign_authorization,
    sign_key_authorization,
    sign_transaction,
    sponsor,
    unsigned_submission,
)
from mock_rails.tempo.tx.signatures import Secp256k1Signature
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
    CHAIN_ID,
    ETHEREUM_TYPES,
    KEY_0,
    KEY_1,
    PATH_USD,
    ethereum,
    expiring,
    plain,
)

SIGNERS: list[AnySigner] = [
    Secp256k1Signer(KEY_1),
    P256Signer(KEY_1),
    P256Signer(KEY_1, pre_hash=True),
    WebAuthnSigner(KEY_1),
    KeychainSigner(ACCOUNT_1, WebAuthnSigner(KEY_0)),
]


@pytest.mark.parametrize("signer", SIGNERS)
def test_any_signer_can_send_alone_or_sponsored(signer: AnySigner) -> None:
    """What signing says without recovering is what decoding finds by recovering."""
    alone = sign_transaction(plain(), signer)
    assert decode_transaction(alone.raw) == alone
    assert (alone.sender, alone.fee_payer) == (signer.address, signer.address)

    sponsored = sponsor(expiring(), signer, KEY_0)
    assert decode_transaction(sponsored.raw) == sponsored
    assert (sponsored.sender, sponsored.fee_payer) == (signer.address, ACCOUNT_0)


@pytest.mark.parametrize("kind", ETHEREUM_TYPES)
def test_ethereum_types_go_through_the_same_door(kind: int) -> None:
    """Their context hash comes from their own signing preimage (facts 1.2)."""
    submission = sign_transaction(ethereum(kind), KEY_0)
    assert decode_transaction(submission.raw) == submission
    assert submission.context_hash == context_hash(submission.tx, ACCOUNT_0)


def test_legacy_with_and_without_a_chain_id() -> None:
    """EIP-155 binds the chain, what came before it binds none."""
    bound = sign_transaction(ethereum(TYPE_LEGACY), KEY_0)
    unbound = sign_transaction(ethereum(TYPE_LEGACY, chain_id=None), KEY_0)

    assert decode_transaction(bound.raw).tx.chain_id == CHAIN_ID
    assert decode_transaction(unbound.raw).tx.chain_id is None
    assert bound.context_hash != unbound.context_hash


def test_a_transaction_with_every_slot_filled() -> None:
    """Key authorization and account authorization together, sponsored."""
    granted = sign_key_authorization(KeyAuthorization(CHAIN_ID, 0, ACCOUNT_0), KEY_1)
    tx = expiring(
        key_authorization=granted,
        authorizations=(sign_authorization(CHAIN_ID, PATH_USD, 0, KEY_1, tempo=True),),
        access_list=((PATH_USD, (1, 2)),),
        valid_after=1,
    )
    submission = sponsor(tx, KEY_1, KEY_0)
    assert decode_transaction(submission.raw) == submission
    assert replace(submission.tx, fee_payer_signature=None) == tx


def test_the_context_does_not_depend_on_who_pays_or_in_what() -> None:
    """So a sponsor cannot make a replay look like a new transaction (facts 1.2)."""
    contexts = {
        sponsor(expiring(fee_token=token), KEY_1, key).context_hash
        for token in (None, PATH_USD)
        for key in (KEY_0, bytes(31) + b"\x01")
    }
    assert len(contexts) == 1


def test_a_fee_payer_signature_made_before_the_senders_is_kept() -> None:
    """viem lets the relay sign first (facts 5.9), then the sender."""
    promised = secp256k1.sign(fee_payer_hash(expiring(), ACCOUNT_1), KEY_0)
    submission = sign_transaction(expiring(fee_payer_signature=promised), KEY_1)
    assert submission == sponsor(expiring(), KEY_1, KEY_0)


def test_nobody_signs_what_the_chain_would_refuse() -> None:
    """Each with the reason."""
    with pytest.raises(ValueError, match="someone else than the sender"):
        sponsor(expiring(), KEY_0, KEY_0)
    with pytest.raises(ValueError, match="only a 0x76 can be sponsored"):
        sponsor(ethereum(TYPE_DYNAMIC_FEE), KEY_1, KEY_0)
    with pytest.raises(TypeError, match="type 2 transaction is signed with secp256k1 only"):
        sign_transaction(ethereum(TYPE_DYNAMIC_FEE), P256Signer(KEY_0))
    with pytest.raises(InvalidTransaction, match="fee payer signature recovery failed"):
        sign_transaction(expiring(awaiting_fee_payer=True), KEY_1)


def test_an_embedded_signature_with_a_bare_v_is_rewritten() -> None:
    """Of a key authorization or an account authorization too, before any hash is taken."""
    granted = sign_key_authorization(KeyAuthorization(CHAIN_ID, 0, ACCOUNT_0), KEY_1)
    authorization = sign_authorization(CHAIN_ID, PATH_USD, 0, KEY_1, tempo=True)
    canonical = sign_transaction(
        plain(key_authorization=granted, authorizations=(authorization,)), KEY_0
    )
    for signature in (granted.signature.encode(), authorization.signature):
        assert isinstance(signature, bytes)
        bare = canonical.raw.replace(signature, signature[:64] + bytes([signature[64] - 27]))
        assert bare != canonical.raw
        assert decode_transaction(bare) == canonical


def test_a_submission_that_nobody_signed() -> None:
    """For simulations and impersonated senders: the sender is part of its identity."""
    tx = plain()
    by_0 = unsigned_submission(tx, ACCOUNT_0)
    by_1 = unsigned_submission(tx, ACCOUNT_1, key_id=ACCOUNT_0)

    assert by_0.hash != by_1.hash
    assert (by_1.sender, by_1.fee_payer, by_1.key_id) == (ACCOUNT_1, ACCOUNT_1, ACCOUNT_0)
    assert by_0.signature is None
    assert by_0.context_hash == sign_transaction(tx, KEY_0).context_hash


def test_a_simulated_fee_payer_is_recovered() -> None:
    """A request may carry the sponsor's signature (facts 5.3)."""
    promised = secp256k1.sign(fee_payer_hash(expiring(), ACCOUNT_1), KEY_0)
    tx = expiring(fee_payer_signature=promised)
    assert unsigned_submission(tx, ACCOUNT_1).fee_payer == ACCOUNT_0


def test_signatures_are_values() -> None:
    """Equal scalars are equal signatures, whoever parsed them."""
    submission = sign_transaction(plain(), KEY_0)
    assert isinstance(submission.signature, Secp256k1Signature)
    assert replace(submission.signature) == submission.signature
