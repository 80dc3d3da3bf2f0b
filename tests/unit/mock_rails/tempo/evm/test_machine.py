"""Frames: how they end, what they cost, what they may do to each other."""

from __future__ import annotations

import sys

import pytest

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.evm import machine
from mock_rails.tempo.scope import Log
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    RETURN_ALL,
    RETURN_WORD,
    asm,
    forward,
    gas_used,
    make_scope,
    returned,
    run,
)

# -- endings --------------------------------------------------------------------------------------


def test_a_call_returns_its_output_and_the_gas_it_did_not_use() -> None:
    result = run(make_scope(), f"42 {RETURN_WORD}", gas=1_000)
    # PUSH1, PUSH0, MSTORE and a word of memory, PUSH1, PUSH0
    assert result.gas_left == 1_000 - (3 + 2 + 3 + 3 + 3 + 2)
    assert (result.success, result.output, result.error) == (True, (42).to_bytes(32), None)


def test_a_revert_keeps_its_data_and_the_rest_of_its_gas() -> None:
    result = run(make_scope(), "0xdeadbeef 0 MSTORE 4 28 REVERT", gas=1_000)
    assert not result.success
    assert result.output == bytes.fromhex("deadbeef")
    assert result.error == "execution reverted"
    assert result.gas_left == 1_000 - (3 + 2 + 3 + 3 + 3 + 3)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ADD", "stack underflow"),
        ("0xfe JUMP", "invalid jump destination"),
        # The JUMPDEST at 4 is the operand of a PUSH1.
        ("4 JUMP 0x5b STOP", "invalid jump destination"),
        ("0x20 0xffffffffffff MSTORE", "out of gas"),
        ("1 0 0 RETURNDATACOPY", "return data out of bounds"),
        ("0 JUMPDEST 0 1 JUMP", "stack limit reached 1024"),
    ],
)
def test_a_failure_is_named_in_geths_words_and_takes_all_gas(code: str, error: str) -> None:
    result = run(make_scope(), code, gas=100_000)
    assert (result.success, result.error) == (False, error)
    assert (result.output, result.gas_left) == (b"", 0)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (b"\xfe", "invalid opcode: INVALID"),
        (b"\x0c", "invalid opcode: opcode 0xc not defined"),
        (b"\xef", "invalid opcode: opcode 0xef not defined"),
    ],
)
def test_an_opcode_that_does_not_exist(code: bytes, error: str) -> None:
    assert run(make_scope(), code).error == error


def test_a_call_to_an_address_without_code_succeeds_at_no_cost() -> None:
    result = machine.call(make_scope(), EOA, OTHER, b"data", 5_000)
    assert (result.success, result.output, result.gas_left) == (True, b"", 5_000)


# -- undoing --------------------------------------------------------------------------------------


WRITE_EVERYWHERE = "1 0 SSTORE 1 0 TSTORE 0 0 LOG0 0 0 0 CREATE POP"


def test_a_failed_frame_leaves_nothing_but_its_callers_work() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(f"{WRITE_EVERYWHERE} 0 0 REVERT"))
    before = dict(scope.world.storage), dict(scope.world.nonces), dict(scope.transient)

    assert run(scope, f"{forward(OTHER)} {RETURN_WORD}").output == bytes(32)
    assert (scope.world.storage, scope.world.nonces, scope.transient) == before
    assert scope.logs == []
    assert scope.deployed == {}


def test_a_frame_that_succeeds_is_undone_with_the_one_around_it() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(WRITE_EVERYWHERE))
    codes = dict(scope.world.codes)
    assert not run(scope, f"{forward(OTHER)} 0 0 REVERT").success
    assert scope.world.storage == {}
    assert scope.world.nonces == {}
    assert scope.world.codes == codes | {CODE: scope.world.code(CODE)}
    assert scope.logs == []


def test_an_address_touched_by_a_reverted_frame_is_cold_again() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(f"0x{EOA.hex()} BALANCE 0 0 REVERT"))
    run(scope, forward(OTHER))
    assert EOA not in scope.warm
    assert OTHER in scope.warm


# -- calls ----------------------------------------------------------------------------------------


def test_revert_data_reaches_the_caller() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm("0xbadc0de0 0 MSTORE 4 28 REVERT"))
    assert run(scope, f"{forward(OTHER)} {RETURN_ALL}").output == bytes.fromhex("badc0de0")


