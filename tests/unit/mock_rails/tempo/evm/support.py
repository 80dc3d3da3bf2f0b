"""What the tests of the EVM share: a scope, an assembler, and a way to run code.

    code = asm("CALLDATASIZE 0 0 CALLDATACOPY  CALLDATASIZE 0 RETURN")
    assert run(scope, code, b"echo").output == b"echo"

In assembly, a number is pushed in as few bytes as it takes (0 by PUSH0), `0x..` in as many as are
written, and a name is an opcode. Operands come before their opcode, the last one pushed on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth.vm import opcode_values

from mock_rails.tempo.abi import Function
from mock_rails.tempo.evm import machine
from mock_rails.tempo.evm.opcodes import CLZ
from mock_rails.tempo.scope import BlockContext, Scope
from mock_rails.tempo.world import World

if TYPE_CHECKING:
    from mock_rails.tempo.calls import CallResult

EOA = b"\xe0" * 20
CODE = b"\xc0" * 20
OTHER = b"\xc1" * 20
PLENTY = 30_000_000

_OPCODES: dict[str, int] = {
    **{name: value for name, value in vars(opcode_values).items() if name.isupper()},
    "CLZ": CLZ,
}

RETURN_WORD = "0 MSTORE 32 0 RETURN"
"""Returns the word on top of the stack."""

RETURN_ALL = "RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 RETURN"
"""Returns what the last call returned."""

STOP = bytes([0])


def asm(text: str) -> bytes:
    """Assemble."""
    return b"".join(_assemble(token) for token in text.split())


def _assemble(token: str) -> bytes:
    if token in _OPCODES:
        return bytes([_OPCODES[token]])
    if token.startswith("0x"):
        operand = bytes.fromhex(token[2:])
    else:
        value = int(token)
        operand = value.to_bytes((value.bit_length() + 7) // 8)
    return bytes([0x5F + len(operand)]) + operand


def stored(data: bytes) -> str:
    """Assembly that writes the bytes to the start of memory."""
    words = [data[at : at + 32].ljust(32, b"\0") for at in range(0, len(data), 32)]
    return " ".join(f"0x{word.hex()} {32 * at} MSTORE" for at, word in enumerate(words))


def initcode_for(runtime: bytes) -> bytes:
    """Init code that deploys the given code."""
    head = asm(f"0x{len(runtime):04x} 0x000d 0 CODECOPY 0x{len(runtime):04x} 0 RETURN")
    assert len(head) == 13
    return head + runtime


def make_scope(world: World | None = None, **identity: Any) -> Scope:
    """A transaction's scope, with a block whose three parents have hashes."""
    block = BlockContext(
        chain_id=1337,
        number=7,
        timestamp_s=1_700_000_000,
        base_fee=600_000_000,
        gas_limit=500_000_000,
        beneficiary=b"\xbe" * 20,
        parent_hashes=lambda: (b"\x06" * 32, b"\x05" * 32, b"\x04" * 32),
    )
    identity.setdefault("origin", EOA)
    return Scope(world or World(), identity.pop("block", block), **identity)


def run(
    scope: Scope, code: bytes | str, data: bytes = b"", *, gas: int = PLENTY, at: bytes = CODE
) -> CallResult:
    """Put code at an address and call it."""
    scope.world.set_code(at, asm(code) if isinstance(code, str) else code)
    return machine.call(scope, EOA, at, data, gas)


def returned(scope: Scope, code: str, data: bytes = b"") -> int:
    """The word that code leaves on the stack."""
    result = run(scope, f"{code} {RETURN_WORD}", data)
    assert result.success, result.error
    return int.from_bytes(result.output)


def gas_used(scope: Scope, code: bytes | str, data: bytes = b"") -> int:
    """What a call of the code costs."""
    result = run(scope, code, data)
    assert result.success, result.error
    return PLENTY - result.gas_left


def create(scope: Scope, initcode: bytes, *, gas: int = PLENTY) -> CallResult:
    """Deploy as a transaction does, which raises the sender's nonce first."""
    scope.world.set_nonce(EOA, scope.world.nonce(EOA) + 1)
    return machine.create(scope, EOA, initcode, gas)


def forward(target: bytes, opcode: str = "CALL") -> str:
    """Assembly that calls a target with this call's own data, and leaves the success flag."""
    value = "0" if opcode in {"CALL", "CALLCODE"} else ""
    return f"CALLDATASIZE 0 0 CALLDATACOPY 0 0 CALLDATASIZE 0 {value} 0x{target.hex()} GAS {opcode}"


@dataclass(frozen=True)
class Deployed:
    """A contract with code, called by ABI text."""

    scope: Scope
    address: bytes
    sender: bytes = EOA

    def by(self, sender: bytes) -> Deployed:
        """The same contract, called by somebody else."""
        return Deployed(self.scope, self.address, sender)

    def raw(self, text: str, *values: Any, gas: int = PLENTY) -> CallResult:
        """Call a function, whatever becomes of it."""
        return machine.call(
            self.scope, self.sender, self.address, Function(text).call(*values), gas
        )

    def call(self, text: str, *values: Any) -> Any:
        """Call a function that must succeed and return what it returned, decoded."""
        result = self.raw(text, *values)
        assert result.success, (result.error, result.output.hex())
        decoded = Function(text).outputs.decode(result.output)
        return decoded[0] if len(decoded) == 1 else decoded or None
