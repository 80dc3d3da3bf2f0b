"""The opcodes that deploy, CREATE and CREATE2, and what they share with deploying transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import OutOfGas, WriteProtection

from mock_rails.tempo import gas
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.evm.messages import (
    DEPTH_LIMIT,
    Child,
    Enter,
    new_message,
    refuse,
    touch_account,
)
from mock_rails.tempo.tx import rlp

if TYPE_CHECKING:
    from eth.vm.message import Message

    from mock_rails.tempo.evm.computation import Computation

MAX_INITCODE: Final = 49_152
"""EIP-3860."""

_MAX_NONCE: Final = 2**64 - 1


def create_address(sender: bytes, nonce: int) -> bytes:
    """Where CREATE puts a contract."""
    return keccak256(rlp.encode([sender, nonce]))[12:]


def create2_address(sender: bytes, salt: int, initcode: bytes) -> bytes:
    """Where CREATE2 puts a contract (EIP-1014)."""
    return keccak256(b"\xff" + sender + salt.to_bytes(32) + keccak256(initcode))[12:]


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
    if value or frame.msg.depth >= DEPTH_LIMIT or nonce >= _MAX_NONCE:
        refuse(frame, 0)
        return
    meter = frame.meter
    child_gas = meter.left - meter.left // 64
    meter.charge(child_gas)
    # Outside the child's snapshot: a creation that fails has still used the nonce.
    creator = frame.msg.storage_address
    frame.scope.world.set_nonce(creator, nonce + 1)
    touch_account(frame, address)
    raise Enter(Child(kind, creation(creator, address, initcode, child_gas, frame.msg.depth + 1)))
