"""Cancelling, stale orders, and withdrawing (facts 2.10).

What is marked "node" was read from a node of fork T4.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, STABLECOIN_DEX
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import reverts_in
from tests.unit.mock_rails.tempo.native.dex_support import (
    GAMMA,
    HUNDRED,
    NO_TOKEN,
    WEALTH,
    Exchange,
)
from tests.unit.mock_rails.tempo.native.support import ADMIN, ALICE, BOB, CAROL, reverts

CANCEL_STALE = "cancelStaleOrder(uint128)"


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.mark.parametrize(
    ("side", "token", "escrow"), [("bid", PATH_USD, 100_010_002), ("ask", ALPHA_USD, HUNDRED + 1)]
)
def test_the_escrow_comes_back_to_the_balance_here(
    exchange: Exchange, side: str, token: bytes, escrow: int
) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, side, 10)
    before = exchange.mark()
    exchange.cancel(ALICE, order)
    assert exchange.logs(before) == [("OrderCancelled", {"orderId": order})]
    assert exchange.held(ALICE, token) == escrow
    assert exchange.wallet(ALICE, token) == WEALTH - escrow
    assert exchange.level(ALPHA_USD, 10, side) == (0, 0, 0)
    assert exchange.book(ALPHA_USD)[2:] == (-32_768, 32_767)
    with reverts("OrderDoesNotExist"):
        exchange.order(order)


def test_a_part_filled_bid_gets_the_escrow_of_the_rest(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, "bid", 10)
    exchange.swap_in(BOB, ALPHA_USD, PATH_USD, 1000)
    exchange.cancel(ALICE, order)
    assert exchange.held(ALICE, PATH_USD) == 100_009_001  # node
    assert exchange.held(ALICE, ALPHA_USD) == 1000


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_the_queue_closes_up_behind_a_cancelled_order(exchange: Exchange, gone: int) -> None:
    orders = [exchange.place(who, ALPHA_USD, HUNDRED, "ask", 0) for who in (ALICE, BOB, CAROL)]
    exchange.cancel((ALICE, BOB, CAROL)[gone], orders.pop(gone))
    first, last = orders
    assert exchange.level(ALPHA_USD, 0, "ask") == (first, last, 2 * HUNDRED)
    assert exchange.order(first)[7:9] == (0, last)
    assert exchange.order(last)[7:9] == (first, 0)


def test_the_next_best_level_takes_over(exchange: Exchange) -> None:
    orders = {tick: exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", tick) for tick in (-2000, 770)}
    exchange.cancel(ALICE, orders[770])
    assert exchange.book(ALPHA_USD).best_bid == -2000
    exchange.cancel(ALICE, orders[-2000])
    assert exchange.book(ALPHA_USD).best_bid == -32_768


def test_only_the_maker_cancels(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    with reverts("Unauthorized"):
        exchange.cancel(BOB, order)
    assert exchange.order(order).remaining == HUNDRED


def test_an_order_is_cancelled_once(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    exchange.cancel(ALICE, order)
    with reverts("OrderDoesNotExist"):
        exchange.cancel(ALICE, order)
    with reverts("OrderDoesNotExist"):
        exchange.by(BOB).call(CANCEL_STALE, order)


def test_cancelling_works_while_the_token_is_paused(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    exchange.token(ALPHA_USD, ADMIN).call("pause()")
    exchange.cancel(ALICE, order)  # node
    assert exchange.held(ALICE, ALPHA_USD) == HUNDRED
    with reverts_in(Tip20, "ContractPaused"):
        exchange.withdraw(ALICE, ALPHA_USD, 1)


# -- stale orders ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("barred", "stale"),
    [
        ({"sender": ALICE}, "ask"),
        ({"recipient": ALICE}, "bid"),
        ({"sender": STABLECOIN_DEX}, None),
        ({"recipient": STABLECOIN_DEX}, None),
    ],
)
def test_anyone_may_clear_away_the_order_of_a_barred_maker(
    exchange: Exchange, barred: dict[str, Any], stale: str | None
) -> None:
    orders = {
        side: exchange.place(ALICE, GAMMA, HUNDRED, side, tick)
        for side, tick in (("bid", -10), ("ask", 10))
    }
    exchange.bar(GAMMA, **barred)
    for side, order in orders.items():
        if side == stale:
            before = exchange.mark()
            exchange.by(CAROL).call(CANCEL_STALE, order)  # node
            assert exchange.logs(before) == [("OrderCancelled", {"orderId": order})]
        else:
            with reverts("OrderNotStale"):
                exchange.by(CAROL).call(CANCEL_STALE, order)
    escrow = {"bid": exchange.held(ALICE, ALPHA_USD), "ask": exchange.held(ALICE, GAMMA)}
    expected = {"bid": 99_990_000, "ask": HUNDRED}
    assert escrow == {side: expected[side] if side == stale else 0 for side in expected}


def test_an_order_under_a_policy_that_allows_everyone_is_never_stale(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    with reverts("OrderNotStale"):
        exchange.by(BOB).call(CANCEL_STALE, order)


# -- withdrawing ----------------------------------------------------------------------------------


def test_what_is_held_here_can_be_withdrawn(exchange: Exchange) -> None:
    exchange.cancel(ALICE, exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0))
    before = exchange.mark()
    exchange.withdraw(ALICE, ALPHA_USD, 7)
    assert exchange.logs(before) == [
        ("Transfer", {"from": STABLECOIN_DEX, "to": ALICE, "amount": 7})
    ]
    assert exchange.held(ALICE, ALPHA_USD) == HUNDRED - 7
    exchange.withdraw(ALICE, ALPHA_USD, HUNDRED - 7)
    assert exchange.wallet(ALICE, ALPHA_USD) == WEALTH


@pytest.mark.parametrize("amount", [1, HUNDRED + 1])
def test_no_more_than_is_held_can_be_withdrawn(exchange: Exchange, amount: int) -> None:
    exchange.cancel(BOB, exchange.place(BOB, ALPHA_USD, HUNDRED, "ask", 0))
    with reverts("InsufficientBalance"):
        exchange.withdraw(ALICE if amount == 1 else BOB, ALPHA_USD, amount)


def test_the_balance_is_checked_before_the_token(exchange: Exchange) -> None:
    with reverts("InsufficientBalance"):  # node
        exchange.withdraw(ALICE, NO_TOKEN, 1)
    with reverts("InvalidToken"):
        exchange.withdraw(ALICE, NO_TOKEN, 0)


def test_a_policy_can_hold_a_balance_back(exchange: Exchange) -> None:
    exchange.cancel(ALICE, exchange.place(ALICE, GAMMA, HUNDRED, "ask", 0))
    exchange.bar(GAMMA, recipient=ALICE)
    with reverts_in(Tip20, "PolicyForbids"):
        exchange.withdraw(ALICE, GAMMA, HUNDRED)
    assert exchange.held(ALICE, GAMMA) == HUNDRED