def test_a_failure_that_is_no_revert_returns_no_data() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm("1 0 MSTORE 0xff JUMP"))
    assert run(scope, f"{forward(OTHER)} RETURNDATASIZE ADD {RETURN_WORD}").output == bytes(32)


def test_output_is_cut_to_the_room_the_caller_gave() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(f"0x{'11' * 32} {RETURN_WORD}"))
    # Two bytes of room in a memory full of 0x22.
    code = f"0x{'22' * 32} 0 MSTORE 2 0 0 0 0 0x{OTHER.hex()} GAS CALL POP 32 0 RETURN"
    assert run(scope, code).output == b"\x11" * 2 + b"\x22" * 30


WHO = "ADDRESS 0 MSTORE CALLER 32 MSTORE 64 0 RETURN"


@pytest.mark.parametrize(
    ("opcode", "address", "caller"),
    [
        ("CALL", OTHER, CODE),
        ("STATICCALL", OTHER, CODE),
        ("CALLCODE", CODE, CODE),
        ("DELEGATECALL", CODE, EOA),
    ],
)
def test_whose_storage_and_whose_call(opcode: str, address: bytes, caller: bytes) -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(WHO))
    output = run(scope, f"{forward(OTHER, opcode)} {RETURN_ALL}").output
    assert (output[12:32], output[44:]) == (address, caller)


@pytest.mark.parametrize("opcode", ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
def test_the_first_access_to_an_account_is_cold(opcode: str) -> None:
    """EIP-2929: 2,600, then 100."""
    value = "0" if opcode.startswith("CALL") else ""
    one = f"0 0 0 0 {value} 0x{OTHER.hex()} 0 {opcode} POP"
    around = 4 * 2 + 2 * len(value) + 3 + 2 + 2
    first = gas_used(make_scope(), one)
    assert first == around + 2_600
    assert gas_used(make_scope(), f"{one} {one}") == first + around + 100


def test_a_call_passes_on_at_most_63_64ths() -> None:
    """EIP-150."""
    scope = make_scope()
    scope.world.set_code(OTHER, asm(f"GAS {RETURN_WORD}"))
    result = run(scope, f"{forward(OTHER)} {RETURN_ALL}", gas=1_000_000)
    # Left when the child starts: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY, operands, cold access.
    left = 1_000_000 - (2 + 2 + 2 + 3) - (2 + 2 + 2 + 2 + 2 + 3 + 2) - 2_600
    assert int.from_bytes(result.output) == left - left // 64 - 2


def test_a_call_with_value_cannot_be_paid_for() -> None:
    """There is no native coin: the child never starts and its gas, with the stipend, is kept."""
    scope = make_scope()
    scope.world.set_code(OTHER, asm("1 0 SSTORE"))
    code = f"0 0 0 0 1 0x{OTHER.hex()} 50000 CALL"
    assert returned(scope, code) == 0
    assert scope.world.storage == {}
    pushes = 4 * 2 + 3 + 3 + 3
    assert gas_used(make_scope(scope.world), code) == pushes + 2_600 + 9_000 - 2_300


def test_the_deepest_call_is_the_1024th_and_needs_no_python_stack() -> None:
    """Each frame counts itself in transient storage, then calls itself; EIP-150 needs much gas."""
    count = "0 TLOAD 1 ADD 0 TSTORE"
    again = f"0 0 0 0 0 0x{CODE.hex()} GAS CALL POP"
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(250)
        result = run(make_scope(), f"{count} {again} 0 TLOAD {RETURN_WORD}", gas=10**15)
    finally:
        sys.setrecursionlimit(limit)
    assert int.from_bytes(result.output) == 1 + 1024


# -- STATICCALL -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "1 0 SSTORE",
        "1 0 TSTORE",
        "0 0 LOG0",
        "0 0 0 CREATE",
        "0 0 0 0 CREATE2",
        "0 SELFDESTRUCT",
        f"0 0 0 0 1 0x{EOA.hex()} 0 CALL",
    ],
)
def test_nothing_is_written_under_staticcall(code: str) -> None:
    """EIP-214, also two calls deeper."""
    scope = make_scope()
    scope.world.set_code(OTHER, asm(code))
    scope.world.set_code(EOA, asm(f"{forward(OTHER)} {RETURN_WORD}"))
    assert run(scope, f"{forward(EOA, 'STATICCALL')} POP {RETURN_ALL}").output == bytes(32)
    assert scope.world.storage == {}
    assert returned(make_scope(scope.world), forward(OTHER)) == 1


# -- storage, logs and what the block says --------------------------------------------------------


