"""Decoding of Ethereum's transactions: legacy, access list, dynamic fee and set code.

Spec: EIP-155, 2930, 1559, 7702; facts 1.10. On this chain they are ordinary single calls that pay
their fee in a token like any other. Strict decoding makes their raw bytes canonical as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.decode_tempo import parse_access_list
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    Authorization,
    Call,
    Submission,
    Transaction,
)
from mock_rails.tempo.tx.rlp import RlpError, to_bytes, to_list, to_optional_address, to_uint
from mock_rails.tempo.tx.signatures import Secp256k1Signature

if TYPE_CHECKING:
    from mock_rails.tempo.tx.rlp import Item

_LEGACY_ITEMS: Final = 9
_MAX_V: Final = 36 + 2 * (2**64 - 1)
_TYPED_ITEMS: Final = {0x01: 11, 0x02: 12, 0x04: 13}


def decode_legacy(raw: bytes) -> Submission:
    """Decode a signed legacy transaction, with or without EIP-155's chain id in v."""
    items = rlp.decode_list(raw)
    if len(items) != _LEGACY_ITEMS:
        raise RlpError(f"a legacy transaction has {_LEGACY_ITEMS} items, got {len(items)}")
    v = to_uint(items[6], 72, "v")
    if v in {27, 28}:
        chain_id, y_parity = None, v - 27
    elif 35 <= v <= _MAX_V:
        chain_id, y_parity = (v - 35) // 2, (v - 35) % 2
    else:
        raise MalformedTransaction(f"invalid transaction signature: v cannot be {v}")
    price = to_uint(items[1], 128, "gas price")
    tx = Transaction(
        type=TYPE_LEGACY,
        chain_id=chain_id,
        nonce=to_uint(items[0], 64, "nonce"),
        gas_limit=to_uint(items[2], 64, "gas limit"),
        max_fee_per_gas=price,
        max_priority_fee_per_gas=price,
        calls=_parse_call(items[3:6]),
    )
    payload = _payload_before_signature(raw, 0, items)
    if chain_id is not None:
        payload += rlp.encode_uint(chain_id) + rlp.EMPTY_STRING + rlp.EMPTY_STRING
    return _submission(raw, tx, y_parity, items, rlp.wrap_list(payload))


def decode_typed(raw: bytes) -> Submission:
    """Decode a signed transaction of type 1, 2 or 4."""
    kind = raw[0]
    items = rlp.decode_list(raw, 1)
    if len(items) != _TYPED_ITEMS[kind]:
        raise RlpError(
            f"a type {kind} transaction has {_TYPED_ITEMS[kind]} items, got {len(items)}"
        )
    chain_id = to_uint(items[0], 64, "chain id")
    nonce = to_uint(items[1], 64, "nonce")
    tip = to_uint(items[2], 128, "gas price" if kind == 1 else "max priority fee per gas")
    rest = items[3:] if kind == TYPE_ACCESS_LIST else items[4:]
    fee = tip if kind == TYPE_ACCESS_LIST else to_uint(items[3], 128, "max fee per gas")
    authorizations: tuple[Authorization, ...] = ()
    if kind == TYPE_SET_CODE:
        authorizations = _parse_authorizations(rest[5])
        to_bytes(rest[1], "target of a type 4 transaction", size=20)
    tx = Transaction(
        type=kind,
        chain_id=chain_id,
        nonce=nonce,
        gas_limit=to_uint(rest[0], 64, "gas limit"),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=tip,
        calls=_parse_call(rest[1:4]),
        access_list=parse_access_list(rest[4]),
        authorizations=authorizations,
    )
    y_parity = rlp.to_bit(items[-3], "y parity")
    payload = _payload_before_signature(raw, 1, items)
    return _submission(raw, tx, y_parity, items, bytes([kind]) + rlp.wrap_list(payload))


def _submission(
    raw: bytes, tx: Transaction, y_parity: int, items: list[Item], preimage: bytes
) -> Submission:
    """Recover the sender, who is also the fee payer: these types cannot be sponsored."""
    signature = Secp256k1Signature(
        y_parity, to_uint(items[-2], 256, "r"), to_uint(items[-1], 256, "s")
    )
    try:
        sender = signature.recover(keccak256(preimage))
    except SignatureError as error:
        raise MalformedTransaction(f"invalid transaction signature: {error}") from error
    return Submission(
        tx=tx,
        sender=sender,
        fee_payer=sender,
        key_id=None,
        signature=signature,
        hash=keccak256(raw),
        context_hash=keccak256(preimage + sender),
        raw=raw,
    )


def _payload_before_signature(raw: bytes, start: int, items: list[Item]) -> bytes:
    """The encoded fields that are signed: everything in the list but its last three items."""
    signature_size = sum([rlp.encoded_size(to_bytes(item, "signature")) for item in items[-3:]])
    head = raw[start]
    payload_start = start + (1 if head < 0xF8 else head - 0xF6)
    return raw[payload_start : len(raw) - signature_size]


def _parse_call(items: list[Item]) -> tuple[Call, ...]:
    to, value, data = items
    call = Call(
        to_optional_address(to, "to"), to_uint(value, 256, "value"), to_bytes(data, "input")
    )
    return (call,)


def _parse_authorizations(item: Item) -> tuple[Authorization, ...]:
    authorizations = []
    for entry in to_list(item, "authorization list"):
        chain_id, address, nonce, *scalars = to_list(entry, "authorization", sizes=range(6, 7))
        # A tuple with a signature out of range is skipped when it is applied, not refused here.
        parity, r, s = scalars
        authorizations.append(
            Authorization(
                to_uint(chain_id, 256, "authorization chain id"),
                to_bytes(address, "authorization address", size=20),
                to_uint(nonce, 64, "authorization nonce"),
                (
                    to_uint(parity, 8, "authorization y parity"),
                    to_uint(r, 256, "authorization r"),
                    to_uint(s, 256, "authorization s"),
                ),
            )
        )
    if not authorizations:
        raise InvalidTransaction("no items in authorization list for EIP7702 transaction")
    return tuple(authorizations)
