"""Cancelling orders: by their maker, or by anyone once a policy has shut the maker out.

Spec: facts 2.10. An order is stale, by what the node does, when its maker may not send the token it
escrows or may not receive the one it gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function
from mock_rails.tempo.native.dex.balances import Balances

if TYPE_CHECKING:
    from mock_rails.tempo.native.dex.orders import Terms


class Cancelling(Balances):
    """How orders leave the book unfilled."""

    OrderCancelled = Event("OrderCancelled(uint128 indexed orderId)")

    Unauthorized = Error("Unauthorized()")
    OrderNotStale = Error("OrderNotStale()")

    @function("cancel(uint128 orderId)")
    def cancel(self, order_id: int) -> None:
        """Take back an order; its escrow goes to the maker's balance here."""
        terms = self.require_order(order_id)
        if terms.maker != self.sender:
            raise self.Unauthorized()
        self._remove(order_id, terms)

    @function("cancelStaleOrder(uint128 orderId)")
    def cancel_stale(self, order_id: int) -> None:
        """Clear away an order that its maker would not be allowed to place any more."""
        terms = self.require_order(order_id)
        escrow_token, counter_token = self._order_sides(terms)
        if self.may_send(escrow_token, terms.maker) and self.may_receive(
            counter_token, terms.maker
        ):
            raise self.OrderNotStale()
        self._remove(order_id, terms)

    def _remove(self, order_id: int, terms: Terms) -> None:
        _, remaining = self.amounts[order_id]
        escrow_token, _ = self._order_sides(terms)
        self.dequeue(order_id, terms, remaining, self.book_keys[terms.book])
        self.forget(order_id)
        self.credit(terms.maker, escrow_token, terms.escrow(remaining))
        self.emit(self.OrderCancelled, order_id)

    def _order_sides(self, terms: Terms) -> tuple[bytes, bytes]:
        key = self.book_keys[terms.book]
        return self.sides(key, self.bases[key][0], is_bid=terms.is_bid)
