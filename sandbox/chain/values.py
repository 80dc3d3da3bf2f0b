"""JSON-RPC's hex: quantities and bytes, written and read (facts 5.3).

A node's answer that is not what it should be is a `ChainError` that names the field, never a
`KeyError` or a `ValueError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.chain.errors import ChainError

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Call


def to_hex(data: bytes) -> str:
    """0x-prefixed lower-case hex."""
    return "0x" + data.hex()


def read_quantity(value: Any, name: str) -> int:
    """A hex quantity; some nodes write small ones as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise _unreadable(name, value)


def read_data(value: Any, name: str) -> bytes:
    """0x-prefixed bytes."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise _unreadable(name, value)


def read_object(value: Any, name: str) -> dict[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return value
    raise _unreadable(name, value)


def call_json(call: Call) -> dict[str, str]:
    """A call of a batch, as a request object holds it."""
    written = {"value": hex(call.value), "input": to_hex(call.data)}
    return written if call.to is None else {"to": to_hex(call.to), **written}


def _unreadable(name: str, value: Any) -> ChainError:
    return ChainError(
        f"The node's {name} is unreadable: {repr(value)[:80]}.",
        hint="Is this the URL of a Tempo node?",
    )
