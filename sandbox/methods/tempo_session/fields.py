"""Single values of a session's JSON: addresses, hashes, bytes and amounts, checked one by one.

Everything that reads JSON here reads it through these, so that a wrong value is always refused with
the name of its field, and never with a `KeyError` or a `TypeError`. Who calls turns `FieldError`
into the problem that the peer is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DIGITS: Final = 78
"""As many as 2^256 has: longer numbers are refused before Python spends time on them."""

_SHOWN: Final = 80


class FieldError(ValueError):
    """A value is missing or malformed; the message names the field."""


def read_object(value: object, name: str) -> Mapping[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return value
    raise FieldError(f"{name} must be a JSON object, got {_shown(value)}")


def read_text(value: object, name: str) -> str:
    """A string with something in it."""
    if isinstance(value, str) and value:
        return value
    raise FieldError(f"{name} must be a non-empty string, got {_shown(value)}")


def read_bytes(value: object, name: str, *, size: int | None = None) -> bytes:
    """0x-prefixed hex with at least one byte; of `size` bytes if one is given."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = b""
        # `fromhex` skips blanks: what was written must be exactly as long as what was read.
        if data and 2 * len(data) + 2 == len(value) and (size is None or len(data) == size):
            return data
    wanted = "0x-prefixed hex" if size is None else f"0x and {2 * size} hex digits"
    raise FieldError(f"{name} must be {wanted}, got {_shown(value)}")


def read_address(value: object, name: str) -> bytes:
    """An address; its checksum case is not looked at, as in mppx."""
    return read_bytes(value, name, size=20)


def read_hash(value: object, name: str) -> bytes:
    """32 bytes: a channel id, a salt, a transaction hash."""
    return read_bytes(value, name, size=32)


def read_amount(value: object, name: str, maximum: int) -> int:
    """A whole number of base units, as a decimal string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        amount = int(value)
        if amount <= maximum:
            return amount
        raise FieldError(f"{name} must be at most {maximum}, got {value}")
    raise FieldError(f"{name} must be a decimal string of base units, got {_shown(value)}")


def read_count(value: object, name: str, *, least: int = 0) -> int:
    """A JSON integer of at most 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 64:
        return value
    raise FieldError(f"{name} must be an integer of at least {least}, got {_shown(value)}")


def to_hex(data: bytes) -> str:
    """0x-prefixed lower-case hex."""
    return "0x" + data.hex()


def _shown(value: object) -> str:
    """A hostile value in a message: short, and on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"
    shown = repr(value[: _SHOWN + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
