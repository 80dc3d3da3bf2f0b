"""Why a frame failed, in geth's words: clients and people know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eth import exceptions

if TYPE_CHECKING:
    from eth.exceptions import VMError

_WORDS: Final[dict[type[VMError], str]] = {
    exceptions.Revert: "execution reverted",
    exceptions.OutOfGas: "out of gas",
    exceptions.InsufficientStack: "stack underflow",
    exceptions.FullStack: "stack limit reached 1024",
    exceptions.InvalidJumpDestination: "invalid jump destination",
    exceptions.WriteProtection: "write protection",
    exceptions.OutOfBoundsRead: "return data out of bounds",
}


def reason_of(error: VMError) -> str:
    """The reason in one line; what has no name of its own says what its exception says."""
    if isinstance(error, exceptions.InvalidInstruction):
        if error.args[0].startswith("Jump"):
            return _WORDS[exceptions.InvalidJumpDestination]
        return f"invalid opcode: {error}"
    return _WORDS.get(type(error), str(error))
