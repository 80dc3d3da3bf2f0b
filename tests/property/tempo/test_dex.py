"""Random trading: no token is made or lost, books stay consistent, quotes keep their word.

The exchange may end up with more than it owes, by the roundings of its fills, and never with less.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, STABLECOIN_DEX
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.dex.books import NO_ASK, NO_BID
from mock_rails.tempo.native.dex.prices import MAX_TICK, MIN_TICK, quote_up
from tests.unit.mock_rails.tempo.native.dex_support import (
    ACCOUNTS,
    GAMMA,
    HUNDRED,
    QUOTE_OF,
    WEALTH,
    Exchange,
    Order,
)
from tests.unit.mock_rails.tempo.native.support import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

TOKENS = (PATH_USD, ALPHA_USD, BETA_USD, GAMMA)
BASES = TOKENS[1:]
KEY_OF = {base: keccak256(base + QUOTE_OF[base]) for base in BASES}
BASE_OF = {key: base for base, key in KEY_OF.items()}
SUPPLY = WEALTH * len(ACCOUNTS)

accounts = st.sampled_from(ACCOUNTS)
bases = st.sampled_from(BASES)
sides = st.sampled_from(("bid", "ask"))
# Few ticks, so that levels hold several orders, and both ends of the range.
ticks = st.sampled_from((MIN_TICK, -770, -10, 0, 10, 20, 1230, MAX_TICK))
sizes = st.integers(HUNDRED, HUNDRED + 200) | st.integers(HUNDRED, 5 * HUNDRED)
amounts = st.integers(0, 5) | st.integers(0, HUNDRED) | st.integers(HUNDRED, 9 * HUNDRED)
routes = st.permutations(TOKENS).map(lambda tokens: tokens[:2])


def outcome(call: Callable[[], Result]) -> tuple[Result | None, str | None]:
    """What a call returned, or the name of the error it failed with."""
    try:
        return call(), None
    except CallFailed as failure:
        return None, failure.error


class Trading(RuleBasedStateMachine):
    """Makers and takers at work."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.surplus = dict.fromkeys(TOKENS, 0)

    # -- what can happen --------------------------------------------------------------------------

    @rule(maker=accounts, base=bases, size=sizes, side=sides, tick=ticks)
    def place(self, maker: bytes, base: bytes, size: int, side: str, tick: int) -> None:
        before = self.next_id()
        assert self.exchange.place(maker, base, size, side, tick) == before
        assert self.exchange.order(before)[1:7] == (
            maker,
            KEY_OF[base],
            side == "bid",
            tick,
            size,
            size,
        )
        self.expect_surplus(0)

    @rule(maker=accounts, base=bases, size=sizes, side=sides, tick=ticks, gain=st.integers(1, 20))
    def place_flip(
        self, maker: bytes, base: bytes, size: int, side: str, tick: int, gain: int
    ) -> None:
        flip_tick = tick + 10 * gain if side == "bid" else tick - 10 * gain
        if MIN_TICK <= flip_tick <= MAX_TICK:
            self.exchange.place_flip(maker, base, size, side, tick, flip_tick)
        else:
            self.refused(
                "TickOutOfBounds",
                lambda: self.exchange.place_flip(maker, base, size, side, tick, flip_tick),
            )
        self.expect_surplus(0)

    @precondition(lambda self: self.orders())
    @rule(data=st.data(), account=accounts)
    def cancel(self, data: st.DataObject, account: bytes) -> None:
        order = data.draw(st.sampled_from(self.orders()))
        if account == order.maker:
            self.exchange.cancel(account, order.order_id)
        else:
            self.refused("Unauthorized", lambda: self.exchange.cancel(account, order.order_id))
        self.expect_surplus(0)

    @rule(account=accounts, token=st.sampled_from(TOKENS), part=st.integers(1, 4))
    def withdraw(self, account: bytes, token: bytes, part: int) -> None:
        held = self.exchange.held(account, token)
        self.exchange.withdraw(account, token, held // part)
        assert self.exchange.held(account, token) == held - held // part
        self.refused(
            "InsufficientBalance", lambda: self.exchange.withdraw(account, token, held + 1)
        )
        self.expect_surplus(0)

    @rule(taker=accounts, route=routes, amount=amounts)
    def swap_in(self, taker: bytes, route: list[bytes], amount: int) -> None:
        quote = self.attempt(lambda: self.exchange.quote_in(*route, amount))
        odd_unit_aside = self.attempt(lambda: self.exchange.quote_in(*route, max(0, amount - 4)))
        mark = self.exchange.mark()
        bought = self.attempt(lambda: self.exchange.swap_in(taker, *route, amount))
        slack = self.slack(mark)
        if quote is not None and bought is not None:
            assert quote - slack <= bought <= quote
        elif quote is not None:
            # Rounded order by order, the books hold a little less than the quote saw.
            edge = 2 * len(self.orders()) + 2
            assert self.attempt(lambda: self.exchange.quote_in(*route, amount + edge)) is None
        elif bought is not None:
            # A quote can miss a price for the odd unit that a swap leaves behind, and for no more.
            assert odd_unit_aside is not None
        self.expect_surplus(slack)

    @rule(taker=accounts, route=routes, amount=amounts)
    def swap_out(self, taker: bytes, route: list[bytes], amount: int) -> None:
        quote = self.attempt(lambda: self.exchange.quote_out(*route, amount))
        mark = self.exchange.mark()
        cost = self.attempt(lambda: self.exchange.swap_out(taker, *route, amount))
        slack = self.slack(mark)
        if quote is not None and cost is not None:
            assert quote <= cost <= quote + slack
        elif quote is not None:
            edge = 2 * len(self.orders()) + 2
            assert self.attempt(lambda: self.exchange.quote_out(*route, amount + edge)) is None
        else:
            assert cost is None
        self.expect_surplus(slack)

    # -- what always holds ------------------------------------------------------------------------

    @invariant()
    def tokens_are_conserved(self) -> None:
        for token in TOKENS:
            wallets = sum(self.exchange.wallet(who, token) for who in (*ACCOUNTS, STABLECOIN_DEX))
            assert wallets == SUPPLY

    @invariant()
    def books_are_consistent(self) -> None:
        levels: dict[tuple[bytes, str, int], dict[int, Order]] = defaultdict(dict)
        for order in self.orders():
            assert 0 < order.remaining <= order.amount
            level = (BASE_OF[order.book_key], "bid" if order.is_bid else "ask", order.tick)
            levels[level][order.order_id] = order
        for level, orders in levels.items():
            head, tail, liquidity = self.exchange.level(level[0], level[2], level[1])
            assert liquidity == sum(order.remaining for order in orders.values())
            queue = [head]
            while following := orders[queue[-1]].next:
                assert orders[following].prev == queue[-1]
                queue.append(following)
            assert orders[head].prev == 0
            assert queue[-1] == tail
            assert set(queue) == set(orders)
        for base in BASES:
            book = self.exchange.book(base)
            bids, asks = (
                [tick for name, side, tick in levels if (name, side) == (base, wanted)]
                for wanted in ("bid", "ask")
            )
            if book.base == base:
                assert book.best_bid == max(bids, default=NO_BID)
                assert book.best_ask == min(asks, default=NO_ASK)

    # -- helpers ----------------------------------------------------------------------------------

    def next_id(self) -> int:
        return int(self.exchange.dex.call("nextOrderId()"))

    def orders(self) -> list[Order]:
        """All open orders, by trying every id that was ever given out."""
        found = []
        for order_id in range(1, self.next_id()):
            order, error = outcome(partial(self.exchange.order, order_id))
            assert error in {None, "OrderDoesNotExist"}
            found += [order] if order else []
        return found

    def slack(self, mark: int) -> int:
        """How far roundings can reach: a unit for each fill and hop, amplified by later hops."""
        fills = sum(name == "OrderFilled" for name, _ in self.exchange.logs(mark))
        return 2 * fills + 2

    def attempt(self, call: Callable[[], int]) -> int | None:
        """The result, or None when there is no way to trade so much."""
        before = dict(self.exchange.world.storage)
        result, error = outcome(call)
        if error:
            assert error in {"InsufficientLiquidity", "PairDoesNotExist"}
            assert self.exchange.world.storage == before
        return result

    def refused(self, expected: str, call: Callable[[], object]) -> None:
        """The call fails with this error and changes nothing."""
        before = dict(self.exchange.world.storage)
        _, error = outcome(call)
        assert error == expected
        assert self.exchange.world.storage == before

    def expect_surplus(self, most: int) -> None:
        """The exchange holds what it owes, and since the last step at most so much more."""
        owed = dict.fromkeys(TOKENS, 0)
        for order in self.orders():
            base = BASE_OF[order.book_key]
            if order.is_bid:
                owed[QUOTE_OF[base]] += quote_up(order.remaining, order.tick)
            else:
                owed[base] += order.remaining
        for token in TOKENS:
            held = sum(self.exchange.held(who, token) for who in ACCOUNTS)
            surplus = self.exchange.wallet(STABLECOIN_DEX, token) - owed[token] - held
            assert self.surplus[token] <= surplus <= self.surplus[token] + most
            self.surplus[token] = surplus


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=25, stateful_step_count=30)
