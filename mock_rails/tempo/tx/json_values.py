"""Values inside JSON-RPC parameters, read strictly and named in the error.

The node and the SDKs write integers as hex quantities, but pytempo sends a signature's v and viem a
y parity as numbers, and ox writes a zero as "0x": all three are read. Anything else is refused with
the path of the member, so that a developer sees which one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.errors import InvalidParams

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_SHOWN = 48


def invalid(name: str, expected: str, value: object) -> InvalidParams:
    """The error that a member is not what it should be."""
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = shown[:_SHOWN] + "..."
    return InvalidParams(f"invalid params: {name}: expected {expected}, got {shown}")


def to_quantity(value: int) -> str:
    """An integer as the wire writes it."""
    return hex(value)


def to_data(value: bytes) -> str:
    """Bytes, an address or a hash as the wire writes it: lower case (facts 8.3 T2)."""
    return "0x" + value.hex()


def to_word(value: int) -> str:
    """An integer as 32 bytes."""
    return f"0x{value:064x}"


def read_quantity(value: object, name: str, *, bits: int = 256) -> int:
    """A non-negative integer of at most `bits`."""
    if isinstance(value, str):
        number = _from_hex_digits(value)
    else:
        # A bool is an int to Python, but nobody means 1 by `true` here.
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None or number < 0:
        raise invalid(name, "a hex quantity", value)
    if number.bit_length() > bits:
        raise invalid(name, f"a quantity of at most {bits} bits", value)
    return number


def read_data(value: object, name: str, *, size: int | None = None) -> bytes:
    """Hex data, of exactly `size` bytes if given."""
    expected = "0x-prefixed hex data" if size is None else f"{size} bytes of 0x-prefixed hex"
    if not (isinstance(value, str) and value[:2] == "0x" and _is_hex(value[2:])):
        raise invalid(name, expected, value)
    data = bytes.fromhex(value[2:]) if len(value) % 2 == 0 else None
    if data is None or (size is not None and len(data) != size):
        raise invalid(name, expected, value)
    return data


def read_address(value: object, name: str) -> bytes:
    """An address, in any case: checksums are for people."""
    return read_data(value, name, size=20)


def read_array(value: object, name: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise invalid(name, "an array", value)
    return value


def read_object(value: object, name: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise invalid(name, "an object", value)
    return value


def read_optional(
    members: dict[str, Any], key: str, read: Callable[[object, str], T], *, path: str = ""
) -> T | None:
    """A member of an object, or None where it is missing or null."""
    value = members.get(key)
    return None if value is None else read(value, path + key)


def read_u64(value: object, name: str) -> int:
    """An integer of 64 bits: nonces, gas, seconds, chain ids."""
    return read_quantity(value, name, bits=64)


def read_u128(value: object, name: str) -> int:
    """An integer of 128 bits: gas prices."""
    return read_quantity(value, name, bits=128)


def _from_hex_digits(text: str) -> int | None:
    digits = text[2:]
    if text[:2] != "0x" or len(digits) > 128 or not _is_hex(digits):
        return None
    return int(digits, 16) if digits else 0


def _is_hex(digits: str) -> bool:
    # Python's own parsers also take spaces, underscores and foreign digits.
    return not digits.strip("0123456789abcdefABCDEF")
