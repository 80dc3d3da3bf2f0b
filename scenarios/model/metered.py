"""Visits that are paid for afterwards: one authorisation, many requests, settled together.

Three ways, alike in that a request on the way costs one round trip and a check, and different in
what stands behind the merchant's claim and in how the money comes (facts: protocol 6, E7):

    session   a channel's deposit; the merchant closes each channel with a transaction of its own
    batch     a deposit as well (x402 `batch-settlement`); one transaction claims for many payers
    upto      nothing but a signature up to an amount (x402 `upto`); a transfer at the visit's end
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenarios.facts import tempo
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS
from scenarios.model.payments import answered, on_chain

if TYPE_CHECKING:
    from scenarios.model.payments import Scene, Steps
    from scenarios.streams import Draw

SESSION = "session"
BATCH = "batch"
UPTO = "upto"


@dataclass(slots=True)
class Desk:
    """The merchant's side: what is owed to it, for how long, and what it never got."""

    scene: Scene
    claim_s: float
    """How long the first unclaimed voucher waits for the claim."""
    claim_more_gas: int
    """What a further payer adds to a claim."""
    broke: float
    """The share of payers whose money is gone when an authorisation without a deposit is used."""
    fate: Draw
    owed: int = 0
    lost: int = 0
    owed_area: float = 0.0
    """Base units x seconds."""
    _since_s: float = 0.0
    _unclaimed: dict[int, int] = field(default_factory=dict)
    _payers: int = 0

    def owe(self, amount: int) -> None:
        """Something was delivered (or, below zero, settled or given up)."""
        now = self.scene.env.now
        self.owed_area += self.owed * (now - self._since_s)
        self._since_s = now
        self.owed += amount

    def new_payer(self) -> int:
        """A number to know the payer by."""
        self._payers += 1
        return self._payers

    def voucher(self, payer: int, amount: int) -> None:
        """A voucher to be claimed with those of others; the first of them sets the time."""
        if not self._unclaimed:
            self.scene.env.process(self._claim())
        self._unclaimed[payer] = self._unclaimed.get(payer, 0) + amount

    def _claim(self) -> Steps:
        yield self.scene.env.timeout(self.claim_s)
        amounts, self._unclaimed = self._unclaimed, {}
        gas = tempo.SETTLE + (len(amounts) - 1) * self.claim_more_gas
        yield from on_chain(self.scene, gas, MERCHANTS)
        self.scene.books.move(ESCROW, MERCHANTS, sum(amounts.values()))
        self.owe(-sum(amounts.values()))


def metered_visit(desk: Desk, way: str, requests: int) -> Steps:
    """One authorisation for the visit: asked for and given with the first request."""
    scene = desk.scene
    env, timeout, one_way, gate = scene.env, scene.env.timeout, scene.one_way_s, scene.gate
    price, payer = scene.price, desk.new_payer()
    broke = desk.fate() < desk.broke
    for number in range(requests):
        begun = env.now
        yield timeout(one_way)
        if number == 0:
            yield timeout(gate.delay_s(env.now, scene.challenge()) + 2 * one_way)
        yield timeout(gate.delay_s(env.now, scene.check()))
        if number == 0:
            yield timeout(scene.node())
            if way != UPTO:
                yield from on_chain(scene, scene.opening_gas, PAYERS)
                scene.books.move(PAYERS, ESCROW, price * requests)
        desk.owe(price)
        if way == BATCH:
            desk.voucher(payer, price)
        yield timeout(one_way)
        answered(scene, begun, number)
        yield timeout(scene.think())
    if way == SESSION:
        yield from on_chain(scene, tempo.CLOSE, MERCHANTS)
        scene.books.move(ESCROW, MERCHANTS, price * requests)
        desk.owe(-price * requests)
    elif way == UPTO:
        yield from _collect(desk, price * requests, broke)


def _collect(desk: Desk, amount: int, broke: bool) -> Steps:
    """Use an authorisation; the transfer of a payer that has nothing is refused before it costs."""
    if broke:
        desk.lost += amount
    else:
        yield from on_chain(desk.scene, tempo.CHARGE, MERCHANTS)
        desk.scene.books.move(PAYERS, MERCHANTS, amount)
    desk.owe(-amount)
