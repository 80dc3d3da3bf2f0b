"""Lightning as a merchant meets it: routes whose balance only one side can spend (facts: lightning
5.1 to 5.3).

What is paid moves to the other side of a channel. A merchant that is only ever paid empties its
routes, and payments to it fail until money flows back, by refunds or by a swap. The rules are the
rail's: lock on add, move on settle, restore on failure; a side and what is in flight always add up
to the channel's capacity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import ConservationError
from scenarios.facts import lightning
from scenarios.model.books import MERCHANTS, PAYERS, ROUTERS, Books

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.streams import Draw

    Attempt = Generator[Any, Any, bool]

IN = 0
"""What can still be paid to the merchant."""
OUT = 1
"""What the merchant can pay back."""
_RESERVE = 100
"""A hundredth of a channel belongs to no payment."""


class Route:
    """The last channel of a way to the merchant, which is where the balance runs out."""

    def __init__(self, capacity: int, inbound: int) -> None:
        self.capacity = capacity
        self.sides = [inbound, capacity - inbound]
        self.held = 0
        self.swapping = False

    def lock(self, side: int, amount: int) -> bool:
        """Take an amount into flight, if the side has it above its reserve."""
        if self.sides[side] - amount < self.capacity // _RESERVE:
            return False
        self.sides[side] -= amount
        self.held += amount
        return True

    def release(self, side: int, amount: int) -> None:
        """What was in flight lands on a side: the other one when it settled, its own if not."""
        self.held -= amount
        self.sides[side] += amount

    def check(self) -> None:
        """Assert that the channel holds what it was opened with."""
        if self.held or sum(self.sides) != self.capacity or min(self.sides) < 0:
            raise ConservationError(f"A route of {self.capacity} holds {self.sides}, {self.held}.")


@dataclass(frozen=True, slots=True)
class Swap:
    """How a merchant gets room again: it pays out over Lightning and is paid on a chain."""

    below: float
    """The share of the capacity that is left when it begins."""
    up_to: float
    """The share that it restores."""
    takes_s: float
    fails: float
    fixed: int
    per_million: int

    def cost(self, amount: int) -> int:
        """What a swap of so much costs, in base units rounded up."""
        return self.fixed - (-amount * self.per_million // 1_000_000)


@dataclass(slots=True)
class Network:
    """The routes between payers and a merchant, tried one after the other."""

    env: Environment
    routes: list[Route]
    hops: int
    attempts: int
    offline: float
    """The share of attempts that fail for another reason than balance."""
    swap: Swap | None
    luck: Draw
    tail: Draw
    books: Books = field(default_factory=Books)
    tried: int = 0
    short: int = 0
    """Attempts that failed because a side had too little."""
    swaps: int = 0
    swap_fees: int = 0

    def pay(self, side: int, amount: int) -> Attempt:
        """Pay to the merchant (IN) or back (OUT): other routes are tried while attempts last."""
        order = sorted(self.routes, key=lambda _: self.luck())
        for route in order[: self.attempts]:
            self.tried += 1
            locked = route.lock(side, amount)
            yield self.env.timeout(2 * self.hops * lightning.HOP_S)
            if locked and self.luck() >= self.offline:
                yield self.env.timeout(lightning.TAIL_FLOOR_S + self.tail())
                route.release(1 - side, amount)
                self._paid(side, amount)
                self._make_room(route)
                return True
            if locked:
                route.release(side, amount)
            else:
                self.short += 1
            yield self.env.timeout(lightning.RETRY_S)
        return False

    def _paid(self, side: int, amount: int) -> None:
        giver, taker = (PAYERS, MERCHANTS) if side == IN else (MERCHANTS, PAYERS)
        self.books.move(giver, taker, amount)
        self.books.move(giver, ROUTERS, lightning.routing_fee(amount, self.hops))

    def _make_room(self, route: Route) -> None:
        """Begin a swap where a route runs out and none is under way."""
        swap = self.swap
        if swap and not route.swapping and route.sides[IN] < swap.below * route.capacity:
            route.swapping = True
            self.env.process(self._swap(route, swap))

    def _swap(self, route: Route, swap: Swap) -> Generator[Any, Any, None]:
        amount = int(swap.up_to * route.capacity) - route.sides[IN]
        if route.lock(OUT, amount):
            yield self.env.timeout(swap.takes_s)
            failed = self.luck() < swap.fails
            route.release(OUT if failed else IN, amount)
            if not failed:
                self.swaps += 1
                self.swap_fees += swap.cost(amount)
                self.books.move(MERCHANTS, ROUTERS, swap.cost(amount))
        route.swapping = False

    def check(self) -> None:
        """Assert that no route and no purse made or lost anything."""
        self.books.check()
        for route in self.routes:
            route.check()
