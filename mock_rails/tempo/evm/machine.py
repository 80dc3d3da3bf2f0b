"""Runs message calls and creations: the frames of one top-level call, on a stack of our own.

A frame that calls is set aside and resumed with the result, so that 1,024 nested calls, the EVM's
limit, need no deeper Python stack than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth.exceptions import VMError

from mock_rails.tempo.calls import CallResult, call_native
from mock_rails.tempo.delegation import delegate_of
from mock_rails.tempo.evm import creating, messages
from mock_rails.tempo.evm.computation import Computation
from mock_rails.tempo.evm.messages import Child
from mock_rails.tempo.evm.precompiles import PRECOMPILES
from mock_rails.tempo.evm.state import State
from mock_rails.tempo.gas import Meter
from mock_rails.tempo.native.contract import NativeContract
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.registry import native_at

if TYPE_CHECKING:
    from eth.vm.message import Message

    from mock_rails.tempo.scope import Scope


def call(scope: Scope, sender: bytes, to: bytes, data: bytes, gas_limit: int) -> CallResult:
    """A top-level message call."""
    code, code_address = messages.resolve(scope, to)
    delegate = delegate_of(scope.world.code(to))
    if delegate is not None:
        scope.touch(delegate)
    message = messages.new_message(gas=gas_limit, to=to, sender=sender, data=data, code=code)
    return Machine(scope).run(Child("CALL", message, code_address))


def create(scope: Scope, sender: bytes, initcode: bytes, gas_limit: int) -> CallResult:
    """A top-level contract creation.

    The sender's nonce has been raised for it, so the address is made of the one before. The output
    is what the init code returned: for a call without a target that is the answer (facts 5.4).
    """
    nonce = scope.world.nonce(sender) - 1
    if nonce < 0:
        raise ValueError("the sender's nonce must be raised before its contract is created")
    address = creating.create_address(sender, nonce)
    scope.touch(address)
    message = creating.creation(sender, address, initcode, gas_limit)
    return Machine(scope).run(Child("CREATE", message))


class Machine:
    """The frames that are open at one time, outermost first."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._state = State(scope)
        self._frames: list[Computation] = []

    def run(self, first: Child) -> CallResult:
        """Run a child, and all that it calls, to its end."""
        frames = self._frames
        result = self._enter(first)
        while frames:
            frame = frames[-1]
            if result is not None:
                frame.resume(result)
            child = frame.run()
            if child is None:
                frames.pop()
                result = self._left(frame.finish())
            else:
                result = self._enter(child)
        if result is None:
            raise RuntimeError("the machine stopped without a result")
        return result

    def _enter(self, child: Child) -> CallResult | None:
        """Open a frame for the child, or answer at once where there is no code to run."""
        message = child.message
        if child.code_address is not None:
            native = native_at(child.code_address)
            if native is not None:
                return self._native(native, child)
        self._entered(child)
        if message.is_create:
            obstacle = self._obstacle(message)
            if obstacle is not None:
                return self._left(CallResult(False, b"", 0, obstacle))
        elif child.code_address in PRECOMPILES:
            return self._left(self._precompile(child))
        elif not message.code:
            return self._left(CallResult(True, b"", message.gas))
        self._frames.append(Computation(self._state, child))
        return None

    def _obstacle(self, message: Message) -> str | None:
        """Why a creation cannot even begin (EIP-3860, EIP-684)."""
        if len(message.code) > creating.MAX_INITCODE:
            return "max initcode size exceeded"
        world, address = self._scope.world, message.storage_address
        if world.code(address) or world.nonce(address) or native_at(address) is not None:
            return "contract address collision"
        return None

    def _precompile(self, child: Child) -> CallResult:
        frame = Computation(self._state, child)
        try:
            PRECOMPILES[child.message.code_address](frame)
        except VMError as error:
            frame.error = error
        return frame.finish()

    def _native(self, native: type[NativeContract], child: Child) -> CallResult:
        """A native contract, which must be called as itself: it has no code to lend (facts 2.1)."""
        message = child.message
        if message.storage_address != child.code_address:
            self._entered(child)
            refusal = NativeContract.DelegateCallNotAllowed.abi.encode()
            return self._left(CallResult(False, refusal, message.gas, "execution reverted"))
        frame = Frame(
            self._scope,
            message.storage_address,
            message.sender,
            Meter(message.gas),
            message.is_static,
        )
        return call_native(native, frame, message.data_as_bytes, kind=child.kind)

    # -- the tracer -------------------------------------------------------------------------------

    def _entered(self, child: Child) -> None:
        tracer = self._scope.tracer
        if tracer is None:
            return
        message = child.message
        borrowed = child.kind in {"CALLCODE", "DELEGATECALL"}
        tracer.enter(
            child.kind,
            message.storage_address if borrowed else message.sender,
            message.storage_address if message.is_create else message.code_address,
            message.code if message.is_create else message.data_as_bytes,
            message.gas,
        )

    def _left(self, result: CallResult) -> CallResult:
        if self._scope.tracer is not None:
            self._scope.tracer.exit(result.output, result.gas_left, result.error)
        return result
