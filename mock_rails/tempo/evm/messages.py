"""Messages between frames, and how an opcode sends one.

py-evm runs a child inside its parent's opcode, eight Python frames deep per call, and Python ends
before the EVM's 1,024 calls do. Here such an opcode only pays, prepares the `Child` and raises it;
the machine runs it and resumes the parent with the result (`Computation.resume`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth.vm.message import Message

from mock_rails.tempo.delegation import delegate_of
from mock_rails.tempo.evm.precompiles import PRECOMPILES
from mock_rails.tempo.native.registry import native_at

if TYPE_CHECKING:
    from mock_rails.tempo.evm.computation import Computation
    from mock_rails.tempo.scope import Scope

DEPTH_LIMIT: Final = 1_024


@dataclass(frozen=True, slots=True)
class Child:
    """A frame to be: its message and where in the parent's memory its output belongs.

    `code_address` is None where nothing but code may run: a creation, or a delegation to a
    precompile or native contract, whose code counts as empty (EIP-7702).
    """

    kind: str
    message: Message
    code_address: bytes | None = None
    output_start: int = 0
    output_size: int = 0


class Enter(Exception):
    """An opcode asks the machine to run a child first: a signal like py-evm's Halt, no failure."""

    def __init__(self, child: Child) -> None:
        super().__init__(child.kind)
        self.child = child


def new_message(**parts: Any) -> Message:
    """py-evm's message; there an address is a type of its own, here it is bytes throughout."""
    return Message(value=0, **parts)


def touch_account(frame: Computation, address: bytes) -> bool:
    """Make an account warm; True when it was cold (EIP-2929)."""
    return address not in PRECOMPILES and frame.scope.touch(address)


def resolve(scope: Scope, address: bytes) -> tuple[bytes, bytes | None]:
    """The code to run at an address, and the address whose precompile or native may run."""
    code = scope.world.code(address)
    delegate = delegate_of(code)
    if delegate is None:
        return code, address
    if delegate in PRECOMPILES or native_at(delegate) is not None:
        return b"", None
    return scope.world.code(delegate), None


def refuse(frame: Computation, child_gas: int) -> None:
    """The child cannot start: the parent gets its gas back and a 0."""
    frame.meter.left += child_gas
    frame.return_data = b""
    frame.stack_push_int(0)
