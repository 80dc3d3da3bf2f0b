"""Orders: what one is, how it is stored, and its place in the queue of its level.

An order takes two words, and a third for its neighbours once it has any. Its id is its storage
key, and the order exists while it has terms. Spec: facts 2.10.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.native.contract import Error, view
from mock_rails.tempo.native.dex.books import signed16
from mock_rails.tempo.native.dex.levels import Levels
from mock_rails.tempo.native.dex.prices import quote_up
from mock_rails.tempo.native.storage import Mapping, Packed, Value

_FIELDS: Final = Packed(160, 32, 16, 16, 1, 1)
_WORD16: Final = 0xFFFF


class Terms(NamedTuple):
    """What a maker asked for. A flip order has a tick to return at; others have 0 there."""

    maker: bytes
    book: int
    tick: int
    flip_tick: int
    is_bid: bool
    is_flip: bool

    def flipped(self) -> Terms:
        """The same order on the other side."""
        return self._replace(tick=self.flip_tick, flip_tick=self.tick, is_bid=not self.is_bid)

    def escrow(self, base: int) -> int:
        """What must be held for a part of the order: quote for a bid, base for an ask."""
        return quote_up(base, self.tick) if self.is_bid else base


class _Terms:
    """The terms in one word; None where there is no order."""

    def load(self, raw: int) -> Terms | None:
        if not raw:
            return None
        maker, book, tick, flip_tick, is_bid, is_flip = _FIELDS.load(raw)
        return Terms(
            maker.to_bytes(20), book, signed16(tick), signed16(flip_tick), is_bid == 1, is_flip == 1
        )

    def store(self, value: Terms | None) -> int:
        if value is None:
            return 0
        return _FIELDS.store(
            (
                int.from_bytes(value.maker),
                value.book,
                value.tick & _WORD16,
                value.flip_tick & _WORD16,
                int(value.is_bid),
                int(value.is_flip),
            )
        )


class Orders(Levels):
    """All open orders."""

    last_plus_one = Value(8)
    terms = Mapping(9, _Terms())
    amounts = Mapping(10, Packed(128, 128))
    """An order's base: as placed, and what remains of it."""

    neighbours = Mapping(11, Packed(128, 128))
    """The ids of the orders before and after it in the queue, 0 at the ends."""

    OrderDoesNotExist = Error("OrderDoesNotExist()")

    @view("nextOrderId() returns (uint128)")
    def next_order_id(self) -> int:
        """The id the next order gets; the first is 1."""
        return self.last_plus_one or 1

    @view(
        "getOrder(uint128 orderId) returns ((uint128 orderId, address maker, bytes32 bookKey,"
        " bool isBid, int16 tick, uint128 amount, uint128 remaining, uint128 prev, uint128 next,"
        " bool isFlip, int16 flipTick))"
    )
    def get_order(self, order_id: int) -> tuple[int | bytes | bool, ...]:
        """An open order."""
        terms = self.require_order(order_id)
        return (
            order_id,
            terms.maker,
            self.book_keys[terms.book],
            terms.is_bid,
            terms.tick,
            *self.amounts[order_id],
            *self.neighbours[order_id],
            terms.is_flip,
            terms.flip_tick,
        )

    def require_order(self, order_id: int) -> Terms:
        """An open order's terms; a filled or cancelled order does not exist any more."""
        terms: Terms | None = self.terms[order_id]
        if terms is None:
            raise self.OrderDoesNotExist()
        return terms

    def enqueue(self, order_id: int, terms: Terms, amount: int, key: bytes) -> None:
        """Put an order at the end of its level's queue: first come, first served."""
        at = self.level(key, terms.tick, is_bid=terms.is_bid)
        head, tail = self.queues[at]
        self.terms[order_id] = terms
        self.amounts[order_id] = (amount, amount)
        if tail:
            before, _ = self.neighbours[tail]
            self.neighbours[tail] = (before, order_id)
            self.neighbours[order_id] = (tail, 0)
        self.queues[at] = (head or order_id, order_id)
        self.add_liquidity(key, terms.tick, amount, is_bid=terms.is_bid)

    def dequeue(self, order_id: int, terms: Terms, remaining: int, key: bytes) -> None:
        """Take an order out of its level, with what remained of it."""
        at = self.level(key, terms.tick, is_bid=terms.is_bid)
        head, tail = self.queues[at]
        before, after = self.neighbours[order_id]
        if before:
            self.neighbours[before] = (self.neighbours[before][0], after)
        if after:
            self.neighbours[after] = (before, self.neighbours[after][1])
        self.neighbours[order_id] = (0, 0)
        self.queues[at] = (
            after if head == order_id else head,
            before if tail == order_id else tail,
        )
        self.remove_liquidity(key, terms.tick, remaining, is_bid=terms.is_bid)

    def forget(self, order_id: int) -> None:
        """Clear an order that is no longer in a queue."""
        self.terms[order_id] = None
        self.amounts[order_id] = (0, 0)
