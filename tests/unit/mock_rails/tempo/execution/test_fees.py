"""Which token pays, how much, and where it goes (facts 4.1 to 4.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    FEE_MANAGER,
    PATH_USD,
    STABLECOIN_DEX,
    THETA_USD,
    ZERO_ADDRESS,
)
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.execution import fees
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, Call
from tests.unit.mock_rails.tempo.execution.support import (
    ALICE,
    BOB,
    PRICE,
    STRANGER,
    TRANSFER_WITH_MEMO,
    make_world,
    pay,
    scope_of,
    submit,
)

if TYPE_CHECKING:
    from mock_rails.tempo.world import World

SET_USER_TOKEN = Function("setUserToken(address token)")
SWAP_IN = Function("swapExactAmountIn(address,address,uint128,uint128)")
SWAP = Call(STABLECOIN_DEX, 0, SWAP_IN.call(THETA_USD, PATH_USD, 5, 0))
MEMO = Call(BETA_USD, 0, TRANSFER_WITH_MEMO.call(BOB, 5, bytes(32)))
APPROVE = Call(BETA_USD, 0, Function("approve(address,uint256)").call(BOB, 5))


@pytest.fixture
def world() -> World:
    return make_world()


# -- the base fee ----------------------------------------------------------------------------------


def test_the_base_fee_falls_from_genesis_to_the_floor() -> None:
    """20e9 at genesis, 12e9 in block 1, an eighth less with each quiet block (facts 4.4)."""
    prices = [fees.GENESIS_BASE_FEE]
    while prices[-1] > fees.MIN_BASE_FEE:
        prices.append(fees.next_base_fee(prices[-1], 0))
    assert prices[1:3] == [12_000_000_000, 10_500_000_000]
    assert prices[-1] == 600_000_000
    assert len(prices) - 1 in range(23, 26)
    assert fees.next_base_fee(prices[-1], 0) == prices[-1]


@pytest.mark.parametrize(
    ("gas_used", "expected"),
    [
        (10_000_000, 800_000_000),
        (20_000_000, 900_000_000),
        (15_000_000, 850_000_000),
        (5_000_000, 750_000_000),
        (500_000_000, 5_700_000_000),
    ],
)
def test_a_busy_block_raises_it(gas_used: int, expected: int) -> None:
    assert fees.next_base_fee(800_000_000, gas_used) == expected


def test_it_never_passes_the_cap() -> None:
    assert fees.next_base_fee(11_000_000_000, 500_000_000) == fees.MAX_BASE_FEE


@pytest.mark.parametrize(
    ("gas", "price", "base_units"),
    [(31_158, 600_000_000, 19), (1, 1, 1), (0, PRICE, 0), (1_000_000, 10**6, 1)],
)
def test_fees_are_rounded_up(gas: int, price: int, base_units: int) -> None:
    assert fees.fee_amount(gas, price) == base_units


def test_the_tip_comes_on_top_up_to_the_maximum() -> None:
    assert fees.effective_price(submit(max_priority_fee_per_gas=1), 600_000_000) == 600_000_001
    assert fees.effective_price(submit(max_priority_fee_per_gas=PRICE), 600_000_000) == PRICE


# -- which token -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "changes", "token"),
    [
        (ALICE, {"fee_token": THETA_USD}, THETA_USD),
        (ALICE, {}, ALPHA_USD),
        (STRANGER, {}, PATH_USD),
        (STRANGER, {"calls": (pay(token=BETA_USD),)}, BETA_USD),
        (STRANGER, {"calls": (MEMO, pay(token=BETA_USD))}, BETA_USD),
        (STRANGER, {"calls": (MEMO, pay(token=THETA_USD))}, PATH_USD),
        (STRANGER, {"calls": (APPROVE,)}, PATH_USD),
        (STRANGER, {"calls": (SWAP,)}, THETA_USD),
        (STRANGER, {"calls": (SWAP, SWAP)}, PATH_USD),
        (STRANGER, {"calls": (SWAP._replace(data=SWAP.data[:30]),)}, PATH_USD),
        (STRANGER, {"calls": (pay(token=PATH_USD[:12] + b"\x77" * 8),)}, PATH_USD),
        (STRANGER, {"calls": (Call(None, 0, b""),)}, PATH_USD),
    ],
    ids=[
        "the transaction's",
        "the payer's",
        "the paid one, pathUSD",
        "the paid one",
        "the paid one, with a memo",
        "two tokens paid",
        "no payment",
        "the one swapped",
        "two swaps",
        "half a swap",
        "no token",
        "a creation",
    ],
)
def test_the_fee_token(world: World, sender: bytes, changes: dict[str, Any], token: bytes) -> None:
    submission = submit(sender, **changes)
    assert fees.choose_fee_token(scope_of(world, submission), submission) == token


def test_a_sponsor_does_not_pay_in_whatever_is_paid(world: World) -> None:
    submission = replace(submit(BOB, calls=(pay(token=BETA_USD),)), fee_payer=STRANGER)
    assert fees.choose_fee_token(scope_of(world, submission), submission) == PATH_USD


def test_an_ethereum_transaction_pays_in_the_token_it_chooses_for_later(world: World) -> None:
    calls = (Call(FEE_MANAGER, 0, SET_USER_TOKEN.call(BETA_USD)),)
    for kind, token in ((TYPE_DYNAMIC_FEE, BETA_USD), (0x76, ALPHA_USD)):
        submission = submit(type=kind, calls=calls)
        assert fees.choose_fee_token(scope_of(world, submission), submission) == token


# -- collecting and settling -----------------------------------------------------------------------


def balance(world: World, token: bytes, account: bytes) -> int:
    return int(world.load(Tip20.balances.key(token, account)))


def collected(world: World, token: bytes) -> int:
    return int(world.load(FeeManager.collected_fees.key(FEE_MANAGER, ZERO_ADDRESS, token)))


def test_the_most_is_taken_first_and_the_rest_given_back(world: World) -> None:
    submission = submit(fee_token=PATH_USD)
    scope = scope_of(world, submission)
    before = balance(world, PATH_USD, ALICE)
    fee = fees.collect(scope, submission, 600_000_000)
    assert (fee.payer, fee.token, fee.collected) == (ALICE, PATH_USD, 600)
    assert balance(world, PATH_USD, ALICE) == before - 600
    assert scope.logs == []
    assert fees.settle(scope, fee, 100_000, None) == 60
    assert balance(world, PATH_USD, ALICE) == before - 60
    assert collected(world, PATH_USD) == 60
    (log,) = scope.logs
    assert log.topics == (Tip20.Transfer.topic, bytes(12) + ALICE, bytes(12) + FEE_MANAGER)
    assert int.from_bytes(log.data) == 60


def test_another_token_is_swapped_through_its_pool(world: World) -> None:
    submission = submit(fee_token=ALPHA_USD)
    scope = scope_of(world, submission)
    fee = fees.collect(scope, submission, 600_000_000)
    assert fees.settle(scope, fee, 1_000_000, None) == 600
    assert collected(world, PATH_USD) == 600 * 9970 // 10_000
    assert collected(world, ALPHA_USD) == 0


def test_what_costs_nothing_is_not_logged(world: World) -> None:
    submission = submit(fee_token=PATH_USD)
    scope = scope_of(world, submission)
    fee = fees.collect(scope, submission, 600_000_000)
    assert fees.settle(scope, fee, 0, None) == 0
    assert scope.logs == []


def test_the_maximum_must_be_there_though_less_is_taken(world: World) -> None:
    submission = submit(STRANGER, fee_token=PATH_USD)
    scope = scope_of(world, submission)
    world.store(Tip20.balances.key(PATH_USD, STRANGER), 19_999)
    with pytest.raises(InvalidTransaction, match="required 20000, but only have 19999"):
        fees.collect(scope, submission, 600_000_000)
    world.store(Tip20.balances.key(PATH_USD, STRANGER), 20_000)
    assert fees.collect(scope, submission, 600_000_000).collected == 600
