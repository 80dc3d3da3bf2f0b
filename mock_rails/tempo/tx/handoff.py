"""The 0x78 envelope in which a client hands a signed transaction to its fee payer.

Spec: facts 1.3. pympp, mppx and mpp-rs send it to the server (or to a fee-payer service) that
sponsors them; it is never broadcast. Layout: a 0x76 with no fee token in slot 10, for the fee payer
chooses it, and the sender's address in slot 11, for the fee payer signs that too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.decode_tempo import parse_fields
from mock_rails.tempo.tx.encode import encode_transaction, tempo_payload
from mock_rails.tempo.tx.hashes import FEE_PAYER_IS_SENDER, fee_payer_hash, sender_hash
from mock_rails.tempo.tx.model import TYPE_FEE_PAYER_HANDOFF
from mock_rails.tempo.tx.signatures import parse_signature, recover_signer

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Submission, Transaction
    from mock_rails.tempo.tx.signatures import Signature
    from mock_rails.tempo.tx.signers import AnySigner


@dataclass(frozen=True, slots=True)
class Handoff:
    """A transaction that its sender has signed and that waits for a fee payer."""

    tx: Transaction
    sender: bytes
    signature: Signature

    def encode(self) -> bytes:
        """The 0x78 bytes."""
        payload = tempo_payload(self.tx, None, rlp.encode_bytes(self.sender))
        signature = rlp.encode_bytes(self.signature.encode())
        return bytes([TYPE_FEE_PAYER_HANDOFF]) + rlp.wrap_list(payload + signature)

    def co_sign(self, fee_payer_key: bytes, fee_token: bytes) -> Submission:
        """Promise to pay in `fee_token`; the result can be broadcast."""
        tx = replace(self.tx, fee_token=fee_token)
        if secp256k1.address_of(fee_payer_key) == self.sender:
            raise InvalidTransaction(FEE_PAYER_IS_SENDER)
        signature = secp256k1.sign(fee_payer_hash(tx, self.sender), fee_payer_key)
        tx = replace(tx, fee_payer_signature=signature, awaiting_fee_payer=False)
        # What goes out is what the chain will make of it, so let the decoder have the last word.
        return decode_transaction(encode_transaction(tx, self.signature))


def hand_off(tx: Transaction, signer: AnySigner) -> Handoff:
    """Sign as a sender who does not pay."""
    waiting = replace(tx, fee_token=None, fee_payer_signature=None, awaiting_fee_payer=True)
    return Handoff(waiting, signer.address, signer.sign(sender_hash(waiting)))


def decode_handoff(raw: bytes) -> Handoff:
    """Read 0x78 bytes and check the sender's signature; `InvalidTransaction` if it is wrong."""
    if not raw or raw[0] != TYPE_FEE_PAYER_HANDOFF:
        raise MalformedTransaction("a fee payer hand-off starts with 0x78")
    try:
        items = rlp.decode_list(raw, 1)
        sender = rlp.to_bytes(items[11] if len(items) > 11 else b"", "sender", size=20)
        if items[10] != b"":
            raise rlp.RlpError("fee token: chosen by the fee payer, so it must be empty here")
        items[11] = b""
        tx = replace(parse_fields(items), awaiting_fee_payer=True)
        signature = parse_signature(rlp.to_bytes(items[-1], "sender signature"))
        signed_by = recover_signer(signature, sender_hash(tx)).address
    except (rlp.RlpError, SignatureError) as error:
        raise MalformedTransaction(f"failed to decode fee payer hand-off: {error}") from error
    if signed_by != sender:
        raise MalformedTransaction("invalid transaction signature: not by the sender in slot 11")
    return Handoff(tx, sender, signature)
