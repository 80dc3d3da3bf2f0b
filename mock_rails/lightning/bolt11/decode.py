"""Reading an invoice, as strictly as a careful node does (facts: lightning 3.2-3.4).

Refused, though some decoders take it: an invoice without a payment secret, with both or neither of
description and its hash, with a feature that must be understood and is not known here, with a
fixed-length field of another length, and with a signature that has a second form where the payee is
named.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.bolt11 import amount, bech32
from mock_rails.lightning.bolt11.bech32 import ALPHABET, to_bytes, words_to_number
from mock_rails.lightning.bolt11.invoice import (
    DEFAULT_CLTV,
    DEFAULT_EXPIRY_S,
    NETWORKS,
    Bolt11,
    Bolt11Error,
    Fallback,
    Hop,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 7_089
"""Letters that LND reads at most."""

_TIMESTAMP_WORDS: Final = 7
_SIGNATURE_WORDS: Final = 104
_FIXED: Final = {"p": 52, "s": 52, "h": 52, "n": 53}
_SHOWN: Final = {"p": "payment hash", "s": "payment secret", "h": "description hash", "n": "payee"}
_HOP_BYTES: Final = 51
_ADDRESS_VERSIONS: Final = (*range(17), 17, 18)
_LONGEST_NUMBER: Final = 13
"""Words of a number of 63 bits."""

_KNOWN_FEATURES: Final = frozenset(
    {0, 4, 6, 8, 10, 12, 14, 16, 18, 22, 24, 26, 30, 44, 46, 48, 262}
)
"""Even bits that LND understands; whoever requires another cannot be paid."""

_HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0


def decode(text: str) -> Bolt11:
    """The invoice, or Bolt11Error with the reason why it cannot be paid."""
    text = text.strip()
    if len(text) > LONGEST:
        raise Bolt11Error(f"the invoice is longer than {LONGEST} letters")
    prefix, words = bech32.split(text)
    network, amount_msat = _read_prefix(prefix)
    if len(words) < _TIMESTAMP_WORDS + _SIGNATURE_WORDS:
        raise Bolt11Error("the invoice is too short to be signed")
    signed, signature = words[:-_SIGNATURE_WORDS], to_bytes(words[-_SIGNATURE_WORDS:])
    fields = _fields(signed[_TIMESTAMP_WORDS:])
    digest = sha256(prefix.encode() + bech32.packed(signed)).digest()
    features = words_to_number(_first(fields, "9") or ())
    _check_features(features)
    named = _first(fields, "n")
    payee = _payee(digest, signature, None if named is None else to_bytes(named))
    description = _first(fields, "d")
    hashed = _first(fields, "h")
    if (description is None) == (hashed is None):
        raise Bolt11Error("neither description nor description hash set, or both")
    metadata = _first(fields, "m")
    return Bolt11(
        network=network,
        payment_hash=to_bytes(_required(fields, "p")),
        payment_secret=to_bytes(_required(fields, "s")),
        timestamp_s=words_to_number(signed[:_TIMESTAMP_WORDS]),
        amount_msat=amount_msat,
        description=None if description is None else _text(description),
        description_hash=None if hashed is None else to_bytes(hashed),
        expiry_s=_number(fields, "x", DEFAULT_EXPIRY_S),
        min_final_cltv=_number(fields, "c", DEFAULT_CLTV),
        features=features,
        payee=payee,
        route_hints=tuple(_hint(to_bytes(field)) for tag, field in fields if tag == "r"),
        fallbacks=tuple(_fallbacks(fields)),
        metadata=None if metadata is None else to_bytes(metadata),
        states_expiry=_first(fields, "x") is not None,
        names_payee=named is not None,
        text=text.lower(),
    )


def _read_prefix(prefix: str) -> tuple[str, int | None]:
    """The network, the longest name first, and the amount."""
    for letters in sorted(NETWORKS, key=len, reverse=True):
        if prefix.startswith("ln" + letters):
            rest = prefix[2 + len(letters) :]
            if not rest or rest[0].isdecimal():
                return NETWORKS[letters], amount.read(rest)
    raise Bolt11Error(
        f"{prefix[:20]!r} is no network's prefix; invoices begin with lnbc, lnbcrt, …"
    )


def _fields(words: Sequence[int]) -> list[tuple[str, Sequence[int]]]:
    """The tagged fields in their order."""
    found = []
    at = 0
    while at < len(words):
        if at + 3 > len(words):
            raise Bolt11Error("a field is cut off")
        tag, length = ALPHABET[words[at]], words[at + 1] << 5 | words[at + 2]
        field = words[at + 3 : at + 3 + length]
        if len(field) != length:
            raise Bolt11Error(f"the field {tag!r} is cut off")
        if tag in _FIXED and length != _FIXED[tag]:
            raise Bolt11Error(f"the {_SHOWN[tag]} has the wrong length")
        found.append((tag, field))
        at += 3 + length
    return found


def _first(fields: Sequence[tuple[str, Sequence[int]]], wanted: str) -> Sequence[int] | None:
    for tag, field in fields:
        if tag == wanted:
            return field
    return None


def _required(fields: Sequence[tuple[str, Sequence[int]]], wanted: str) -> Sequence[int]:
    field = _first(fields, wanted)
    if field is None:
        raise Bolt11Error(f"the invoice has no {_SHOWN[wanted]}")
    return field


def _number(fields: Sequence[tuple[str, Sequence[int]]], wanted: str, default: int) -> int:
    field = _first(fields, wanted)
    if field is None:
        return default
    value = words_to_number(field)
    if len(field) > _LONGEST_NUMBER or value >= 1 << 63:
        raise Bolt11Error(f"the field {wanted!r} is larger than any number of a node")
    return value


def _text(words: Sequence[int]) -> str:
    try:
        return to_bytes(words).decode()
    except UnicodeDecodeError:
        raise Bolt11Error("the description is not UTF-8") from None


def _check_features(features: int) -> None:
    for bit in range(0, features.bit_length(), 2):
        if features >> bit & 1 and bit not in _KNOWN_FEATURES:
            raise Bolt11Error(f"the invoice requires the feature {bit}, which is not known here")


def _payee(digest: bytes, signature: bytes, named: bytes | None) -> bytes:
    """Who signed; if the invoice names somebody, it must have been them."""
    from coincurve import PublicKey

    if signature[64] > 3:
        raise Bolt11Error("the signature's recovery id is none")
    if named is not None and int.from_bytes(signature[32:64]) > _HALF_ORDER:
        raise Bolt11Error("the signature is not in its normal form (high s)")
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
        recovered: bytes = key.format()
    except Exception as error:
        raise Bolt11Error("the signature is not valid") from error
    if named is not None and recovered != named:
        raise Bolt11Error("the signature is not the named payee's")
    return recovered


def _hint(data: bytes) -> tuple[Hop, ...]:
    if not data or len(data) % _HOP_BYTES:
        raise Bolt11Error("a route hint is cut off")
    return tuple(
        Hop(
            pubkey=data[at : at + 33],
            scid=int.from_bytes(data[at + 33 : at + 41]),
            base_msat=int.from_bytes(data[at + 41 : at + 45]),
            ppm=int.from_bytes(data[at + 45 : at + 49]),
            cltv_delta=int.from_bytes(data[at + 49 : at + 51]),
        )
        for at in range(0, len(data), _HOP_BYTES)
    )


def _fallbacks(fields: Sequence[tuple[str, Sequence[int]]]) -> list[Fallback]:
    """The addresses of known kinds; others are for other readers."""
    return [
        Fallback(field[0], to_bytes(field[1:]))
        for tag, field in fields
        if tag == "f" and field and field[0] in _ADDRESS_VERSIONS
    ]
