"""The opcodes that call: CALL, CALLCODE, DELEGATECALL and STATICCALL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eth.exceptions import WriteProtection

from mock_rails.tempo.delegation import delegate_of
from mock_rails.tempo.evm.messages import (
    DEPTH_LIMIT,
    Child,
    Enter,
    new_message,
    refuse,
    resolve,
    touch_account,
)

if TYPE_CHECKING:
    from mock_rails.tempo.evm.computation import Computation
    from mock_rails.tempo.scope import Scope

COLD_ACCOUNT: Final = 2_600
WARM_ACCOUNT: Final = 100
_VALUE_GAS: Final = 9_000
_NEW_ACCOUNT_GAS: Final = 25_000
_STIPEND: Final = 2_300


def call(frame: Computation) -> None:
    """CALL. The native coin does not exist, so a call with value fails for want of balance."""
    requested, target, value, *memory = _call_operands(frame, with_value=True)
    if value and frame.msg.is_static:
        raise WriteProtection
    _enter_call(frame, "CALL", requested, target, value, memory)


def callcode(frame: Computation) -> None:
    """CALLCODE: another account's code on this one's storage, called by itself."""
    requested, target, value, *memory = _call_operands(frame, with_value=True)
    _enter_call(frame, "CALLCODE", requested, target, value, memory)


def delegatecall(frame: Computation) -> None:
    """DELEGATECALL: another account's code on this one's storage, for this one's caller."""
    requested, target, value, *memory = _call_operands(frame, with_value=False)
    _enter_call(frame, "DELEGATECALL", requested, target, value, memory)


def staticcall(frame: Computation) -> None:
    """STATICCALL: a call that must not write (EIP-214)."""
    requested, target, value, *memory = _call_operands(frame, with_value=False)
    _enter_call(frame, "STATICCALL", requested, target, value, memory)


def _call_operands(
    frame: Computation, *, with_value: bool
) -> tuple[int, bytes, int, int, int, int, int]:
    """Gas, target, value, and the two memory ranges: input and output."""
    requested = frame.stack_pop1_int()
    target = frame.pop_address()
    value = frame.stack_pop1_int() if with_value else 0
    return requested, target, value, *frame.stack_pop_ints(4)


def _enter_call(
    frame: Computation, kind: str, requested: int, target: bytes, value: int, memory: list[int]
) -> None:
    input_start, input_size, output_start, output_size = memory
    frame.extend_memory(input_start, input_size)
    frame.extend_memory(output_start, output_size)
    code, code_address = _load_code(frame, target)
    child_gas = _child_call_gas(frame, kind, requested, target, value)
    if value or frame.msg.depth >= DEPTH_LIMIT:
        refuse(frame, child_gas)
        return
    parent = frame.msg
    on_own_storage = kind in {"CALLCODE", "DELEGATECALL"}
    message = new_message(
        gas=child_gas,
        to=parent.storage_address if on_own_storage else target,
        sender=parent.sender if kind == "DELEGATECALL" else parent.storage_address,
        data=frame.memory_read_bytes(input_start, input_size),
        code=code,
        depth=parent.depth + 1,
        code_address=target,
        is_static=parent.is_static or kind == "STATICCALL",
    )
    raise Enter(Child(kind, message, code_address, output_start, output_size))


def _load_code(frame: Computation, target: bytes) -> tuple[bytes, bytes | None]:
    """`resolve`, paying for the account and for the one it delegates to."""
    _charge_account(frame, target)
    delegate = delegate_of(frame.scope.world.code(target))
    if delegate is not None:
        _charge_account(frame, delegate)
    return resolve(frame.scope, target)


def _charge_account(frame: Computation, address: bytes) -> None:
    frame.meter.charge(COLD_ACCOUNT if touch_account(frame, address) else WARM_ACCOUNT)


def _child_call_gas(
    frame: Computation, kind: str, requested: int, target: bytes, value: int
) -> int:
    """Charge the call, and everything it passes on: at most 63/64 of what is left (EIP-150)."""
    meter = frame.meter
    if value:
        meter.charge(_VALUE_GAS)
        if kind == "CALL" and _is_empty(frame.scope, target):
            meter.charge(_NEW_ACCOUNT_GAS)
    passed = min(requested, meter.left - meter.left // 64)
    meter.charge(passed)
    return passed + _STIPEND if value else passed


def _is_empty(scope: Scope, address: bytes) -> bool:
    return not scope.world.nonce(address) and not scope.world.code(address)
