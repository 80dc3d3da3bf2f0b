"""The opcodes: py-evm's Prague, and ours where Tempo or Osaka differ.

Ours are storage (priced by the scope, shared with native contracts), the calls and creations
(`calling.py`, `creating.py`), SELFDESTRUCT and CLZ (EIP-7939).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import Halt, InvalidInstruction, OutOfGas, WriteProtection
from eth.vm import opcode_values as op
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

from mock_rails.tempo import gas
from mock_rails.tempo.evm import calling, creating
from mock_rails.tempo.evm.messages import touch_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.tempo.evm.computation import Computation

    Logic = Callable[[Any], None]

CLZ: Final = 0x1E
_CLZ_GAS: Final = 5
_SELFDESTRUCT_GAS: Final = 5_000
_SSTORE_STIPEND: Final = 2_300
_DESIGNATED_INVALID: Final = 0xFE


def require_writable(frame: Computation) -> None:
    """Nothing may be written under STATICCALL (EIP-214)."""
    if frame.msg.is_static:
        raise WriteProtection


def sload(frame: Computation) -> None:
    """SLOAD: at the price of facts 4.5."""
    key = (frame.msg.storage_address, frame.stack_pop1_int())
    frame.stack_push_int(frame.scope.sload(key, frame.meter))


def sstore(frame: Computation) -> None:
    """SSTORE: never with a call's stipend alone (EIP-2200), priced with Tempo's storage credits."""
    require_writable(frame)
    if frame.meter.left <= _SSTORE_STIPEND:
        raise OutOfGas
    slot, value = frame.stack_pop_ints(2)
    frame.scope.sstore((frame.msg.storage_address, slot), value, frame.meter)


def tload(frame: Computation) -> None:
    """TLOAD: storage that ends with the transaction (EIP-1153)."""
    key = (frame.msg.storage_address, frame.stack_pop1_int())
    frame.stack_push_int(frame.scope.transient.get(key, 0))


def tstore(frame: Computation) -> None:
    """TSTORE: undone with its frame like any storage."""
    require_writable(frame)
    slot, value = frame.stack_pop_ints(2)
    frame.scope.set(frame.scope.transient, (frame.msg.storage_address, slot), value)


def selfdestruct(frame: Computation) -> None:
    """SELFDESTRUCT: deletes only what the same transaction deployed (EIP-6780); no coin to send."""
    require_writable(frame)
    beneficiary = frame.pop_address()
    if touch_account(frame, beneficiary):
        frame.meter.charge(calling.COLD_ACCOUNT)
    scope, address = frame.scope, frame.msg.storage_address
    if address in scope.deployed:
        scope.set(scope.destroyed, address, True)
    raise Halt("SELFDESTRUCT")


def count_leading_zeros(frame: Computation) -> None:
    """CLZ: the zero bits above the highest set bit of a word (EIP-7939)."""
    frame.stack_push_int(256 - frame.stack_pop1_int().bit_length())


def _undefined(opcode: int) -> Logic:
    name = "INVALID" if opcode == _DESIGNATED_INVALID else f"opcode {opcode:#x} not defined"

    def logic(frame: Computation) -> None:
        raise InvalidInstruction(name)

    return logic


_OURS: Final[dict[int, tuple[Logic, int]]] = {
    CLZ: (count_leading_zeros, _CLZ_GAS),
    op.SLOAD: (sload, 0),
    op.SSTORE: (sstore, 0),
    op.TLOAD: (tload, gas.TRANSIENT),
    op.TSTORE: (tstore, gas.TRANSIENT),
    op.CREATE: (creating.create, 0),
    op.CREATE2: (creating.create2, 0),
    op.CALL: (calling.call, 0),
    op.CALLCODE: (calling.callcode, 0),
    op.DELEGATECALL: (calling.delegatecall, 0),
    op.STATICCALL: (calling.staticcall, 0),
    op.SELFDESTRUCT: (selfdestruct, _SELFDESTRUCT_GAS),
}


def _entry(opcode: int) -> tuple[Logic, int]:
    if opcode in _OURS:
        return _OURS[opcode]
    theirs: Any = PRAGUE_OPCODES.get(opcode)
    if theirs is None:
        return _undefined(opcode), 0
    return theirs.logic_fn, theirs.gas_cost


TABLE: Final = tuple(_entry(opcode) for opcode in range(256))
"""What each of the 256 opcodes does, and the gas it costs before it does it."""
