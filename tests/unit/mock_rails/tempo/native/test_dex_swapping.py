"""Swaps and quotes: amounts, rounding, log order, routes, refusals (facts 2.10).

What is marked "node" was read from a node of fork T4.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, STABLECOIN_DEX
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.across import reverts_in
from tests.unit.mock_rails.tempo.native.dex_support import (
    DELTA,
    GAMMA,
    HUNDRED,
    NO_TOKEN,
    NOT_CREATED,
    UNLIMITED,
    WEALTH,
    Exchange,
)
from tests.unit.mock_rails.tempo.native.support import ADMIN, ALICE, BOB, CAROL, reverts


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def book(exchange: Exchange) -> Exchange:
    """A bid of ALICE at 1.0001 (order 1); asks of ALICE and BOB at 1.001 (2 and 3)."""
    exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, "bid", 10)
    exchange.place(ALICE, ALPHA_USD, HUNDRED + 1, "ask", 100)
    exchange.place(BOB, ALPHA_USD, HUNDRED + 1, "ask", 100)
    return exchange


def filled(order: int, maker: bytes, taker: bytes, amount: int, *, partial: bool) -> Any:
    """An OrderFilled event."""
    return (
        "OrderFilled",
        {
            "orderId": order,
            "maker": maker,
            "taker": taker,
            "amountFilled": amount,
            "partialFill": partial,
        },
    )


def moved(sender: bytes, recipient: bytes, amount: int) -> Any:
    """A Transfer event."""
    return ("Transfer", {"from": sender, "to": recipient, "amount": amount})


# -- one book, numbers of the node ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "cost"),
    [
        (0, 0),
        (1, 2),
        (2, 3),
        (1000, 1001),
        (HUNDRED, 100_100_000),
        (HUNDRED + 1, 100_100_002),
        (HUNDRED + 2, 100_100_003),
        (2 * HUNDRED + 2, 200_200_003),
    ],
)
def test_what_some_base_costs(book: Exchange, amount: int, cost: int) -> None:
    assert book.quote_out(PATH_USD, ALPHA_USD, amount) == cost  # node


@pytest.mark.parametrize(
    ("amount", "bought"),
    [(0, 0), (1, 0), (2, 1), (1000, 999), (HUNDRED, 99_900_099), (200_000_002, 199_800_201)],
)
def test_what_some_quote_buys(book: Exchange, amount: int, bought: int) -> None:
    assert book.quote_in(PATH_USD, ALPHA_USD, amount) == bought  # node


@pytest.mark.parametrize(
    ("amount", "cost"),
    [(0, 0), (1, 1), (2, 2), (HUNDRED, 99_990_001), (100_010_001, 100_000_001)],
)
def test_what_some_quote_costs(book: Exchange, amount: int, cost: int) -> None:
    assert book.quote_out(ALPHA_USD, PATH_USD, amount) == cost  # node


@pytest.mark.parametrize(
    ("amount", "bought"), [(0, 0), (1, 1), (HUNDRED, 100_010_000), (HUNDRED + 1, 100_010_001)]
)
def test_what_some_base_buys(book: Exchange, amount: int, bought: int) -> None:
    assert book.quote_in(ALPHA_USD, PATH_USD, amount) == bought  # node


def test_exact_out_takes_the_input_after_the_fills(book: Exchange) -> None:
    before = book.mark()
    assert book.swap_out(CAROL, PATH_USD, ALPHA_USD, HUNDRED + 2) == 100_100_004  # node
    assert book.logs(before) == [
        filled(2, ALICE, CAROL, HUNDRED + 1, partial=False),
        filled(3, BOB, CAROL, 1, partial=True),
        moved(CAROL, STABLECOIN_DEX, 100_100_004),
        moved(STABLECOIN_DEX, CAROL, HUNDRED + 2),
    ]
    assert book.held(ALICE, PATH_USD) == 100_100_002
    assert book.held(BOB, PATH_USD) == 2
    assert book.level(ALPHA_USD, 100, "ask") == (3, 3, HUNDRED)
    assert book.order(3).remaining == HUNDRED
    assert book.order(3).prev == 0
    assert book.wallet(CAROL, ALPHA_USD) == WEALTH + HUNDRED + 2


def test_exact_in_takes_the_input_before_the_fills(book: Exchange) -> None:
    before = book.mark()
    assert book.swap_in(CAROL, ALPHA_USD, PATH_USD, 1000) == 1000
    assert book.logs(before) == [
        moved(CAROL, STABLECOIN_DEX, 1000),
        filled(1, ALICE, CAROL, 1000, partial=True),
        moved(STABLECOIN_DEX, CAROL, 1000),
    ]
    assert book.held(ALICE, ALPHA_USD) == 1000
    assert book.order(1).remaining == HUNDRED - 999
    assert book.order(1).amount == HUNDRED + 1


def test_what_is_too_little_to_buy_anything_is_kept(book: Exchange) -> None:
    before = book.mark()
    assert book.swap_in(CAROL, PATH_USD, ALPHA_USD, 1) == 0
    assert book.logs(before) == [
        moved(CAROL, STABLECOIN_DEX, 1),
        filled(2, ALICE, CAROL, 0, partial=True),
        moved(STABLECOIN_DEX, CAROL, 0),
    ]  # node
    assert book.held(ALICE, PATH_USD) == 0


def test_swapping_nothing_fills_nothing(book: Exchange) -> None:
    for swap in (book.swap_in, book.swap_out):
        before = book.mark()
        assert swap(CAROL, ALPHA_USD, PATH_USD, 0) == 0
        assert book.logs(before) == [moved(STABLECOIN_DEX, CAROL, 0)]  # node


def test_an_exact_output_that_needs_all_of_a_bid_fills_it(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "bid", 2000)
    short = 101_999_999  # one less than the bid pays, and still no smaller amount of base does
    before = exchange.mark()
    assert exchange.swap_out(CAROL, ALPHA_USD, PATH_USD, short) == HUNDRED
    assert exchange.logs(before) == [
        filled(order, ALICE, CAROL, HUNDRED, partial=False),
        moved(CAROL, STABLECOIN_DEX, HUNDRED),
        moved(STABLECOIN_DEX, CAROL, short),
    ]  # node
    with reverts("OrderDoesNotExist"):
        exchange.order(order)


def test_the_odd_unit_after_the_last_order_ends_a_swap_but_not_a_quote(
    exchange: Exchange,
) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 2000)
    assert exchange.quote_in(PATH_USD, ALPHA_USD, 102_000_000) == HUNDRED
    with reverts("InsufficientLiquidity"):
        exchange.quote_in(PATH_USD, ALPHA_USD, 102_000_001)
    with reverts("InsufficientLiquidity"):
        exchange.swap_in(CAROL, PATH_USD, ALPHA_USD, 102_000_002)
    assert exchange.swap_in(CAROL, PATH_USD, ALPHA_USD, 102_000_001) == HUNDRED  # node
    assert exchange.book(ALPHA_USD).best_ask == 32_767


def test_a_quote_rounds_by_level_and_a_swap_by_order(book: Exchange) -> None:
    both_asks = 2 * HUNDRED + 2
    assert book.quote_out(PATH_USD, ALPHA_USD, both_asks) == 200_200_003
    assert book.swap_out(CAROL, PATH_USD, ALPHA_USD, both_asks) == 200_200_004

    book.place(BOB, BETA_USD, HUNDRED + 7, "bid", 10)
    book.place(ALICE, BETA_USD, HUNDRED + 3, "bid", 10)
    assert book.quote_in(BETA_USD, PATH_USD, 200_000_006) == 200_020_006  # node
    assert book.swap_in(CAROL, BETA_USD, PATH_USD, 200_000_006) == 200_020_005  # node


def test_better_prices_come_first_and_then_older_orders(exchange: Exchange) -> None:
    dear = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 2000)
    first = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 20)
    second = exchange.place(BOB, ALPHA_USD, HUNDRED, "ask", 20)
    before = exchange.mark()
    cost = exchange.swap_out(CAROL, PATH_USD, ALPHA_USD, 2 * HUNDRED + 5)
    assert [values["orderId"] for name, values in exchange.logs(before) if "Fill" in name] == [
        first,
        second,
        dear,
    ]
    assert cost == 2 * 100_020_000 + 6
    assert exchange.book(ALPHA_USD).best_ask == 2000


def test_a_maker_may_take_its_own_order(exchange: Exchange) -> None:
    order = exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    before = exchange.mark()
    exchange.swap_out(ALICE, PATH_USD, ALPHA_USD, 10)
    # The proceeds are there before the price is due, so they pay it.
    assert [name for name, _ in exchange.logs(before)] == ["OrderFilled", "Transfer"]  # node
    assert exchange.order(order).remaining == HUNDRED - 10
    assert exchange.held(ALICE, PATH_USD) == 0


def test_a_taker_pays_from_its_balance_here_first(book: Exchange) -> None:
    book.cancel(BOB, 3)
    before = book.mark()
    book.swap_in(BOB, ALPHA_USD, PATH_USD, 1000)
    assert [name for name, _ in book.logs(before)] == ["OrderFilled", "Transfer"]
    assert book.held(BOB, ALPHA_USD) == HUNDRED - 999
    book.place(CAROL, ALPHA_USD, HUNDRED, "bid", 0)
    before = book.mark()
    book.swap_out(BOB, ALPHA_USD, PATH_USD, HUNDRED + 10_000)
    assert book.held(BOB, ALPHA_USD) == 0
    assert book.logs(before)[-2] == moved(BOB, STABLECOIN_DEX, 1000)


# -- refusals -------------------------------------------------------------------------------------


def test_the_limits_of_the_taker(book: Exchange) -> None:
    before = dict(book.world.storage)
    with reverts("InsufficientOutput"):
        book.swap_in(CAROL, ALPHA_USD, PATH_USD, 1000, least=1001)
    with reverts("MaxInputExceeded"):
        book.swap_out(CAROL, ALPHA_USD, PATH_USD, 1000, most=999)
    assert book.world.storage == before
    assert book.swap_in(CAROL, ALPHA_USD, PATH_USD, 1000, least=1000) == 1000
    assert book.swap_out(CAROL, ALPHA_USD, PATH_USD, 1000, most=1000) == 1000


def test_a_book_can_be_exhausted(book: Exchange) -> None:
    before = dict(book.world.storage)
    for call in (
        lambda: book.quote_out(PATH_USD, ALPHA_USD, 2 * HUNDRED + 3),
        lambda: book.quote_in(PATH_USD, ALPHA_USD, UNLIMITED),
        lambda: book.quote_out(ALPHA_USD, PATH_USD, 100_010_002),
        lambda: book.quote_in(ALPHA_USD, PATH_USD, HUNDRED + 2),
        lambda: book.swap_out(CAROL, PATH_USD, ALPHA_USD, 2 * HUNDRED + 3),
        lambda: book.swap_in(CAROL, ALPHA_USD, PATH_USD, HUNDRED + 2),
    ):
        with reverts("InsufficientLiquidity"):
            call()
    assert book.world.storage == before


@pytest.mark.parametrize("amount", [0, 1])
def test_an_empty_side_has_no_price_even_for_nothing(exchange: Exchange, amount: int) -> None:
    exchange.place(ALICE, ALPHA_USD, HUNDRED, "ask", 0)
    for call in (exchange.quote_in, exchange.quote_out):
        with reverts("InsufficientLiquidity"):
            call(ALPHA_USD, PATH_USD, amount)
    for swap in (exchange.swap_in, exchange.swap_out):
        with reverts("InsufficientLiquidity"):
            swap(CAROL, ALPHA_USD, PATH_USD, amount)


def test_the_wallet_must_hold_the_input(book: Exchange) -> None:
    with reverts_in(Tip20, "InsufficientBalance", WEALTH, UNLIMITED, PATH_USD):
        book.swap_in(CAROL, PATH_USD, ALPHA_USD, UNLIMITED)


@pytest.mark.parametrize(
    ("token_in", "token_out", "error"),
    [
        (ALPHA_USD, ALPHA_USD, "IdenticalTokens"),
        (NO_TOKEN, NO_TOKEN, "IdenticalTokens"),
        (NO_TOKEN, ALPHA_USD, "InvalidToken"),
        (ALPHA_USD, NO_TOKEN, "InvalidToken"),
        (ALPHA_USD, NOT_CREATED, "InvalidToken"),
        (NOT_CREATED, ALPHA_USD, "InvalidToken"),
        (ALPHA_USD, BETA_USD, "PairDoesNotExist"),
        (GAMMA, ALPHA_USD, "PairDoesNotExist"),
        (DELTA, PATH_USD, "PairDoesNotExist"),
    ],
)
def test_a_route_needs_two_tokens_and_all_books(
    book: Exchange, token_in: bytes, token_out: bytes, error: str
) -> None:
    for call in (book.quote_in, book.quote_out):
        with reverts(error):
            call(token_in, token_out, 1)
    for swap in (book.swap_in, book.swap_out):
        with reverts(error):
            swap(CAROL, token_in, token_out, 1)


@pytest.mark.parametrize(
    ("barred", "pair"),
    [
        ({"sender": CAROL}, (GAMMA, ALPHA_USD)),
        ({"recipient": STABLECOIN_DEX}, (GAMMA, ALPHA_USD)),
        ({"recipient": CAROL}, (ALPHA_USD, GAMMA)),
        ({"sender": STABLECOIN_DEX}, (ALPHA_USD, GAMMA)),
    ],
)
def test_the_taker_must_be_allowed_to_pay_and_to_be_paid(
    exchange: Exchange, barred: dict[str, bytes], pair: tuple[bytes, bytes]
) -> None:
    for side, tick in (("bid", 0), ("ask", 10)):
        exchange.place(ALICE, GAMMA, HUNDRED, side, tick)
    exchange.bar(GAMMA, **barred)
    for swap in (exchange.swap_in, exchange.swap_out):
        with reverts_in(Tip20, "PolicyForbids"):
            swap(CAROL, *pair, 1000)
    swap_back = exchange.swap_in(CAROL, *reversed(pair), 1000)
    assert swap_back > 0


def test_a_policy_counts_even_when_the_input_is_held_here(exchange: Exchange) -> None:
    exchange.cancel(CAROL, exchange.place(CAROL, GAMMA, HUNDRED, "ask", 10))
    exchange.place(ALICE, GAMMA, HUNDRED, "bid", 0)
    exchange.bar(GAMMA, sender=CAROL)
    with reverts_in(Tip20, "PolicyForbids"):
        exchange.swap_in(CAROL, GAMMA, ALPHA_USD, 1000)  # node


# -- routes ---------------------------------------------------------------------------------------


@pytest.fixture
def tree(exchange: Exchange) -> Exchange:
    """Both sides of every book: bids of ALICE at 1 and asks of BOB at 1.001, in tree order."""
    for base in (ALPHA_USD, BETA_USD, GAMMA, DELTA):
        exchange.place(ALICE, base, HUNDRED, "bid", 0)
        exchange.place(BOB, base, HUNDRED, "ask", 100)
    return exchange


@pytest.mark.parametrize(
    ("token_in", "token_out", "orders"),
    [
        (ALPHA_USD, PATH_USD, [1]),
        (PATH_USD, ALPHA_USD, [2]),
        (ALPHA_USD, BETA_USD, [1, 4]),
        (DELTA, PATH_USD, [7, 5, 1]),
        (PATH_USD, DELTA, [2, 6, 8]),
        (DELTA, BETA_USD, [7, 5, 1, 4]),
        (BETA_USD, GAMMA, [3, 2, 6]),
        (DELTA, GAMMA, [7]),
        (DELTA, ALPHA_USD, [7, 5]),
    ],
)
def test_a_route_climbs_to_the_common_ancestor_and_down(
    tree: Exchange, token_in: bytes, token_out: bytes, orders: list[int]
) -> None:
    before = tree.mark()
    tree.swap_in(CAROL, token_in, token_out, 10_000)
    assert _orders(tree, before) == orders

    before = tree.mark()
    tree.swap_out(CAROL, token_in, token_out, 10_000)
    assert _orders(tree, before) == orders[::-1]  # exact output works backwards


def _orders(exchange: Exchange, since: int) -> list[int]:
    logs = exchange.logs(since)
    assert [name for name, _ in logs].count("Transfer") == 2
    return [values["orderId"] for name, values in logs if name == "OrderFilled"]


def test_amounts_are_carried_from_book_to_book(tree: Exchange) -> None:
    # Two asks at 1.001: 1,000 -> 999 -> 998, and back 998 <- 999 <- 1,000.
    assert tree.quote_in(PATH_USD, GAMMA, 1000) == 998
    assert tree.quote_out(PATH_USD, GAMMA, 998) == 1000
    assert tree.swap_in(CAROL, PATH_USD, GAMMA, 1000) == 998
    assert tree.swap_out(CAROL, PATH_USD, GAMMA, 998) == 1000


@pytest.mark.parametrize("paused", [ALPHA_USD, GAMMA])
def test_a_paused_token_blocks_the_routes_through_it(tree: Exchange, paused: bytes) -> None:
    tree.token(paused, ADMIN).call("pause()")
    for token_in, token_out in ((DELTA, PATH_USD), (PATH_USD, DELTA)):
        for call in (tree.quote_in, tree.quote_out):
            with reverts_in(Tip20, "ContractPaused"):
                call(token_in, token_out, 1000)
        for swap in (tree.swap_in, tree.swap_out):
            with reverts_in(Tip20, "ContractPaused"):
                swap(CAROL, token_in, token_out, 1000)


def test_a_paused_token_can_be_quoted_but_not_bought(tree: Exchange) -> None:
    tree.token(GAMMA, ADMIN).call("pause()")
    assert tree.quote_in(ALPHA_USD, GAMMA, 1000) == 999  # node
    with reverts_in(Tip20, "ContractPaused"):
        tree.swap_in(CAROL, ALPHA_USD, GAMMA, 1000)
