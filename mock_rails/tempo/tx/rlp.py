"""RLP, strictly: one value has one encoding, and anything else is refused.

Written by hand because every payment is decoded once and hashed several times: a general library
builds schemas and objects and takes ten times as long. Spec: Ethereum yellow paper appendix B;
strictness as facts 1.1 (minimal integers, canonical lengths, no trailing bytes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = bytes | list["Item"]
"""What decoding yields: a byte string, or a list of such."""

MAX_DEPTH: Final = 16
"""Nesting allowed; a transaction with a scoped key authorization needs 8."""

MAX_BYTES: Final = 8 * 1024 * 1024
"""Input allowed; the largest transaction (32 calls of 128 KiB, facts 1.8) is just above 4 MiB."""

EMPTY_STRING: Final = b"\x80"
"""The empty string, which is also the integer 0 and an absent field."""

EMPTY_LIST: Final = b"\xc0"
"""The list of nothing."""


class RlpError(ValueError):
    """Bytes that are not the one canonical encoding of anything."""


def decode(data: bytes) -> Item:
    """Decode exactly one item that spans all the data."""
    _check_size(data)
    items = _decode_items(data, 0, len(data), MAX_DEPTH)
    if len(items) != 1:
        raise RlpError(f"expected one RLP item, got {len(items)}")
    return items[0]


def decode_list(data: bytes, start: int = 0) -> list[Item]:
    """Decode the list that spans data[start:]."""
    _check_size(data)
    position, end = _payload_span(data, start)
    size = len(data)
    if end != size:
        word = "bytes missing from" if end > size else "trailing bytes after"
        raise RlpError(f"{abs(end - size)} {word} the RLP list")
    return _decode_items(data, position, end, MAX_DEPTH - 1)


def item_offsets(data: bytes, start: int = 0) -> list[int]:
    """Where in `data` each item of the list at data[start:] begins, and where the last ends.

    For data that was decoded already. A hash of "the same fields, but for one" is then made of
    slices of the input instead of encoding it all again.
    """
    position, end = _payload_span(data, start)
    offsets = [position]
    while position < end:
        head = data[position]
        if head < 0x80:
            position += 1
        elif head < 0xB8:
            position += head - 0x7F
        elif 0xC0 <= head < 0xF8:
            position += head - 0xBF
        else:
            after = position + head - (0xB6 if head < 0xC0 else 0xF6)
            position = after + int.from_bytes(data[position + 1 : after])
        offsets.append(position)
    return offsets


def _payload_span(data: bytes, start: int) -> tuple[int, int]:
    """Where the payload of the list at data[start:] begins and ends."""
    if start >= len(data) or data[start] < 0xC0:
        raise RlpError("expected an RLP list")
    head = data[start]
    if head < 0xF8:
        return start + 1, start + head - 0xBF
    position = start + head - 0xF6
    return position, position + _long_length(data, start + 1, position, len(data))


def _decode_items(data: bytes, position: int, end: int, depth: int) -> list[Item]:
    """The items of data[position:end], a list's payload.

    The hottest Python of the codec: one loop, the commonest heads first.
    """
    if depth < 0:
        raise RlpError(f"RLP lists nested deeper than {MAX_DEPTH}")
    items: list[Item] = []
    append = items.append
    while position < end:
        head = data[position]
        position += 1
        if head == 0x80:
            append(b"")
            continue
        if head < 0x80:
            append(data[position - 1 : position])
            continue
        if head == 0xC0:
            append([])
            continue
        start = position
        if head < 0xB8:
            position += head - 0x80
            if head == 0x81 and position <= end and data[start] < 0x80:
                raise RlpError("RLP byte below 0x80 encoded with a needless length")
        elif 0xC0 <= head < 0xF8:
            position += head - 0xC0
        else:
            start += head - (0xB7 if head < 0xC0 else 0xF7)
            position = start + _long_length(data, position, start, end)
        if position > end:
            raise RlpError("RLP item runs over the end of its list")
        if head < 0xC0:
            append(data[start:position])
        else:
            append(_decode_items(data, start, position, depth - 1))
    return items


def _long_length(data: bytes, start: int, stop: int, end: int) -> int:
    """The big-endian length in data[start:stop]; it must be minimal and above 55."""
    if stop > end:
        raise RlpError("RLP length runs over the end of its list")
    length = int.from_bytes(data[start:stop])
    if data[start] == 0 or length <= 55:
        raise RlpError("RLP length is not in its shortest form")
    return length


def _check_size(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise RlpError(f"{len(data)} bytes of RLP exceed the limit of {MAX_BYTES}")


def to_uint(item: Item, bits: int, name: str) -> int:
    """Read an item as an integer without leading zeros that fits in `bits` (a multiple of 8)."""
    if item.__class__ is not bytes:
        raise RlpError(f"{name}: expected an integer, got a list")
    if not item:
        return 0
    if item[0] == 0:
        raise RlpError(f"{name}: integer has leading zeros")
    if len(item) * 8 > bits:
        raise RlpError(f"{name}: integer does not fit in {bits} bits")
    return int.from_bytes(item)


def to_bit(item: Item, name: str) -> int:
    """Read an item as 0 or 1."""
    value = to_uint(item, 8, name)
    if value > 1:
        raise RlpError(f"{name}: expected 0 or 1, got {value}")
    return value


def to_bytes(item: Item, name: str, *, size: int | None = None) -> bytes:
    """Read an item as a byte string, of exactly `size` bytes if given."""
    if not isinstance(item, bytes):
        raise RlpError(f"{name}: expected bytes, got a list")
    if size is not None and len(item) != size:
        raise RlpError(f"{name}: expected {size} bytes, got {len(item)}")
    return item


def to_optional_address(item: Item, name: str) -> bytes | None:
    """Read an item as an address of 20 bytes, or nothing."""
    return to_bytes(item, name, size=20) if item != b"" else None


def to_list(item: Item, name: str, *, sizes: range | None = None) -> list[Item]:
    """Read an item as a list, with a length in `sizes` if given."""
    if not isinstance(item, list):
        raise RlpError(f"{name}: expected a list, got bytes")
    if sizes is not None and len(item) not in sizes:
        raise RlpError(f"{name}: a list of {len(item)} items is not what belongs here")
    return item


def encode(value: bytes | int | Sequence[object]) -> bytes:
    """Encode bytes, a non-negative integer, or a list or tuple of such."""
    if isinstance(value, bytes):
        return encode_bytes(value)
    if isinstance(value, int):
        return encode_uint(value)
    return wrap_list(b"".join([encode(part) for part in value]))  # type: ignore[arg-type]


def encoded_size(value: bytes) -> int:
    """How many bytes a byte string takes when encoded."""
    length = len(value)
    if length == 1 and value[0] < 0x80:
        return 1
    return 1 + length + (0 if length <= 55 else (length.bit_length() + 7) // 8)


def encode_bytes(value: bytes) -> bytes:
    """A byte string."""
    length = len(value)
    if length == 1 and value[0] < 0x80:
        return value
    if length <= 55:
        return _SHORT_STRING[length] + value
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([0xB7 + len(size)]) + size + value


def encode_uint(value: int) -> bytes:
    """An integer: its shortest big-endian form as a byte string."""
    if 0 < value < 0x80:
        return value.to_bytes()
    return encode_bytes(value.to_bytes((value.bit_length() + 7) // 8))


def wrap_list(payload: bytes) -> bytes:
    """A list, of items that are encoded and joined already."""
    length = len(payload)
    if length <= 55:
        return bytes([0xC0 + length]) + payload
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([0xF7 + len(size)]) + size + payload


_SHORT_STRING: Final = tuple(bytes([0x80 + length]) for length in range(56))
