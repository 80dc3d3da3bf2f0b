"""Macaroons of version 2, as LND and L402 use them (facts: lightning 6).

A macaroon names what it is for (its identifier), may carry conditions (caveats), and is signed with
a chain of HMACs: whoever holds one can add a condition, and nobody can take one away. First-party
caveats only; the binary form, which Go's, Python's and JavaScript's libraries read:

    02  [01 length location]  02 length identifier  00
        {02 length caveat 00}  00  06 20 signature
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 4_096
"""Bytes that are read at most."""

_GENERATOR: Final = b"macaroons-key-generator".ljust(32, b"\0")
_VERSION: Final = 2
_END, _LOCATION, _IDENTIFIER, _VERIFICATION, _SIGNATURE = 0, 1, 2, 4, 6


class MacaroonError(BadInput):
    """This is no macaroon, or its signature is not the issuer's."""

    code = "macaroon"
    title = "The macaroon is not valid"


@dataclass(frozen=True, slots=True)
class Macaroon:
    """One macaroon, read but not verified."""

    location: str
    identifier: bytes
    caveats: tuple[bytes, ...]
    signature: bytes

    def __repr__(self) -> str:
        """What it is about; never the signature, which is what pays and opens doors."""
        return f"Macaroon(location={self.location!r}, caveats={len(self.caveats)})"


def bake(
    root_key: bytes, identifier: bytes, caveats: Iterable[bytes] = (), location: str = "lnd"
) -> bytes:
    """A new macaroon in its binary form."""
    start = _hmac(_hmac(_GENERATOR, root_key), identifier)
    return _write(_bound(Macaroon(location, identifier, (), start), caveats))


def attenuate(raw: bytes, caveats: Iterable[bytes]) -> bytes:
    """The same with more conditions; the root key is not needed for it."""
    return _write(_bound(read(raw), caveats))


def verify(raw: bytes, root_key: bytes) -> tuple[bytes, ...]:
    """The caveats of a macaroon that was baked with the root key. Whether they are met is the
    caller's to judge."""
    macaroon = read(raw)
    honest = bake(root_key, macaroon.identifier, macaroon.caveats)
    if not hmac.compare_digest(read(honest).signature, macaroon.signature):
        raise MacaroonError("signature mismatch after caveat verification")
    return macaroon.caveats


def read(raw: bytes) -> Macaroon:
    """A macaroon's parts, or MacaroonError."""
    if not raw or raw[0] != _VERSION or len(raw) > LONGEST:
        raise MacaroonError("cannot determine data format of binary-encoded macaroon")
    head, at = _section(raw, 1)
    identifier = head.get(_IDENTIFIER)
    if identifier is None or not head.keys() <= {_LOCATION, _IDENTIFIER}:
        raise MacaroonError("invalid macaroon header")
    caveats = []
    while True:
        caveat, at = _section(raw, at)
        if not caveat:
            break
        if _VERIFICATION in caveat or _LOCATION in caveat:
            raise MacaroonError("third-party caveats are not supported")
        if caveat.keys() != {_IDENTIFIER}:
            raise MacaroonError("no identifier in caveat")
        caveats.append(caveat[_IDENTIFIER])
    kind, signature, at = _field(raw, at)
    if kind != _SIGNATURE or len(signature) != 32 or at != len(raw):
        raise MacaroonError("signature has unexpected length or unexpected data follows it")
    location = head.get(_LOCATION, b"").decode("utf-8", "replace")
    return Macaroon(location, identifier, tuple(caveats), signature)


def _bound(macaroon: Macaroon, caveats: Iterable[bytes]) -> Macaroon:
    for caveat in caveats:
        macaroon = replace(
            macaroon,
            caveats=(*macaroon.caveats, caveat),
            signature=_hmac(macaroon.signature, caveat),
        )
    return macaroon


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, sha256)


# -- the binary form ------------------------------------------------------------------------------


def _write(macaroon: Macaroon) -> bytes:
    location = macaroon.location.encode()
    out = bytes([_VERSION])
    if location:
        out += _packet(_LOCATION, location)
    out += _packet(_IDENTIFIER, macaroon.identifier) + bytes([_END])
    for caveat in macaroon.caveats:
        out += _packet(_IDENTIFIER, caveat) + bytes([_END])
    return out + bytes([_END]) + _packet(_SIGNATURE, macaroon.signature)


def _packet(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + varint(len(data)) + data


def varint(number: int) -> bytes:
    """A whole number as protobuf writes it, seven bits a byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _section(raw: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """The fields up to the next end, which come in the order of their kinds."""
    found: dict[int, bytes] = {}
    while True:
        kind, data, at = _field(raw, at)
        if kind == _END:
            return found, at
        if found and kind <= max(found):
            raise MacaroonError("fields out of order")
        found[kind] = data


def _field(raw: bytes, at: int) -> tuple[int, bytes, int]:
    kind, at = _varint(raw, at)
    if kind == _END:
        return kind, b"", at
    length, at = _varint(raw, at)
    if at + length > len(raw):
        raise MacaroonError("field data extends past end of buffer")
    return kind, raw[at : at + length], at + length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(raw) or shift > 28:
            raise MacaroonError("field data extends past end of buffer")
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
