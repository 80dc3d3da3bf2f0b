"""The opcodes that start another frame: CALL and its relatives, CREATE and CREATE2.

py-evm runs a child inside its parent's opcode, eight Python frames deep per call, and Python ends
before the EVM's 1,024 calls do. Here such an opcode only pays, prepares the `Child` and raises it;
the machine runs it and resumes the parent with the result (`Computation.resume`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import OutOfGas, WriteProtection
from eth.vm.message import Message

from mock_rails.tempo import gas
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.delegation import delegate_of
from mock_rails.tempo.evm.precompiles import PRECOMPILES
from mock_rails.tempo.native.registry import native_at
from mock_rails.tempo.tx import rlp

if TYPE_CHECKING:
    from mock_rails.tempo.evm.computation import Computation
    from mock_rails.tempo.scope import Scope

COLD_ACCOUNT: Final = 2_600
WARM_ACCOUNT: Final = 100
_VALUE_GAS: Final = 9_000
_NEW_ACCOUNT_GAS: Final = 25_000
_STIPEND: Final = 2_300
_DEPTH_LIMIT: Final = 1_024
_MAX_NONCE: Final = 2**64 - 1
MAX_INITCODE: Final = 49_152
"""EIP-3860."""


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


# -- accounts and addresses -----------------------------------------------------------------------


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


def create_address(sender: bytes, nonce: int) -> bytes:
    """Where CREATE puts a contract."""
    return keccak256(rlp.encode([sender, nonce]))[12:]


def create2_address(sender: bytes, salt: int, initcode: bytes) -> bytes:
    """Where CREATE2 puts a contract (EIP-1014)."""
    return keccak256(b"\xff" + sender + salt.to_bytes(32) + keccak256(initcode))[12:]


# -- calls ----------------------------------------------------------------------------------------


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
    if value or frame.msg.depth >= _DEPTH_LIMIT:
        _refuse(frame, child_gas)
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


def _refuse(frame: Computation, child_gas: int) -> None:
    """The child cannot start: the parent gets its gas back and a 0."""
    frame.meter.left += child_gas
    frame.return_data = b""
    frame.stack_push_int(0)


# -- creations ------------------------------------------------------------------------------------


def create(frame: Computation) -> None:
    """CREATE: an address from this account and its nonce."""
    value, start, size = _create_operands(frame, hashed=False)
    address = create_address(frame.msg.storage_address, _creator_nonce(frame))
    _enter_create(frame, "CREATE", value, frame.memory_read_bytes(start, size), address)


def create2(frame: Computation) -> None:
    """CREATE2: an address from this account, a salt and the code (EIP-1014)."""
    value, start, size = _create_operands(frame, hashed=True)
    salt = frame.stack_pop1_int()
    initcode = frame.memory_read_bytes(start, size)
    address = create2_address(frame.msg.storage_address, salt, initcode)
    _enter_create(frame, "CREATE2", value, initcode, address)


def _create_operands(frame: Computation, *, hashed: bool) -> tuple[int, int, int]:
    """Pop value and memory range, and charge them: Tempo asks 500,000 for an account."""
    if frame.msg.is_static:
        raise WriteProtection
    value, start, size = frame.stack_pop_ints(3)
    if size > MAX_INITCODE:
        raise OutOfGas(f"init code of {size} bytes exceeds the limit of {MAX_INITCODE}")
    per_word = gas.INITCODE_WORD + (gas.KECCAK_WORD if hashed else 0)
    frame.meter.charge(gas.TX_CREATE + per_word * gas.words(size))
    frame.extend_memory(start, size)
    return value, start, size


def _creator_nonce(frame: Computation) -> int:
    return frame.scope.world.nonce(frame.msg.storage_address)


def _enter_create(
    frame: Computation, kind: str, value: int, initcode: bytes, address: bytes
) -> None:
    nonce = _creator_nonce(frame)
    if value or frame.msg.depth >= _DEPTH_LIMIT or nonce >= _MAX_NONCE:
        _refuse(frame, 0)
        return
    meter = frame.meter
    child_gas = meter.left - meter.left // 64
    meter.charge(child_gas)
    # Outside the child's snapshot: a creation that fails has still used the nonce.
    creator = frame.msg.storage_address
    frame.scope.world.set_nonce(creator, nonce + 1)
    touch_account(frame, address)
    raise Enter(Child(kind, creation(creator, address, initcode, child_gas, frame.msg.depth + 1)))


def creation(
    creator: bytes, address: bytes, initcode: bytes, gas_limit: int, depth: int = 0
) -> Message:
    """The message that runs init code at the new contract's address."""
    return new_message(
        gas=gas_limit,
        to=CREATE_CONTRACT_ADDRESS,
        sender=creator,
        data=b"",
        code=initcode,
        depth=depth,
        create_address=address,
    )
