"""Native contracts reached from code: as precompiles, under one undo with it (facts 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import NONCE_MANAGER, PATH_USD, TIP20_PREFIX
from mock_rails.tempo.calls import call_native
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.gas import Meter
from mock_rails.tempo.native.contract import NativeContract
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    PLENTY,
    RETURN_ALL,
    RETURN_WORD,
    asm,
    forward,
    make_scope,
    returned,
    run,
    stored,
)
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

BOB = b"\xb0" * 20
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")
BALANCE = Function("balanceOf(address account) returns (uint256)")


@pytest.fixture
def scope() -> Scope:
    """A world in which the contract CODE has 1,000 base units of pathUSD, and OTHER 10."""
    scope = make_scope()
    make_token(scope, PATH_USD, balances={CODE: 1_000, OTHER: 10})
    return scope


def balance(scope: Scope, account: bytes) -> int:
    value: int = scope.world.load(Tip20.balances.key(PATH_USD, account))
    return value


def test_code_pays_with_a_native_token(scope: Scope) -> None:
    result = run(scope, f"{forward(PATH_USD)} POP {RETURN_ALL}", TRANSFER.call(BOB, 300))
    assert TRANSFER.result(result.output) is True
    assert (balance(scope, CODE), balance(scope, BOB)) == (700, 300)
    (log,) = scope.logs
    assert (log.address, log.topics[1][12:], log.topics[2][12:]) == (PATH_USD, CODE, BOB)


def test_a_payment_is_undone_with_the_frame_around_it(scope: Scope) -> None:
    before = dict(scope.world.storage)
    result = run(scope, f"{forward(PATH_USD)} 0 0 REVERT", TRANSFER.call(BOB, 300))
    assert result.error == "execution reverted"
    assert scope.world.storage == before
    assert scope.logs == []


def test_a_payment_is_undone_with_an_inner_frame_only(scope: Scope) -> None:
    """CODE pays 2; OTHER, which it calls, pays 2 as well and reverts."""
    data = TRANSFER.call(BOB, 2)
    pay = f"{stored(data)} 0 0 {len(data)} 0 0 0x{PATH_USD.hex()} GAS CALL"
    scope.world.set_code(OTHER, asm(f"{pay} 0 MSTORE 32 0 REVERT"))
    result = run(scope, f"{pay} POP 0 0 0 0 0 0x{OTHER.hex()} GAS CALL POP {RETURN_ALL}")
    assert result.output == (1).to_bytes(32), "OTHER's payment had succeeded"
    assert (balance(scope, CODE), balance(scope, OTHER), balance(scope, BOB)) == (998, 10, 2)
    assert len(scope.logs) == 1


def test_a_native_revert_is_data_for_the_caller(scope: Scope) -> None:
    result = run(scope, f"{forward(PATH_USD)} POP {RETURN_ALL}", TRANSFER.call(BOB, 1_001))
    assert result.output == Tip20.InsufficientBalance.abi.encode(1_000, 1_001, PATH_USD)
    assert balance(scope, BOB) == 0


def test_a_native_contract_that_runs_out_of_gas_takes_what_it_was_given(scope: Scope) -> None:
    code = forward(PATH_USD).replace("GAS", "20000")
    result = run(scope, f"{code} {RETURN_WORD}", TRANSFER.call(BOB, 1))
    assert result.output == bytes(32)
    assert PLENTY - result.gas_left > 20_000 + 2_600
    assert balance(scope, BOB) == 0


def test_a_native_call_costs_the_access_and_what_it_costs_itself(scope: Scope) -> None:
    data = BALANCE.call(BOB)
    direct = Meter(PLENTY)
    call_native(Tip20, Frame(make_scope(scope.world), PATH_USD, EOA, direct), data)
    spent = PLENTY - direct.left

    code = f"{forward(PATH_USD, 'STATICCALL')}"
    result = run(make_scope(scope.world), code, data)
    copying = 2 + 2 + 2 + 3 + 2 * 3 + 2 * 3
    operands = 2 + 2 + 2 + 2 + 3 + 2
    assert PLENTY - result.gas_left == copying + operands + 2_600 + spent


def test_staticcall_reads_but_does_not_write(scope: Scope) -> None:
    read = run(scope, f"{forward(PATH_USD, 'STATICCALL')} POP {RETURN_ALL}", BALANCE.call(CODE))
    assert BALANCE.result(read.output) == 1_000
    write = run(scope, f"{forward(PATH_USD, 'STATICCALL')} POP {RETURN_ALL}", TRANSFER.call(BOB, 1))
    assert write.output == NativeContract.StaticCallNotAllowed.abi.encode()
    assert balance(scope, BOB) == 0


def test_a_call_inside_a_staticcall_does_not_write_either(scope: Scope) -> None:
    scope.world.set_code(OTHER, asm(f"{forward(PATH_USD)} POP {RETURN_ALL}"))
    result = run(scope, f"{forward(OTHER, 'STATICCALL')} POP {RETURN_ALL}", TRANSFER.call(BOB, 1))
    assert result.output == NativeContract.StaticCallNotAllowed.abi.encode()


@pytest.mark.parametrize("opcode", ["DELEGATECALL", "CALLCODE"])
def test_a_native_contract_lends_its_code_to_nobody(scope: Scope, opcode: str) -> None:
    code = f"{forward(PATH_USD, opcode)}"
    result = run(scope, f"{code} POP {RETURN_ALL}", BALANCE.call(CODE))
    assert result.output == NativeContract.DelegateCallNotAllowed.abi.encode()
    assert returned(scope, code, BALANCE.call(CODE)) == 0


def test_a_native_contract_can_only_be_called_without_value(scope: Scope) -> None:
    code = forward(PATH_USD).replace("CALLDATASIZE 0 0 0x", "CALLDATASIZE 0 1 0x")
    assert code != forward(PATH_USD)
    assert returned(scope, code, TRANSFER.call(BOB, 1)) == 0
    assert balance(scope, BOB) == 0


def test_the_native_code_byte_is_visible(scope: Scope) -> None:
    token = f"0x{PATH_USD.hex()}"
    assert returned(scope, f"{token} EXTCODESIZE") == 1
    assert returned(scope, f"{token} EXTCODEHASH") == int.from_bytes(keccak256(b"\xef"))


def test_a_token_that_was_never_created_is_uninitialized(scope: Scope) -> None:
    nobody = TIP20_PREFIX + bytes(7) + b"\x77"
    result = run(scope, f"{forward(nobody)} POP {RETURN_ALL}", BALANCE.call(CODE))
    assert result.output == Tip20.Uninitialized.abi.encode()
    assert returned(scope, f"0x{nobody.hex()} EXTCODESIZE") == 0


def test_native_and_code_storage_share_their_warmth(scope: Scope) -> None:
    """The second read of one balance is warm, whichever frame made the first."""
    twice = f"{forward(PATH_USD)} POP {forward(PATH_USD)}"
    data = BALANCE.call(BOB)
    once = PLENTY - run(make_scope(scope.world), forward(PATH_USD), data).gas_left
    both = PLENTY - run(make_scope(scope.world), twice, data).gas_left
    # The second has no cold account, no cold slot, and its memory is there already.
    assert both - once == once - 2_500 - 2_000 - 2 * 3 + 2


def test_other_native_contracts_answer_too(scope: Scope) -> None:
    get_nonce = Function("getNonce(address account, uint256 nonceKey) returns (uint64)")
    result = run(scope, f"{forward(NONCE_MANAGER)} POP {RETURN_ALL}", get_nonce.call(BOB, 5))
    assert get_nonce.result(result.output) == 0