def test_sload_and_sstore_cost_what_tempo_asks() -> None:
    """Facts 4.5."""
    cold_load = gas_used(make_scope(), "0 SLOAD POP")
    assert cold_load == 2 + 2_100 + 2
    assert gas_used(make_scope(), "0 SLOAD POP 0 SLOAD POP") == cold_load + 2 + 100 + 2

    world = make_scope().world
    new_slot = 3 + 2 + 2_000 + 100 + 5_000 + (100 + 2_000) + 245_000
    assert gas_used(make_scope(world), "1 0 SSTORE") == new_slot
    assert gas_used(make_scope(world), "2 0 SSTORE") == 3 + 2 + 2_000 + 100 + 2_800
    assert world.load((CODE, 0)) == 2


def test_a_slot_created_and_cleared_at_once_costs_no_state() -> None:
    """The frame pays for it and the transaction gets it back, as with every refund."""
    scope = make_scope()
    assert gas_used(scope, "1 0 SSTORE 0 0 SSTORE") == (5 + 9_200 + 245_000) + (4 + 100)
    assert scope.closing_refund() == 245_000


def test_sstore_never_works_with_a_calls_stipend() -> None:
    """EIP-2200: not with 2,300 gas or less, whatever it would cost."""
    world = make_scope().world
    world.store((CODE, 0), 1)
    assert run(make_scope(world), "1 0 SSTORE", gas=5 + 2_300).error == "out of gas"
    assert run(make_scope(world), "1 0 SSTORE", gas=5 + 2_301).success


def test_transient_storage_is_each_contracts_own() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, asm(f"0 TLOAD {RETURN_WORD}"))
    assert run(scope, f"7 0 TSTORE {forward(OTHER)} {RETURN_ALL}").output == bytes(32)
    assert returned(scope, "0 TLOAD") == 7


def test_logs_go_to_the_scope() -> None:
    scope = make_scope()
    used = gas_used(scope, "0xabcd 0 MSTORE 0x02 0x01 2 30 LOG2")
    assert scope.logs == [Log(CODE, ((1).to_bytes(32), (2).to_bytes(32)), bytes.fromhex("abcd"))]
    assert used == (3 + 2 + 3 + 3) + 4 * 3 + 375 + 2 * 375 + 2 * 8


@pytest.mark.parametrize(
    ("opcode", "value"),
    [
        ("CHAINID", 1337),
        ("NUMBER", 7),
        ("TIMESTAMP", 1_700_000_000),
        ("BASEFEE", 600_000_000),
        ("GASLIMIT", 500_000_000),
        ("COINBASE", int.from_bytes(b"\xbe" * 20)),
        ("GASPRICE", 9),
        ("ORIGIN", int.from_bytes(EOA)),
        ("SELFBALANCE", 0),
        ("CALLVALUE", 0),
        ("BLOBBASEFEE", 1),
        ("0 BLOBHASH", 0),
        ("6 BLOCKHASH", int.from_bytes(b"\x06" * 32)),
        ("4 BLOCKHASH", int.from_bytes(b"\x04" * 32)),
        ("3 BLOCKHASH", 0),
        ("7 BLOCKHASH", 0),
        ("8 BLOCKHASH", 0),
        (f"0x{EOA.hex()} BALANCE", 0),
        ("0 CLZ", 256),
        ("1 CLZ", 255),
        (f"0x{'ff' * 32} CLZ", 0),
    ],
)
def test_what_code_can_ask(opcode: str, value: int) -> None:
    assert returned(make_scope(gas_price=9), opcode) == value


def test_prevrandao_is_the_same_in_every_run_and_another_in_every_block() -> None:
    first = returned(make_scope(), "DIFFICULTY")
    assert first == returned(make_scope(), "DIFFICULTY") != 0
    block = make_scope().block
    later = type(block)(1337, 8, block.timestamp_s, block.base_fee, block.gas_limit)
    assert returned(make_scope(block=later), "DIFFICULTY") != first


def test_extcode_opcodes() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, b"\x60\x01")
    assert returned(scope, f"0x{OTHER.hex()} EXTCODESIZE") == 2
    assert returned(scope, f"0x{OTHER.hex()} EXTCODEHASH") == int.from_bytes(keccak256(b"\x60\x01"))
    assert returned(scope, f"0x{EOA.hex()} EXTCODEHASH") == 0
    scope.world.set_nonce(EOA, 1)
    assert returned(scope, f"0x{EOA.hex()} EXTCODEHASH") == int.from_bytes(keccak256(b""))
