"""Our frames against py-evm's own Prague chain: the same output and gas for the same code.

Storage writes and creations, which Tempo prices differently, are left out; everything else that
costs gas must cost what it costs on Ethereum.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth.chains.base import MiningChain
from eth.constants import (
    BLANK_ROOT_HASH,
    ZERO_ADDRESS,
    ZERO_HASH32,
)
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM

from mock_rails.tempo.evm import machine
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    RETURN_ALL,
    RETURN_WORD,
    asm,
    forward,
    make_scope,
)

GAS = 3_000_000

PROGRAMS = {
    "arithmetic": f"7 3 EXP 5 ADD 2 MUL 11 SWAP1 MOD 0x{'ff' * 32} 2 SDIV ADD {RETURN_WORD}",
    "a big exponent": f"0x{'ff' * 32} 3 EXP {RETURN_WORD}",
    "shifts": f"0x{'80' * 32} 5 SAR 0xabcdef 200 SHL XOR 3 SHR {RETURN_WORD}",
    "signed": f"0x{'ff' * 32} 1 SLT 0xfe 0 SIGNEXTEND ADD {RETURN_WORD}",
    "mulmod": f"13 0x{'ff' * 32} 0x{'fe' * 32} MULMOD 7 12 9 ADDMOD ADD {RETURN_WORD}",
    "hashing": f"1 1000 MSTORE 1032 0 SHA3 64 3 SHA3 ADD {RETURN_WORD}",
    "memory": "1 50000 MSTORE 0xff 60000 MSTORE8 1000 100 60000 MCOPY MSIZE 0 MSTORE 64 0 RETURN",
    "copying": (
        "200 0 0 CALLDATACOPY 300 5 40 CODECOPY "
        f"100 0 90 0x{OTHER.hex()} EXTCODECOPY CALLDATASIZE 0 RETURN"
    ),
    "a loop": f"0 JUMPDEST 1 ADD DUP1 100 GT 1 JUMPI {RETURN_WORD}",
    "logs": "0x01020304 0 MSTORE 1 2 3 4 100 20 LOG4 0 0 LOG0 7 32 0 LOG1",
    "transient storage": f"5 1 TSTORE 1 TLOAD 2 TLOAD ADD {RETURN_WORD}",
    "cold and warm": (
        f"0x{OTHER.hex()} BALANCE 0x{OTHER.hex()} EXTCODEHASH ADDRESS BALANCE ADD "
        f"5 SLOAD 5 SLOAD ADD ADD 0x{'77' * 20} EXTCODESIZE ADD {RETURN_WORD}"
    ),
    "a call": f"{forward(OTHER)} POP {RETURN_ALL}",
    "calls of all kinds": (
        f"{forward(OTHER)} {forward(OTHER, 'STATICCALL')} {forward(OTHER, 'DELEGATECALL')} "
        f"{forward(OTHER, 'CALLCODE')} {RETURN_ALL}"
    ),
    "a call with little gas": f"{forward(OTHER).replace('GAS', '60')} {RETURN_WORD}",
    "a call with value": f"0 0 0 0 9 0x{OTHER.hex()} GAS CALL {RETURN_WORD}",
    "a call to nobody": f"0 0 0 0 0 0x{'99' * 20} GAS CALL {RETURN_WORD}",
    "a precompile": f"{forward((2).to_bytes(20))} POP {RETURN_ALL}",
    "a pairing": f"{forward((8).to_bytes(20))} POP {RETURN_ALL}",
    "revert": "0xdead 0 MSTORE 40 0 REVERT",
    "out of gas": f"1 0x{'7f' * 5} MSTORE",
    "a deep recursion": f"{forward(CODE)} POP GAS {RETURN_WORD}",
    "what the frame is": (
        "ADDRESS CALLER ORIGIN CALLVALUE CALLDATASIZE CODESIZE GASPRICE PC MSIZE "
        + "ADD " * 8
        + RETURN_WORD
    ),
}

CALLEE = asm(f"CALLDATASIZE 0 0 CALLDATACOPY 64 0 SHA3 CALLER XOR {RETURN_WORD}")


@pytest.fixture(scope="module")
def chain() -> Any:
    """py-evm's own, with the block that `make_scope` has where the programs can see it."""
    kind = MiningChain.configure(__name__="Prague", vm_configuration=((0, PragueVM),))
    account = {"balance": 0, "nonce": 0, "storage": {}}
    return kind.from_genesis(
        AtomicDB(),
        {
            "coinbase": ZERO_ADDRESS,
            "difficulty": 0,
            "extra_data": b"",
            "gas_limit": 500_000_000,
            "mix_hash": ZERO_HASH32,
            "nonce": b"\0" * 8,
            "receipt_root": BLANK_ROOT_HASH,
            "timestamp": 1,
            "transaction_root": BLANK_ROOT_HASH,
        },
        {OTHER: {**account, "code": CALLEE}, EOA: {**account, "code": b"", "nonce": 1}},
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_output_and_gas_are_ethereums(chain: Any, name: str) -> None:
    code = asm(PROGRAMS[name])
    data = bytes(range(100))

    vm = chain.get_vm()
    vm.state.set_code(CODE, code)
    theirs = vm.execute_bytecode(
        origin=EOA, gas_price=5, gas=GAS, to=CODE, sender=EOA, value=0, data=data, code=code
    )

    scope = make_scope(gas_price=5)
    scope.world.set_nonce(EOA, 1)
    scope.world.set_code(OTHER, CALLEE)
    scope.world.set_code(CODE, code)
    ours = machine.call(scope, EOA, CODE, data, GAS)

    assert ours.output == theirs.output
    assert ours.gas_left == theirs.get_gas_remaining()
    assert ours.success == theirs.is_success
    logs = [
        (log.address, tuple(int.from_bytes(topic) for topic in log.topics), log.data)
        for log in scope.logs
    ]
    assert logs == list(theirs.get_log_entries())


def test_the_programs_do_what_they_are_for(chain: Any) -> None:
    """An oracle is worth nothing if all its programs fail at their first opcode."""
    expected_to_fail = {"revert", "out of gas"}
    vm = chain.get_vm()
    for name, text in PROGRAMS.items():
        code = asm(text)
        vm.state.set_code(CODE, code)
        theirs = vm.execute_bytecode(
            origin=EOA, gas_price=5, gas=GAS, to=CODE, sender=EOA, value=0, data=b"", code=code
        )
        assert theirs.is_error == (name in expected_to_fail), name
