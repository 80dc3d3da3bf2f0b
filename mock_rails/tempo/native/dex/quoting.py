"""Quotes: what a swap would give or cost, without touching an order.

A quote walks whole levels where a swap fills single orders, each rounded for itself, so the swap
can be a few base units worse for the taker than its quote. Spec: facts 2.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo.native.contract import view
from mock_rails.tempo.native.dex.levels import Levels
from mock_rails.tempo.native.dex.prices import fill_input, fill_output
from mock_rails.tempo.native.dex.routing import Routing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.native.dex.routing import Hop


class Quoting(Levels, Routing):
    """What takers ask before they swap."""

    @view(
        "quoteSwapExactAmountIn(address tokenIn, address tokenOut, uint128 amountIn)"
        " returns (uint128 amountOut)"
    )
    def quote_exact_in(self, token_in: bytes, token_out: bytes, amount_in: int) -> int:
        """What an amount would buy."""
        amount = amount_in
        for hop in self.route(token_in, token_out):
            amount = self._quote_input(hop, amount)
        return amount

    @view(
        "quoteSwapExactAmountOut(address tokenIn, address tokenOut, uint128 amountOut)"
        " returns (uint128 amountIn)"
    )
    def quote_exact_out(self, token_in: bytes, token_out: bytes, amount_out: int) -> int:
        """What an amount would cost."""
        amount = amount_out
        for hop in reversed(self.route(token_in, token_out)):
            amount = self._quote_output(hop, amount)
        return amount

    def _quote_input(self, hop: Hop, amount: int) -> int:
        received = 0
        offers = self._offers(hop)
        tick, offered = next(offers)
        while amount:
            fill = fill_input(amount, offered, tick, bids=hop.takes_bids)
            received += fill.received
            # Unlike a swap, a quote that just uses up a level takes its odd unit to the next one.
            amount = 0 if fill.wanted < offered else amount - fill.paid
            if amount:
                tick, offered = next(offers)
        return received

    def _quote_output(self, hop: Hop, amount: int) -> int:
        paid = 0
        offers = self._offers(hop)
        tick, offered = next(offers)
        while amount:
            fill = fill_output(amount, offered, tick, bids=hop.takes_bids)
            paid += fill.paid
            amount = 0 if fill.wanted <= offered else amount - fill.received
            if amount:
                tick, offered = next(offers)
        return paid

    def _offers(self, hop: Hop) -> Iterator[tuple[int, int]]:
        """The levels of the side to take from, best first; running out of them is an error."""
        tick = self.best_tick(hop.key, is_bid=hop.takes_bids)
        while tick is not None:
            yield tick, self.liquidity[self.level(hop.key, tick, is_bid=hop.takes_bids)]
            tick = self.next_tick(hop.key, tick, is_bid=hop.takes_bids)
        raise self.InsufficientLiquidity()
