"""Runs one message call, whatever stands at its target: a native contract, EVM code or nothing.

A payment goes straight to a native contract and never enters the interpreter; py-evm is imported by
the first call that needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_rails.tempo.gas import Meter, OutOfGasError
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.registry import native_at

if TYPE_CHECKING:
    from mock_rails.tempo.native.contract import NativeContract
    from mock_rails.tempo.scope import Scope


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended. A failed call has changed nothing.

    `output` is return data, or revert data; `error` is None, `"execution reverted"`, `"out of gas"`
    or another reason of the EVM; `created` is the new contract's address.
    """

    success: bool
    output: bytes
    gas_left: int
    error: str | None = None
    created: bytes | None = None


def call(scope: Scope, sender: bytes, to: bytes, data: bytes, gas_limit: int) -> CallResult:
    """A top-level call of a transaction (the native coin does not exist: there is no value)."""
    native = native_at(to)
    if native is not None:
        return call_native(native, Frame(scope, to, sender, Meter(gas_limit)), data)
    empty = not scope.world.code(to) and int.from_bytes(to) > _LAST_PRECOMPILE
    if empty and scope.tracer is None:
        return CallResult(True, b"", gas_limit)
    from mock_rails.tempo.evm import machine

    return machine.call(scope, sender, to, data, gas_limit)


def create(scope: Scope, sender: bytes, initcode: bytes, gas_limit: int) -> CallResult:
    """A top-level contract creation; the sender's nonce has already been raised for it."""
    from mock_rails.tempo.evm import machine

    return machine.create(scope, sender, initcode, gas_limit)


def call_native(
    native: type[NativeContract], frame: Frame, data: bytes, *, kind: str = "CALL"
) -> CallResult:
    """Run a native contract in its frame and undo it when it fails."""
    scope = frame.scope
    snapshot = scope.snapshot()
    tracer = scope.tracer
    if tracer is not None:
        tracer.enter(kind, frame.caller, frame.address, data, frame.meter.left)
    try:
        result = CallResult(True, native(frame).dispatch(data), frame.meter.left)
    except Revert as revert:
        scope.revert(snapshot)
        result = CallResult(False, revert.data, frame.meter.left, "execution reverted")
    except OutOfGasError:
        scope.revert(snapshot)
        result = CallResult(False, b"", 0, "out of gas")
    if tracer is not None:
        tracer.exit(result.output, result.gas_left, result.error)
    return result


_LAST_PRECOMPILE = 0x100
"""Ethereum's own precompiles reach from 0x01 to P256VERIFY at 0x100 (EIP-7951)."""
