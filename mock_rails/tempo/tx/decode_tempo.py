"""Decoding of Tempo's own transaction, type 0x76.

Spec: facts 1.1, 1.2, 1.4. The hashes are taken over slices of the raw bytes: what is signed is what
was sent, but for slots 10, 11 and the signature at the end. Only where a signature inside is not
canonical (v 0 or 1, which the node accepts and rewrites) is everything encoded afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.encode import FEE_PAYER_PLACEHOLDER, encode_transaction
from mock_rails.tempo.tx.hashes import FEE_PAYER_UNRECOVERABLE, recover_fee_payer
from mock_rails.tempo.tx.key_authorization import parse_key_authorization
from mock_rails.tempo.tx.model import TYPE_TEMPO, Authorization, Call, Submission, Transaction
from mock_rails.tempo.tx.rlp import RlpError, to_bytes, to_list, to_optional_address, to_uint
from mock_rails.tempo.tx.signatures import parse_signature, recover_signer

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import AccessList
    from mock_rails.tempo.tx.rlp import Item

SUFFIX_MARKER: Final = bytes.fromhex("feefeefeefee")
"""What mpp-go appends to a 0x76, after the sender, on its way to a fee payer (facts 1.3)."""

_FIELDS: Final = 13
_CALL_SIZE: Final = range(3, 4)


def decode_tempo(raw: bytes) -> Submission:
    """Decode a signed 0x76; `RlpError`, `SignatureError` or `InvalidTransaction` if it is not."""
    if raw.endswith(SUFFIX_MARKER):
        raise RlpError(
            "this is a 0x76 on its way to a fee payer (it ends in feefeefeefee);"
            " submit what the fee payer makes of it"
        )
    items = rlp.decode_list(raw, 1)
    tx = parse_fields(items)
    sent_signature = to_bytes(items[-1], "sender signature")
    signature = parse_signature(sent_signature)
    if not _is_canonical(tx, items, sent_signature, signature.encode()):
        return decode_tempo(encode_transaction(tx, signature))

    payload_end = len(raw) - rlp.encoded_size(sent_signature)
    offsets = rlp.item_offsets(raw, 1) if tx.is_sponsored else []
    if offsets:
        unsigned = raw[offsets[0] : offsets[10]] + b"\x80\x00" + raw[offsets[12] : payload_end]
    else:
        unsigned = raw[_payload_start(raw) : payload_end]
    preimage = b"\x76" + rlp.wrap_list(unsigned)
    try:
        sender, key_id = recover_signer(signature, keccak256(preimage))
    except SignatureError as error:
        raise MalformedTransaction(f"invalid transaction signature: {error}") from error

    fee_payer = sender
    if tx.fee_payer_signature is not None:
        unsigned = raw[offsets[0] : offsets[11]] + b"\x94" + sender + raw[offsets[12] : payload_end]
        digest = keccak256(b"\x78" + rlp.wrap_list(unsigned))
        fee_payer = recover_fee_payer(tx.fee_payer_signature, digest, sender)
    return Submission(
        tx=tx,
        sender=sender,
        fee_payer=fee_payer,
        key_id=key_id,
        signature=signature,
        hash=keccak256(raw),
        context_hash=keccak256(preimage + sender),
        raw=raw,
    )


def parse_fields(items: list[Item]) -> Transaction:
    """The transaction in the items of a signed 0x76; the last item, the signature, is not read."""
    count = len(items)
    has_key_authorization = count > _FIELDS and isinstance(items[_FIELDS], list)
    if count != _FIELDS + 1 + has_key_authorization:
        raise RlpError(
            f"a 0x76 has 14 items, or 15 with a key authorization and always its sender's"
            f" signature last; got {count}"
        )
    calls = _parse_calls(items[4])
    valid_before = to_uint(items[8], 64, "valid before") or None
    valid_after = to_uint(items[9], 64, "valid after") or None
    if valid_before is not None and valid_after is not None and valid_before <= valid_after:
        raise RlpError("valid_before must be greater than valid_after")
    authorizations = _parse_authorizations(items[12])
    if authorizations and calls[0].to is None:
        raise RlpError("a contract creation cannot have an authorization list")
    return Transaction(
        type=TYPE_TEMPO,
        chain_id=to_uint(items[0], 64, "chain id"),
        nonce=to_uint(items[7], 64, "nonce"),
        gas_limit=to_uint(items[3], 64, "gas limit"),
        max_fee_per_gas=to_uint(items[2], 128, "max fee per gas"),
        max_priority_fee_per_gas=to_uint(items[1], 128, "max priority fee per gas"),
        calls=calls,
        access_list=parse_access_list(items[5]),
        nonce_key=to_uint(items[6], 256, "nonce key"),
        valid_before=valid_before,
        valid_after=valid_after,
        fee_token=to_optional_address(items[10], "fee token"),
        fee_payer_signature=_parse_fee_payer_signature(items[11]),
        authorizations=authorizations,
        key_authorization=(
            parse_key_authorization(items[_FIELDS]) if has_key_authorization else None
        ),
    )


def parse_access_list(item: Item) -> AccessList:
    """An EIP-2930 access list."""
    if item == []:
        return ()
    entries = []
    for entry in to_list(item, "access list"):
        address, slots = to_list(entry, "access list entry", sizes=range(2, 3))
        words = [
            int.from_bytes(to_bytes(slot, "access list slot", size=32))
            for slot in to_list(slots, "access list slots")
        ]
        entries.append((to_bytes(address, "access list address", size=20), tuple(words)))
    return tuple(entries)


def _parse_calls(item: Item) -> tuple[Call, ...]:
    calls: list[Call] = []
    for entry in to_list(item, "calls"):
        to, value, data = to_list(entry, "call", sizes=_CALL_SIZE)
        target = to_optional_address(to, "call target")
        if target is None and calls:
            raise RlpError("only the first call of a batch can create a contract")
        calls.append(Call(target, to_uint(value, 256, "call value"), to_bytes(data, "call input")))
    if not calls:
        raise RlpError("empty calls list")
    return tuple(calls)


def _parse_fee_payer_signature(item: Item) -> tuple[int, int, int] | None:
    if item == b"":
        return None
    if item == FEE_PAYER_PLACEHOLDER:
        # Still waiting for its fee payer: well-formed, but nobody has promised to pay (T4).
        raise InvalidTransaction(FEE_PAYER_UNRECOVERABLE)
    parity, r, s = to_list(item, "fee payer signature", sizes=range(3, 4))
    return (
        rlp.to_bit(parity, "fee payer signature parity"),
        to_uint(r, 256, "fee payer signature r"),
        to_uint(s, 256, "fee payer signature s"),
    )


def _parse_authorizations(item: Item) -> tuple[Authorization, ...]:
    if item == []:
        return ()
    authorizations = []
    for entry in to_list(item, "authorization list"):
        fields = to_list(entry, "authorization", sizes=range(4, 5))
        chain_id, address, nonce, signature = fields
        authorizations.append(
            Authorization(
                to_uint(chain_id, 256, "authorization chain id"),
                to_bytes(address, "authorization address", size=20),
                to_uint(nonce, 64, "authorization nonce"),
                parse_signature(to_bytes(signature, "authorization signature")).encode(),
            )
        )
    return tuple(authorizations)


def _is_canonical(tx: Transaction, items: list[Item], sent: bytes, canonical: bytes) -> bool:
    """Whether every signature inside came as this chain writes it (v 27 or 28)."""
    if sent != canonical:
        return False
    if tx.key_authorization is not None and tx.key_authorization.to_items() != items[_FIELDS]:
        return False
    return not tx.authorizations or all(
        entry.signature == to_list(sent_entry, "authorization")[3]
        for entry, sent_entry in zip(
            tx.authorizations, to_list(items[12], "authorization list"), strict=True
        )
    )


def _payload_start(raw: bytes) -> int:
    """Where the items of the list behind the type byte begin."""
    head = raw[1]
    return 2 if head < 0xF8 else head - 0xF5
