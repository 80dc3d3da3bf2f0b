"""Writing an invoice (facts: lightning 3.1-3.4)."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning.bolt11 import amount, bech32
from mock_rails.lightning.bolt11.bech32 import ALPHABET, number_to_words, to_words
from mock_rails.lightning.bolt11.invoice import (
    DEFAULT_CLTV,
    DEFAULT_EXPIRY_S,
    PREFIXES,
    Bolt11Error,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.lightning.bolt11.invoice import Bolt11, Fallback, Hop

LONGEST_DESCRIPTION: Final = 639
_TIMESTAMP_WORDS: Final = 7
_LONGEST_FIELD: Final = 1_023


def encode(invoice: Bolt11, key: bytes) -> str:
    """The invoice's text, signed with the payee's private key. Its `payee` and `text` are not
    looked at."""
    prefix = f"ln{_network(invoice)}{amount.write(invoice.amount_msat)}"
    words = [*number_to_words(invoice.timestamp_s, _TIMESTAMP_WORDS), *_fields(invoice, key)]
    digest = sha256(prefix.encode() + bech32.packed(words)).digest()
    signature = _signer(key).sign_recoverable(digest, hasher=None)
    return bech32.join(prefix, [*words, *to_words(signature)])


def public_key(key: bytes) -> bytes:
    """The 33 bytes that a node is known by."""
    public: bytes = _signer(key).public_key.format()
    return public


@lru_cache(maxsize=1024)
def _signer(key: bytes) -> Any:
    """The key as the library has it: making one computes its public key, so they are kept."""
    from coincurve import PrivateKey

    return PrivateKey(key)


def _network(invoice: Bolt11) -> str:
    prefix = PREFIXES.get(invoice.network)
    if prefix is None:
        raise Bolt11Error(f"{invoice.network!r} is no network; known: {', '.join(PREFIXES)}")
    if not 0 <= invoice.timestamp_s < 1 << 5 * _TIMESTAMP_WORDS:
        raise Bolt11Error(f"an invoice cannot be of the time {invoice.timestamp_s}")
    return prefix


def _fields(invoice: Bolt11, key: bytes) -> list[int]:
    """The tagged fields, in the order of the standard's examples."""
    if (invoice.description is None) == (invoice.description_hash is None):
        raise Bolt11Error("an invoice has a description or the hash of one, and not both")
    words = [
        *_field("s", to_words(_exactly(invoice.payment_secret, 32, "payment secret"))),
        *_field("p", to_words(_exactly(invoice.payment_hash, 32, "payment hash"))),
    ]
    if invoice.description is not None:
        text = invoice.description.encode()
        if len(text) > LONGEST_DESCRIPTION:
            raise Bolt11Error(f"a description has at most {LONGEST_DESCRIPTION} bytes")
        words += _field("d", to_words(text))
    if invoice.description_hash is not None:
        words += _field("h", to_words(_exactly(invoice.description_hash, 32, "description hash")))
    if invoice.states_expiry or invoice.expiry_s != DEFAULT_EXPIRY_S:
        words += _field("x", number_to_words(_positive(invoice.expiry_s, "expiry")))
    if invoice.min_final_cltv != DEFAULT_CLTV:
        words += _field("c", number_to_words(_positive(invoice.min_final_cltv, "cltv delta")))
    if invoice.names_payee:
        words += _field("n", to_words(public_key(key)))
    for fallback in invoice.fallbacks:
        words += _field("f", _fallback(fallback))
    for hint in invoice.route_hints:
        words += _field("r", to_words(b"".join(_hop(hop) for hop in hint)))
    if invoice.metadata is not None:
        words += _field("m", to_words(invoice.metadata))
    return words + _field("9", number_to_words(invoice.features))


def _field(tag: str, words: Sequence[int]) -> list[int]:
    if len(words) > _LONGEST_FIELD:
        raise Bolt11Error(f"the field {tag!r} is longer than an invoice can hold")
    return [ALPHABET.index(tag), len(words) >> 5, len(words) & 31, *words]


def _fallback(fallback: Fallback) -> list[int]:
    return [fallback.version, *to_words(fallback.program)]


def _hop(hop: Hop) -> bytes:
    return (
        _exactly(hop.pubkey, 33, "hop's public key")
        + hop.scid.to_bytes(8)
        + hop.base_msat.to_bytes(4)
        + hop.ppm.to_bytes(4)
        + hop.cltv_delta.to_bytes(2)
    )


def _exactly(value: bytes, length: int, what: str) -> bytes:
    if len(value) != length:
        raise Bolt11Error(f"a {what} has {length} bytes, not {len(value)}")
    return value


def _positive(value: int, what: str) -> int:
    if value < 0:
        raise Bolt11Error(f"an invoice's {what} cannot be {value}")
    return value
