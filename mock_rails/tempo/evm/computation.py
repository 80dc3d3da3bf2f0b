"""One frame of EVM code: py-evm's stack, memory and opcodes, run by our loop on our scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import Halt, VMError
from eth.vm.forks.prague.computation import PragueComputation

from mock_rails.tempo import gas
from mock_rails.tempo.calls import CallResult
from mock_rails.tempo.evm.failures import reason_of
from mock_rails.tempo.evm.messages import Child, Enter
from mock_rails.tempo.evm.meter import EvmMeter
from mock_rails.tempo.evm.opcodes import TABLE

if TYPE_CHECKING:
    from mock_rails.tempo.evm.state import State
    from mock_rails.tempo.scope import Scope

_MAX_CODE: Final = 24_576
"""EIP-170."""


class Computation(PragueComputation):
    """A frame: begun when made, `run` until it calls or ends, `finish`ed into a result."""

    def __init__(self, state: State, child: Child) -> None:
        # What py-evm calls a state and a transaction context is much more than its opcodes use.
        context: Any = state
        self.scope: Scope = state.scope
        self.meter = EvmMeter(child.message.gas)
        self.consume_gas = self.meter.consume_gas  # type: ignore[method-assign]
        self.waiting_for: Child | None = None
        super().__init__(context, child.message, context)
        self._snapshot = self.scope.snapshot()
        if child.message.is_create:
            self._deploy(child.message.storage_address)

    def _configure_gas_meter(self) -> Any:
        return self.meter

    def _deploy(self, address: bytes) -> None:
        """A new contract counts from 1 (EIP-161), and may destroy itself (EIP-6780)."""
        scope = self.scope
        scope.world.set_nonce(address, 1)
        scope.set(scope.deployed, address, True)

    # -- running ----------------------------------------------------------------------------------

    def run(self) -> Child | None:
        """Run on until the code ends, which answers None, or wants a child to run first."""
        meter = self.meter
        try:
            for opcode in self.code:
                logic, cost = TABLE[opcode]
                meter.charge(cost)
                logic(self)
        except Halt:
            pass
        except Enter as enter:
            self.waiting_for = enter.child
            return enter.child
        except VMError as error:
            self._error = error
        return None

    def resume(self, result: CallResult) -> None:
        """Take in what became of the child."""
        child = self.waiting_for
        if child is None:
            raise RuntimeError("a frame that waits for no child was resumed")
        self.waiting_for = None
        self.meter.left += result.gas_left
        if child.message.is_create:
            self.return_data = b"" if result.success else result.output
            self.stack_push_int(int.from_bytes(result.created or b""))
            return
        self.return_data = result.output
        size = min(child.output_size, len(result.output))
        self.memory_write(child.output_start, size, result.output[:size])
        self.stack_push_int(int(result.success))

    def finish(self) -> CallResult:
        """The result; what a failed frame did is undone."""
        created = self.msg.storage_address if self.msg.is_create else None
        if created is not None and self.is_success:
            self._place_code(created)
        output = bytes(self.output)
        if self.is_success:
            return CallResult(True, output, self.meter.left, created=created)
        self.scope.revert(self._snapshot)
        gas_left = 0 if self.should_burn_gas else self.meter.left
        return CallResult(False, output, gas_left, reason_of(self.error))

    def _place_code(self, address: bytes) -> None:
        """Store what the init code returned, at 1,000 gas a byte (facts 4.5)."""
        code = bytes(self.output)
        deposit = gas.CODE_DEPOSIT_BYTE * len(code)
        if len(code) > _MAX_CODE:
            self.error = VMError("max code size exceeded")
        elif code.startswith(b"\xef"):
            self.error = VMError("invalid code: must not begin with 0xef")
        elif deposit > self.meter.left:
            self.error = VMError("contract creation code storage out of gas")
        else:
            self.meter.charge(deposit)
            self.scope.world.set_code(address, code)

    # -- what opcodes use -------------------------------------------------------------------------

    def pop_address(self) -> bytes:
        """The low 20 bytes of the top word."""
        word: int = self.stack_pop1_int()
        return (word & _ADDRESS_MASK).to_bytes(20)

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        """An event goes to the scope, among those of native contracts."""
        self.scope.log(account, tuple(topic.to_bytes(32) for topic in topics), data)


_ADDRESS_MASK: Final = (1 << 160) - 1
