"""Transactions to bytes: what is signed, what is sent.

Spec: facts 1.1, 1.2 for 0x76; EIP-155, 2930, 1559, 7702 for the others. Everything is canonical:
v is 27 or 28 in a Tempo transaction, 0 or 1 (or EIP-155's) in the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_FEE_PAYER_HANDOFF,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
)
from mock_rails.tempo.tx.signatures import Secp256k1Signature

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import AccessList, Transaction
    from mock_rails.tempo.tx.signatures import Signature

FEE_PAYER_PLACEHOLDER: Final = b"\x00"
"""Slot 11 while a fee payer is expected: the single byte 0, which is not an RLP integer."""


def encode_transaction(tx: Transaction, signature: Signature) -> bytes:
    """The signed wire bytes, as eth_sendRawTransaction takes them."""
    if tx.type == TYPE_TEMPO:
        sender_signature = rlp.encode_bytes(signature.encode())
        return b"\x76" + rlp.wrap_list(_wire_payload(tx) + sender_signature)
    if not isinstance(signature, Secp256k1Signature):
        raise TypeError(f"a type {tx.type} transaction is signed with secp256k1 only")
    v = signature.y_parity
    if tx.type == TYPE_LEGACY:
        v += 27 if tx.chain_id is None else 35 + 2 * tx.chain_id
    scalars = rlp.encode_uint(v) + rlp.encode_uint(signature.r) + rlp.encode_uint(signature.s)
    body = rlp.wrap_list(ethereum_payload(tx) + scalars)
    return body if tx.type == TYPE_LEGACY else bytes([tx.type]) + body


def unsigned_raw(tx: Transaction) -> bytes:
    """The transaction without its sender's signature, as eth_fillTransaction answers it."""
    if tx.type == TYPE_TEMPO:
        return b"\x76" + rlp.wrap_list(_wire_payload(tx))
    return signing_preimage(tx)


def signing_preimage(tx: Transaction) -> bytes:
    """The bytes whose Keccak-256 the sender signs (facts 1.2: `encode_for_signing`)."""
    if tx.type == TYPE_TEMPO:
        if tx.is_sponsored:
            # Whoever pays chooses the token, so the sender does not commit to one.
            return b"\x76" + rlp.wrap_list(tempo_payload(tx, None, FEE_PAYER_PLACEHOLDER))
        return b"\x76" + rlp.wrap_list(tempo_payload(tx, tx.fee_token, rlp.EMPTY_STRING))
    payload = ethereum_payload(tx)
    if tx.type != TYPE_LEGACY:
        return bytes([tx.type]) + rlp.wrap_list(payload)
    if tx.chain_id is not None:
        payload += rlp.encode_uint(tx.chain_id) + rlp.EMPTY_STRING + rlp.EMPTY_STRING
    return rlp.wrap_list(payload)


def fee_payer_preimage(tx: Transaction, sender: bytes) -> bytes:
    """The bytes whose Keccak-256 the fee payer signs: token chosen, sender in slot 11."""
    payload = tempo_payload(tx, tx.fee_token, rlp.encode_bytes(sender))
    return bytes([TYPE_FEE_PAYER_HANDOFF]) + rlp.wrap_list(payload)


def tempo_payload(tx: Transaction, fee_token: bytes | None, slot_11: bytes) -> bytes:
    """Fields 0 to 12 (and 13 if used) of a 0x76, joined; slots 10 and 11 as asked."""
    uint = rlp.encode_uint
    calls = [
        rlp.wrap_list(rlp.encode_bytes(to or b"") + uint(value) + rlp.encode_bytes(data))
        for to, value, data in tx.calls
    ]
    authorizations = [
        rlp.encode([entry.chain_id, entry.address, entry.nonce, entry.signature])
        for entry in tx.authorizations
    ]
    fields = [
        uint(tx.chain_id or 0),
        uint(tx.max_priority_fee_per_gas),
        uint(tx.max_fee_per_gas),
        uint(tx.gas_limit),
        rlp.wrap_list(b"".join(calls)),
        _access_list(tx.access_list),
        uint(tx.nonce_key),
        uint(tx.nonce),
        uint(tx.valid_before or 0),
        uint(tx.valid_after or 0),
        rlp.encode_bytes(fee_token or b""),
        slot_11,
        rlp.wrap_list(b"".join(authorizations)),
    ]
    if tx.key_authorization is not None:
        fields.append(tx.key_authorization.encode())
    return b"".join(fields)


def ethereum_payload(tx: Transaction) -> bytes:
    """The fields of a type 0, 1, 2 or 4 transaction before its signature, joined."""
    uint = rlp.encode_uint
    to, value, data = tx.calls[0]
    call = [uint(tx.gas_limit), rlp.encode_bytes(to or b""), uint(value), rlp.encode_bytes(data)]
    if tx.type == TYPE_LEGACY:
        return b"".join([uint(tx.nonce), uint(tx.max_fee_per_gas), *call])
    head = [uint(tx.chain_id or 0), uint(tx.nonce)]
    if tx.type != TYPE_ACCESS_LIST:
        head.append(uint(tx.max_priority_fee_per_gas))
    fields = [*head, uint(tx.max_fee_per_gas), *call, _access_list(tx.access_list)]
    if tx.type == TYPE_SET_CODE:
        tuples = [
            rlp.encode([entry.chain_id, entry.address, entry.nonce, *entry.signature])
            for entry in tx.authorizations
        ]
        fields.append(rlp.wrap_list(b"".join(tuples)))
    return b"".join(fields)


def _wire_payload(tx: Transaction) -> bytes:
    """Fields 0 to 12 (and 13 if used) of a 0x76 as they travel."""
    if tx.fee_payer_signature is not None:
        slot_11 = rlp.encode(tx.fee_payer_signature)
    else:
        slot_11 = FEE_PAYER_PLACEHOLDER if tx.awaiting_fee_payer else rlp.EMPTY_STRING
    return tempo_payload(tx, tx.fee_token, slot_11)


def _access_list(access_list: AccessList) -> bytes:
    if not access_list:
        return rlp.EMPTY_LIST
    return rlp.encode(
        [[address, [slot.to_bytes(32) for slot in slots]] for address, slots in access_list]
    )
