"""The positional parameters of one JSON-RPC call, read by position and named in every error.

An error text is all that most clients show, so "missing parameter" without a name helps nobody
(JSON-RPC 2.0, section 5.1: code -32602).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.tx.json_values import (
    invalid,
    read_address,
    read_data,
    read_object,
    read_quantity,
)

if TYPE_CHECKING:
    from mock_rails.tempo.rpc.connection import Connection


class Params:
    """What the caller sent, and the connection it came on when that can carry notifications."""

    __slots__ = ("connection", "values")

    def __init__(self, values: list[Any], connection: Connection | None = None) -> None:
        self.values = values
        self.connection = connection

    def given(self, at: int) -> Any:
        """The value at a position; None when it is absent or null."""
        values = self.values
        return values[at] if at < len(values) else None

    def required(self, at: int, name: str) -> Any:
        """The value at a position, which must be there."""
        value = self.given(at)
        if value is None:
            raise InvalidParams(f"invalid params: missing parameter {at}: {name}")
        return value

    def address(self, at: int, name: str = "address") -> bytes:
        """An account or contract."""
        return read_address(self.required(at, name), name)

    def hash(self, at: int, name: str = "hash") -> bytes:
        """A block or transaction hash."""
        return read_data(self.required(at, name), name, size=32)

    def data(self, at: int, name: str = "data") -> bytes:
        """Bytes of any length."""
        return read_data(self.required(at, name), name)

    def quantity(self, at: int, name: str, *, bits: int = 64) -> int:
        """A number that must be given."""
        return read_quantity(self.required(at, name), name, bits=bits)

    def optional_quantity(self, at: int, name: str, *, bits: int = 64) -> int | None:
        """A number that may be left out."""
        value = self.given(at)
        return None if value is None else read_quantity(value, name, bits=bits)

    def flag(self, at: int, name: str, *, default: bool = False) -> bool:
        """A JSON boolean that may be left out."""
        value = self.given(at)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(name, "true or false", value)
        return value

    def text(self, at: int, name: str) -> str:
        """A JSON string."""
        value = self.required(at, name)
        if not isinstance(value, str):
            raise invalid(name, "a string", value)
        return value

    def object(self, at: int, name: str) -> dict[str, Any]:
        """A JSON object that must be given."""
        return read_object(self.required(at, name), name)

    def optional_object(self, at: int, name: str) -> dict[str, Any]:
        """A JSON object that may be left out."""
        value = self.given(at)
        return {} if value is None else read_object(value, name)
