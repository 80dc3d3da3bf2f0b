"""The four hashes of a transaction, and who its fee payer is.

Spec: facts 1.2. The decoder computes the same hashes from slices of the raw bytes; these build
them from a `Transaction`, for signing, and are what the decoder is tested against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.encode import encode_transaction, fee_payer_preimage, signing_preimage

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Transaction
    from mock_rails.tempo.tx.signatures import Signature

FEE_PAYER_UNRECOVERABLE: Final = "fee payer signature recovery failed"
FEE_PAYER_IS_SENDER: Final = "fee payer cannot resolve to sender"
"""The node's texts (facts 1.9)."""


def sender_hash(tx: Transaction) -> bytes:
    """What the sender signs."""
    return keccak256(signing_preimage(tx))


def fee_payer_hash(tx: Transaction, sender: bytes) -> bytes:
    """What the fee payer signs, once it knows the sender and has chosen `tx.fee_token`."""
    return keccak256(fee_payer_preimage(tx, sender))


def transaction_hash(tx: Transaction, signature: Signature) -> bytes:
    """The hash by which the chain knows the transaction."""
    return keccak256(encode_transaction(tx, signature))


def context_hash(tx: Transaction, sender: bytes) -> bytes:
    """The identity of the sender's intent: replay key, and ingredient of v2 channel ids."""
    return keccak256(signing_preimage(tx) + sender)


def recover_fee_payer(signature: tuple[int, int, int], digest: bytes, sender: bytes) -> bytes:
    """The sponsor behind a fee payer signature; `InvalidTransaction` if there is none."""
    try:
        fee_payer = secp256k1.recover(digest, *signature)
    except SignatureError as error:
        raise InvalidTransaction(FEE_PAYER_UNRECOVERABLE) from error
    if fee_payer == sender:
        raise InvalidTransaction(FEE_PAYER_IS_SENDER)
    return fee_payer


def fee_payer_of(tx: Transaction, sender: bytes) -> bytes:
    """Who pays for the transaction: the sponsor that signed, or else the sender."""
    if tx.fee_payer_signature is None:
        if tx.awaiting_fee_payer:
            raise InvalidTransaction(FEE_PAYER_UNRECOVERABLE)
        return sender
    return recover_fee_payer(tx.fee_payer_signature, fee_payer_hash(tx, sender), sender)
