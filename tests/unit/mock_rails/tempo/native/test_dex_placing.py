"""Placing orders: checks in order, escrow, queues (facts 2.10).

What is marked "node" was read from a node of fork T4.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    PATH_USD,
    STABLECOIN_DEX,
    TIP20_PREFIX,
)
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import reverts_in
from tests.unit.mock_rails.tempo.native.dex_support import (
    GAMMA,
    HUNDRED,
    NO_TOKEN,
    NOT_CREATED,
    WEALTH,
    Exchange,
    Order,
)
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    Caller,
    make_scope,
    make_token,
    reverts,
)

EURO = TIP20_PREFIX + b"\xee" * 8
PLACE = "place(address,uint128,bool,int16)"
FLIP = "placeFlip(address,uint128,bool,int16,int16)"


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


# -- what an order is -----------------------------------------------------------------------------


def test_a_bid_escrows_its_worth_in_quote_rounded_up(exchange: Exchange) -> None:
    exchange.by(ALICE).call("createPair(address)", ALPHA_USD)
    before = exchange.mark()
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, "bid", 10)
    assert exchange.logs(before) == [
        ("Transfer", {"from": ALICE, "to": STABLECOIN_DEX, "amount": 100_010_002}),  # node
        (
            "OrderPlaced",
            {
                "orderId": order,
                "maker": ALICE,
                "token": ALPHA_USD,
                "amount": HUNDRED + 1,
                "isBid": True,
                "tick": 10,
                "isFlipOrder": False,
                "flipTick": 0,
            },
        ),
    ]
    assert exchange.wallet(STABLECOIN_DEX, PATH_USD) == 100_010_002


def test_an_ask_escrows_its_base(exchange: Exchange) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, "ask", 10)
    assert exchange.wallet(STABLECOIN_DEX, ALPHA_USD) == HUNDRED + 1
    assert exchange.wallet(ALICE, ALPHA_USD) == WEALTH - HUNDRED - 1


def test_an_order_reads_back(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", -20)
    key = exchange.dex.call("pairKey(address,address)", ALPHA_USD, PATH_USD)
    assert exchange.order(order) == Order(
        1, ALICE, key, True, -20, HUNDRED, HUNDRED, 0, 0, False, 0
    )
    flip = exchange.place_flip(BOB, GAMMA, HUNDRED, "ask", -10, -2000)
    key = exchange.dex.call("pairKey(address,address)", GAMMA, ALPHA_USD)
    assert exchange.order(flip) == Order(
        2, BOB, key, False, -10, HUNDRED, HUNDRED, 0, 0, True, -2000
    )


def test_an_order_that_was_never_placed_does_not_exist(exchange: Exchange) -> None:
    for order in (0, 1):
        with reverts("OrderDoesNotExist"):
            exchange.order(order)


def test_ids_count_up_over_all_books(exchange: Exchange) -> None:
    assert exchange.dex.call("nextOrderId()") == 1
    assert exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", 0) == 1
    assert exchange.place(ALICE, BETA_USD, HUNDRED, "ask", 0) == 2
    assert exchange.dex.call("nextOrderId()") == 3


def test_orders_of_a_level_queue_up(exchange: Exchange) -> None:
    first, second, third = (
        exchange.place(maker, ALPHA_USD, HUNDRED + at, "ask", 100)
        for at, maker in enumerate((ALICE, BOB, CAROL))
    )
    assert exchange.level(ALPHA_USD, 100, "ask") == (first, third, 3 * HUNDRED + 3)
    assert [exchange.order(at)[7:9] for at in (first, second, third)] == [
        (0, second),
        (first, third),
        (second, 0),
    ]
    assert exchange.level(ALPHA_USD, 100, "bid") == (0, 0, 0)


@pytest.mark.parametrize("tick", [5, 2010, -2010, 32_767])
def test_no_level_is_where_no_order_can_stand(exchange: Exchange, tick: int) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    assert exchange.level(ALPHA_USD, tick, "ask") == (0, 0, 0)


def test_a_level_is_asked_for_by_a_token(exchange: Exchange) -> None:
    assert exchange.level(PATH_USD, 0, "ask") == (0, 0, 0)  # node
    with reverts("InvalidToken"):
        exchange.level(NO_TOKEN, 0, "ask")


def test_the_best_ticks_follow_the_orders(exchange: Exchange) -> None:
    for side, tick in (("bid", -30), ("bid", -10), ("bid", -20), ("ask", 40), ("ask", 20)):
        exchange.place(ALICE, ALPHA_USD, HUNDRED, side, tick)
    assert exchange.book(ALPHA_USD)[2:] == (-10, 20)


def test_placing_never_trades_even_when_the_book_crosses(exchange: Exchange) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 100)
    before = exchange.mark()
    exchange.place(BOB, ALPHA_USD, HUNDRED, "bid", 500)
    assert [name for name, _ in exchange.logs(before)] == ["Transfer", "OrderPlaced"]
    assert exchange.book(ALPHA_USD)[2:] == (500, 100)  # node


# -- where the money comes from -------------------------------------------------------------------


def test_a_balance_here_is_used_before_the_wallet(exchange: Exchange) -> None:
    exchange.cancel(ALICE, exchange.place(ALICE, ALPHA_USD, HUNDRED + 30, "ask", 0))
    wallet = exchange.wallet(ALICE, ALPHA_USD)

    before = exchange.mark()
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    assert [name for name, _ in exchange.logs(before)] == ["OrderPlaced"]
    assert exchange.held(ALICE, ALPHA_USD) == 30

    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    assert exchange.held(ALICE, ALPHA_USD) == 0
    assert exchange.wallet(ALICE, ALPHA_USD) == wallet - HUNDRED + 30


def test_no_allowance_is_needed(exchange: Exchange) -> None:
    allowance = exchange.token(ALPHA_USD, ALICE).call(
        "allowance(address,address)", ALICE, STABLECOIN_DEX
    )
    assert allowance == 0
    assert exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0) == 1


def test_the_spending_limit_of_an_access_key_counts_what_leaves_the_wallet(
    exchange: Exchange,
) -> None:
    exchange.cancel(ALICE, exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0))
    by_key = make_scope(exchange.world, origin=ALICE, key_id=b"\x4b" * 20)
    dex = Caller(by_key, exchange.dex.kind, STABLECOIN_DEX, ALICE)
    dex.call(PLACE, ALPHA_USD, HUNDRED, False, 0)
    # The key was never authorized, so anything it spends from the wallet is refused.
    with reverts_in(AccountKeychain, "KeyNotFound"):
        dex.call(PLACE, ALPHA_USD, HUNDRED, False, 0)


def test_the_wallet_must_hold_the_escrow(exchange: Exchange) -> None:
    with reverts_in(Tip20, "InsufficientBalance", WEALTH, WEALTH + 1, ALPHA_USD):
        exchange.place(ALICE, ALPHA_USD, WEALTH + 1, "ask", 0)
    assert exchange.dex.call("nextOrderId()") == 1


def test_an_escrow_too_large_for_a_token_is_refused(exchange: Exchange) -> None:
    with reverts("InsufficientBalance"):  # node
        exchange.place(ALICE, ALPHA_USD, (1 << 128) - 1, "bid", 2000)


# -- checks, in order -----------------------------------------------------------------------------

_SMALL = HUNDRED - 1


@pytest.mark.parametrize(
    ("base", "amount", "tick", "error", "values"),
    [
        (NO_TOKEN, _SMALL, 5, "InvalidToken", ()),
        (PATH_USD, _SMALL, 5, "InvalidToken", ()),
        (NOT_CREATED, _SMALL, 5, "InvalidBaseToken", ()),
        (ALPHA_USD, _SMALL, 2005, "TickOutOfBounds", (2005,)),
        (ALPHA_USD, _SMALL, -2010, "TickOutOfBounds", (-2010,)),
        (ALPHA_USD, _SMALL, 5, "InvalidTick", ()),
        (ALPHA_USD, _SMALL, 10, "BelowMinimumOrderSize", (_SMALL,)),
    ],
)
@pytest.mark.parametrize("is_bid", [True, False])
def test_the_first_rule_broken_is_the_one_told(
    exchange: Exchange,
    base: bytes,
    amount: int,
    tick: int,
    error: str,
    values: tuple[int, ...],
    is_bid: bool,
) -> None:
    exchange.token(ALPHA_USD, ADMIN).call("pause()")
    before = dict(exchange.world.storage)
    with reverts(error, *values):
        exchange.by(ALICE).call(PLACE, base, amount, is_bid, tick)
    assert exchange.world.storage == before


def test_a_token_of_another_currency_is_refused_before_its_tick(exchange: Exchange) -> None:
    make_token(exchange.scope, EURO, name="euro", currency="EUR", quote_token=PATH_USD)
    with reverts_in(Tip20, "InvalidCurrency"):
        exchange.place(ALICE, EURO, _SMALL, "bid", 5)


@pytest.mark.parametrize(
    ("side", "amount", "ticks", "error", "values"),
    [
        ("bid", _SMALL, (2010, 15), "TickOutOfBounds", (2010,)),
        ("bid", _SMALL, (15, 2010), "InvalidTick", ()),
        ("bid", _SMALL, (10, 2015), "TickOutOfBounds", (2015,)),
        ("ask", _SMALL, (-2000, -2010), "TickOutOfBounds", (-2010,)),
        ("bid", _SMALL, (10, 25), "InvalidFlipTick", ()),
        ("bid", _SMALL, (10, 10), "InvalidFlipTick", ()),
        ("bid", _SMALL, (10, 0), "InvalidFlipTick", ()),
        ("ask", _SMALL, (10, 10), "InvalidFlipTick", ()),
        ("ask", _SMALL, (10, 20), "InvalidFlipTick", ()),
        ("bid", _SMALL, (10, 20), "BelowMinimumOrderSize", (_SMALL,)),
    ],
)
def test_a_flip_order_must_come_back_at_a_gain(
    exchange: Exchange,
    side: str,
    amount: int,
    ticks: tuple[int, int],
    error: str,
    values: tuple[int, ...],
) -> None:
    with reverts(error, *values):  # node
        exchange.place_flip(ALICE, ALPHA_USD, amount, side, *ticks)


# -- policies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("barred", "refused"),
    [
        # The base is what a bidder gets and what an asker gives.
        ({"recipient": ALICE}, "bid"),
        ({"sender": STABLECOIN_DEX}, "bid"),
        ({"sender": ALICE}, "ask"),
        ({"recipient": STABLECOIN_DEX}, "ask"),
    ],
)
def test_both_transfers_of_a_trade_must_be_allowed(
    exchange: Exchange, barred: dict[str, Any], refused: str
) -> None:
    # With a balance here nothing moves when the order is placed; the policy counts all the same.
    exchange.cancel(ALICE, exchange.place(ALICE, GAMMA, HUNDRED, "ask", 0))
    exchange.cancel(ALICE, exchange.place(ALICE, GAMMA, HUNDRED, "bid", 0))
    exchange.bar(GAMMA, **barred)
    allowed = "ask" if refused == "bid" else "bid"
    with reverts_in(Tip20, "PolicyForbids"):
        exchange.place(ALICE, GAMMA, HUNDRED, refused, 60)
    with reverts_in(Tip20, "PolicyForbids"):
        flip = 70 if refused == "bid" else 50
        exchange.place_flip(ALICE, GAMMA, HUNDRED, refused, 60, flip)
    exchange.place(ALICE, GAMMA, HUNDRED, allowed, 60)


def test_the_policy_of_the_quote_token_counts_as_well(exchange: Exchange) -> None:
    exchange.bar(ALPHA_USD, sender=ALICE)
    with reverts_in(Tip20, "PolicyForbids"):
        exchange.place(ALICE, GAMMA, HUNDRED, "bid", 0)
    exchange.place(ALICE, GAMMA, HUNDRED, "ask", 0)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_no_order_for_a_paused_token(exchange: Exchange, side: str) -> None:
    exchange.token(GAMMA, ADMIN).call("pause()")
    with reverts_in(Tip20, "ContractPaused"):
        exchange.place(ALICE, GAMMA, HUNDRED, side, 0)


def test_the_policy_is_asked_before_the_pause(exchange: Exchange) -> None:
    exchange.bar(GAMMA, recipient=ALICE)
    exchange.token(GAMMA, ADMIN).call("pause()")
    with reverts_in(Tip20, "PolicyForbids"):
        exchange.place(ALICE, GAMMA, HUNDRED, "bid", 0)
