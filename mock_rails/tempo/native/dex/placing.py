"""Placing orders: the rules in the order the node checks them (facts 2.10).

Placing never trades. Bids may stand above asks until somebody swaps through them.
"""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.dex.balances import Balances
from mock_rails.tempo.native.dex.orders import Terms
from mock_rails.tempo.native.dex.prices import TICK_SPACING

MIN_ORDER_AMOUNT: Final = 100_000_000
"""A hundred dollars of base."""

_MAX_UINT128: Final = (1 << 128) - 1


class Placing(Balances):
    """What makers do."""

    OrderPlaced = Event(
        "OrderPlaced(uint128 indexed orderId, address indexed maker, address indexed token,"
        " uint128 amount, bool isBid, int16 tick, bool isFlipOrder, int16 flipTick)"
    )

    InvalidFlipTick = Error("InvalidFlipTick()")
    BelowMinimumOrderSize = Error("BelowMinimumOrderSize(uint128 amount)")

    @view("MIN_ORDER_AMOUNT() returns (uint128)")
    def min_order_amount(self) -> int:
        """The smallest order, in base."""
        return MIN_ORDER_AMOUNT

    @function(
        "place(address token, uint128 amount, bool isBid, int16 tick) returns (uint128 orderId)"
    )
    def place(self, token: bytes, amount: int, is_bid: bool, tick: int) -> int:
        """Offer to buy or sell `amount` of a token at a price."""
        key = self._pair(token)
        self._require_tick(tick)
        terms = Terms(self.sender, self.bases[key][1], tick, 0, is_bid, is_flip=False)
        return self._open(token, key, terms, amount)

    @function(
        "placeFlip(address token, uint128 amount, bool isBid, int16 tick, int16 flipTick)"
        " returns (uint128 orderId)"
    )
    def place_flip(self, token: bytes, amount: int, is_bid: bool, tick: int, flip_tick: int) -> int:
        """Place an order that, once filled, stands again on the other side at `flipTick`."""
        key = self._pair(token)
        self._require_tick(tick)
        self.require_bounds(flip_tick)
        # The way back must be a gain: sell above what was bought, or buy below what was sold.
        if flip_tick % TICK_SPACING or (flip_tick <= tick if is_bid else flip_tick >= tick):
            raise self.InvalidFlipTick()
        terms = Terms(self.sender, self.bases[key][1], tick, flip_tick, is_bid, is_flip=True)
        return self._open(token, key, terms, amount)

    def _pair(self, base: bytes) -> bytes:
        """The token's book, created when this is its first order."""
        key = self.book_key(base, self.quote_of(base))
        if self.bases[key] is None:
            self.create_pair(base)
        return key

    def _require_tick(self, tick: int) -> None:
        self.require_bounds(tick)
        self.require_spacing(tick)

    def _open(self, base: bytes, key: bytes, terms: Terms, amount: int) -> int:
        """Escrow the maker's side and put the order on the book."""
        if amount < MIN_ORDER_AMOUNT:
            raise self.BelowMinimumOrderSize(amount)
        escrow_token, counter_token = self.sides(key, base, is_bid=terms.is_bid)
        self.require_payout(counter_token, terms.maker)
        escrow = terms.escrow(amount)
        if escrow > _MAX_UINT128:
            raise self.InsufficientBalance()
        self.collect(escrow_token, terms.maker, escrow)
        order_id = self.next_order_id()
        self.last_plus_one = order_id + 1
        self.enqueue(order_id, terms, amount, key)
        self.emit(
            self.OrderPlaced,
            order_id,
            terms.maker,
            base,
            amount,
            terms.is_bid,
            terms.tick,
            terms.is_flip,
            terms.flip_tick,
        )
        return order_id
