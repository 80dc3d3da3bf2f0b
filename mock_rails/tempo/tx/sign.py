"""Transactions, authorizations and access keys, built and signed in one step.

Used by tests, benches, the faucet and eth_sendTransaction. The result is a `Submission` as the
decoder would yield it, without paying for a recovery: whoever signs knows who they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.authorization import authorization_digest
from mock_rails.tempo.tx.encode import encode_transaction, signing_preimage, unsigned_raw
from mock_rails.tempo.tx.hashes import fee_payer_hash, fee_payer_of
from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization
from mock_rails.tempo.tx.model import TYPE_TEMPO, Authorization, Submission
from mock_rails.tempo.tx.signers import Secp256k1Signer

if TYPE_CHECKING:
    from mock_rails.tempo.tx.key_authorization import KeyAuthorization
    from mock_rails.tempo.tx.model import Transaction
    from mock_rails.tempo.tx.signers import AnySigner, PrimitiveSigner


def sign_transaction(tx: Transaction, signer: bytes | AnySigner) -> Submission:
    """Sign as the sender; `signer` is a secp256k1 private key or any signer.

    A transaction that has its fee payer's signature already keeps it, and the fee payer is
    recovered from it.
    """
    signer = _as_signer(signer)
    return _submission(tx, signer, fee_payer_of(tx, signer.address))


def sponsor(tx: Transaction, sender: bytes | AnySigner, fee_payer_key: bytes) -> Submission:
    """Sign as the sender and as the fee payer, who pays in `tx.fee_token` (facts 1.2)."""
    signer = _as_signer(sender)
    if tx.type != TYPE_TEMPO:
        raise ValueError("only a 0x76 can be sponsored")
    fee_payer = secp256k1.address_of(fee_payer_key)
    if fee_payer == signer.address:
        raise ValueError("the fee payer must be someone else than the sender")
    signature = secp256k1.sign(fee_payer_hash(tx, signer.address), fee_payer_key)
    sponsored = replace(tx, fee_payer_signature=signature, awaiting_fee_payer=False)
    return _submission(sponsored, signer, fee_payer)


def unsigned_submission(
    tx: Transaction, sender: bytes, *, key_id: bytes | None = None
) -> Submission:
    """A submission that nobody signed: a simulated call, or an impersonated sender.

    Its hash covers the sender, for two senders may submit the same unsigned bytes.
    """
    raw = unsigned_raw(tx)
    return Submission(
        tx=tx,
        sender=sender,
        fee_payer=fee_payer_of(tx, sender),
        key_id=key_id,
        signature=None,
        hash=keccak256(raw + sender),
        context_hash=keccak256(signing_preimage(tx) + sender),
        raw=raw,
    )


def sign_authorization(
    chain_id: int, address: bytes, nonce: int, key: bytes, *, tempo: bool = False
) -> Authorization:
    """Consent to run the key's account with the code of `address`.

    The signature's form depends on the transaction that will carry it: type 4, or 0x76 (`tempo`).
    """
    signer = Secp256k1Signer(key)
    signature = signer.sign(authorization_digest(chain_id, address, nonce))
    scalars = (signature.y_parity, signature.r, signature.s)
    return Authorization(chain_id, address, nonce, signature.encode() if tempo else scalars)


def sign_key_authorization(
    authorization: KeyAuthorization, signer: bytes | PrimitiveSigner
) -> SignedKeyAuthorization:
    """Grant an access key; `signer` is the root key, or an admin key."""
    if isinstance(signer, bytes):
        signer = Secp256k1Signer(signer)
    return SignedKeyAuthorization(authorization, signer.sign(authorization.digest()))


def _submission(tx: Transaction, signer: AnySigner, fee_payer: bytes) -> Submission:
    preimage = signing_preimage(tx)
    signature = signer.sign(keccak256(preimage))
    raw = encode_transaction(tx, signature)
    return Submission(
        tx=tx,
        sender=signer.address,
        fee_payer=fee_payer,
        key_id=signer.key_id,
        signature=signature,
        hash=keccak256(raw),
        context_hash=keccak256(preimage + signer.address),
        raw=raw,
    )


def _as_signer(signer: bytes | AnySigner) -> AnySigner:
    return Secp256k1Signer(signer) if isinstance(signer, bytes) else signer
