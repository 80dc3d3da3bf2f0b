"""Filling orders: best price first, and at one price in the order they were placed (facts 2.10).

Makers are paid into their balance here, so a maker whom a token refuses cannot stop a taker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Revert
from mock_rails.tempo.native.dex.balances import Balances
from mock_rails.tempo.native.dex.prices import fill_input, fill_output, quote_up

if TYPE_CHECKING:
    from mock_rails.tempo.native.dex.orders import Terms
    from mock_rails.tempo.native.dex.routing import Hop


class Offer(NamedTuple):
    """The order that is next to be filled."""

    order_id: int
    terms: Terms
    amount: int
    remaining: int


class Matching(Balances):
    """What happens in one book of a swap."""

    OrderFilled = Event(
        "OrderFilled(uint128 indexed orderId, address indexed maker, address indexed taker,"
        " uint128 amountFilled, bool partialFill)"
    )
    OrderFlipped = Event(
        "OrderFlipped(uint128 indexed orderId, address indexed maker, address indexed token,"
        " uint128 amount, bool isBid, int16 tick, int16 flipTick)"
    )
    FlipFailed = Event("FlipFailed(uint128 indexed orderId, address indexed maker, bytes4 reason)")

    def swap_input(self, hop: Hop, amount: int) -> int:
        """Spend an amount in one book and return what it bought.

        Once an order covers the rest, the odd unit that buys nothing stays with the exchange, as on
        the node.
        """
        received = 0
        offer = self._best_offer(hop)
        while amount:
            fill = fill_input(amount, offer.remaining, offer.terms.tick, bids=hop.takes_bids)
            self._fill(hop, offer, fill.base)
            received += fill.received
            amount = 0 if fill.wanted <= offer.remaining else amount - fill.paid
            if amount:
                offer = self._best_offer(hop)
        return received

    def swap_output(self, hop: Hop, amount: int) -> int:
        """Buy an amount in one book and return what it cost."""
        paid = 0
        offer = self._best_offer(hop)
        while amount:
            fill = fill_output(amount, offer.remaining, offer.terms.tick, bids=hop.takes_bids)
            self._fill(hop, offer, fill.base)
            paid += fill.paid
            amount = 0 if fill.wanted <= offer.remaining else amount - fill.received
            if amount:
                offer = self._best_offer(hop)
        return paid

    def _best_offer(self, hop: Hop) -> Offer:
        tick = self.best_tick(hop.key, is_bid=hop.takes_bids)
        if tick is None:
            raise self.InsufficientLiquidity()
        order_id, _ = self.queues[self.level(hop.key, tick, is_bid=hop.takes_bids)]
        return Offer(order_id, self.terms[order_id], *self.amounts[order_id])

    def _fill(self, hop: Hop, offer: Offer, base: int) -> None:
        """Fill a part of an order or all of it, and pay its maker."""
        order_id, terms, amount, remaining = offer
        left = remaining - base
        if terms.is_bid:
            self.credit(terms.maker, hop.base, base)
        else:
            self.credit(terms.maker, hop.quote, quote_up(base, terms.tick))
        self.emit(self.OrderFilled, order_id, terms.maker, self.sender, base, left > 0)
        if left:
            self.amounts[order_id] = (amount, left)
            self.remove_liquidity(hop.key, terms.tick, base, is_bid=terms.is_bid)
            return
        self.dequeue(order_id, terms, base, hop.key)
        if terms.is_flip:
            self._flip(hop, offer)
        else:
            self.forget(order_id)

    def _flip(self, hop: Hop, offer: Offer) -> None:
        """Stand a filled flip order on the other side, in place (fork T5): it keeps its id.

        It is paid for from the maker's balance here only, and the rules of placing apply. When they
        are not met the order ends as any filled order does.
        """
        order_id, amount = offer.order_id, offer.amount
        terms = offer.terms.flipped()
        escrow_token, counter_token = self.sides(hop.key, hop.base, is_bid=terms.is_bid)
        escrow = terms.escrow(amount)
        try:
            self.require_payout(counter_token, terms.maker)
            self.require_deposit(escrow_token, terms.maker)
            held = self.held[terms.maker, escrow_token]
            if held < escrow:
                raise self.InsufficientBalance()
        except Revert as refusal:
            self.forget(order_id)
            self.emit(self.FlipFailed, order_id, terms.maker, refusal.data[:4])
            return
        self.held[terms.maker, escrow_token] = held - escrow
        self.enqueue(order_id, terms, amount, hop.key)
        self.emit(
            self.OrderFlipped,
            order_id,
            terms.maker,
            hop.base,
            amount,
            terms.is_bid,
            terms.tick,
            terms.flip_tick,
        )
