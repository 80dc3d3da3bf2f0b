"""Flip orders: once filled they stand on the other side under the same id (facts 2.10, T5)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import reverts_in
from tests.unit.mock_rails.tempo.native.dex_support import GAMMA, HUNDRED, Exchange
from tests.unit.mock_rails.tempo.native.support import ADMIN, ALICE, BOB, CAROL, reverts

INSUFFICIENT_BALANCE = bytes.fromhex("f4d678b8")
POLICY_FORBIDS = bytes.fromhex("54cfe659")


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def last_flip(exchange: Exchange, since: int) -> tuple[str, dict[str, Any]]:
    """The event about a flip, which follows that of the fill."""
    logs = exchange.logs(since)
    at = next(i for i, (name, _) in enumerate(logs) if name in {"OrderFlipped", "FlipFailed"})
    assert logs[at - 1][0] == "OrderFilled"
    assert not logs[at - 1][1]["partialFill"]
    return logs[at]


def test_a_filled_bid_comes_back_as_an_ask(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED + 7, "bid", 10, 30)
    before = exchange.mark()
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED + 7)
    assert last_flip(exchange, before) == (
        "OrderFlipped",
        {
            "orderId": order,
            "maker": ALICE,
            "token": ALPHA_USD,
            "amount": HUNDRED + 7,
            "isBid": False,
            "tick": 30,
            "flipTick": 10,
        },
    )
    flipped = exchange.order(order)
    assert flipped[3:] == (False, 30, HUNDRED + 7, HUNDRED + 7, 0, 0, True, 10)
    assert exchange.book(ALPHA_USD)[2:] == (-32_768, 30)
    assert exchange.level(ALPHA_USD, 10, "bid") == (0, 0, 0)
    assert exchange.level(ALPHA_USD, 30, "ask") == (order, order, HUNDRED + 7)
    assert exchange.held(ALICE, ALPHA_USD) == 0
    assert exchange.dex.call("nextOrderId()") == order + 1


def test_the_maker_keeps_the_spread(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "ask", 100, 0)
    for _ in range(3):
        exchange.swap_out(CAROL, PATH_USD, ALPHA_USD, HUNDRED)
        assert exchange.order(order).is_bid
        exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED)
        assert not exchange.order(order).is_bid
    assert exchange.held(ALICE, PATH_USD) == 3 * 100_000
    assert exchange.order(order)[4:7] == (100, HUNDRED, HUNDRED)


def test_a_part_filled_flip_order_waits(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "bid", 0, 10)
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED - 1)
    assert exchange.order(order)[3:7] == (True, 0, HUNDRED, 1)
    assert exchange.held(ALICE, ALPHA_USD) == HUNDRED - 1
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, 1)
    assert exchange.order(order)[3:7] == (False, 10, HUNDRED, HUNDRED)
    assert exchange.held(ALICE, ALPHA_USD) == 0


def test_it_goes_to_the_end_of_the_other_queue(exchange: Exchange) -> None:
    flip = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "bid", 0, 10)
    ask = exchange.place(BOB, ALPHA_USD, HUNDRED, "ask", 10)
    behind = exchange.place(BOB, ALPHA_USD, HUNDRED, "bid", 0)
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED)
    assert exchange.level(ALPHA_USD, 10, "ask") == (ask, flip, 2 * HUNDRED)
    assert exchange.order(ask).next == flip
    assert exchange.order(flip)[7:9] == (ask, 0)
    assert exchange.level(ALPHA_USD, 0, "bid") == (behind, behind, HUNDRED)


def test_a_swap_goes_on_past_an_order_that_flips(exchange: Exchange) -> None:
    flip = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "bid", 10, 30)
    bid = exchange.place(BOB, ALPHA_USD, HUNDRED, "bid", 0)
    before = exchange.mark()
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED + 5)
    assert [(name, values.get("orderId")) for name, values in exchange.logs(before)] == [
        ("Transfer", None),
        ("OrderFilled", flip),
        ("OrderFlipped", flip),
        ("OrderFilled", bid),
        ("Transfer", None),
    ]


def test_it_is_paid_for_from_the_balance_here_only(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "bid", 0, 10)
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, 1000)
    exchange.withdraw(ALICE, ALPHA_USD, 1000)
    before = exchange.mark()
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED - 1000)
    assert last_flip(exchange, before) == (
        "FlipFailed",
        {"orderId": order, "maker": ALICE, "reason": INSUFFICIENT_BALANCE},
    )
    assert exchange.held(ALICE, ALPHA_USD) == HUNDRED - 1000
    with reverts("OrderDoesNotExist"):
        exchange.order(order)
    assert exchange.book(ALPHA_USD)[2:] == (-32_768, 32_767)


@pytest.mark.parametrize("part", ["sender", "recipient"])
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_barred_maker_is_filled_but_not_flipped(exchange: Exchange, side: str, part: str) -> None:
    ticks = (0, 10) if side == "bid" else (10, 0)
    order = exchange.place_flip(ALICE, GAMMA, HUNDRED, side, *ticks)
    exchange.bar(GAMMA, **{part: ALICE})
    before = exchange.mark()
    # A bid that is filled would have to sell the base next, and an ask to buy it back.
    pair = (GAMMA, ALPHA_USD) if side == "bid" else (ALPHA_USD, GAMMA)
    amount = HUNDRED if side == "bid" else 100_010_000
    exchange.swap_in(CAROL, *pair, amount)
    name, values = last_flip(exchange, before)
    expected = "FlipFailed" if (side == "bid") == (part == "sender") else "OrderFlipped"
    assert name == expected
    if name == "FlipFailed":
        assert values == {"orderId": order, "maker": ALICE, "reason": POLICY_FORBIDS}
        assert exchange.held(ALICE, GAMMA if side == "bid" else ALPHA_USD) == amount


def test_a_swap_that_a_pause_stops_flips_nothing(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, GAMMA, HUNDRED, "bid", 0, 10)
    exchange.token(ALPHA_USD, ADMIN).call("pause()")
    with reverts_in(Tip20, "ContractPaused"):
        exchange.swap_in(CAROL, GAMMA, ALPHA_USD, HUNDRED)
    assert exchange.order(order)[3:7] == (True, 0, HUNDRED, HUNDRED)


def test_a_flipped_order_can_be_cancelled(exchange: Exchange) -> None:
    order = exchange.place_flip(ALICE, ALPHA_USD, HUNDRED, "bid", 0, 10)
    exchange.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED)
    exchange.cancel(ALICE, order)
    assert exchange.held(ALICE, ALPHA_USD) == HUNDRED
