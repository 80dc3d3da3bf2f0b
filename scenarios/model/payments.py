"""Agents that pay: a visit is a row of requests, each waiting for the one before (style 4.2).

Visits arrive openly, as a Poisson process, whatever the answers take; inside a visit the steps are
closed. What differs between the intents is what one request costs in messages, gas and money:

    charge    402, a credential with a transaction, its block, the answer     facts: protocol E3
    session   open and first voucher; then a voucher with every request; settle at the end      E4
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenarios.facts import tempo
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS, VALIDATORS, Books

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.model.chain import Chain
    from scenarios.model.station import Station
    from scenarios.model.tally import Tally
    from scenarios.streams import Draw

    Steps = Generator[Any, Any, None]


@dataclass(slots=True)
class Scene:
    """Everything that the agents of one run share."""

    env: Environment
    chain: Chain
    gate: Station
    one_way_s: float
    challenge: Draw
    check: Draw
    node: Draw
    think: Draw
    price: int
    latency: Tally
    first: Tally
    """The first request of each visit alone: what opening a session costs in time."""
    opening_gas: int = tempo.OPEN
    challenged: bool = True
    """Whether a charge asks first and is told the price, or is paid ahead from what it knows."""
    books: Books = field(default_factory=Books)
    delivered: int = 0
    visits: int = 0
    transactions: int = 0

    def pay_fee(self, payer: str, block: int, gas: int) -> None:
        """The chain's fee of a transaction in the block that is being sealed."""
        self.transactions += 1
        self.books.move(payer, VALIDATORS, self.chain.fee(block, gas))


def free_visit(scene: Scene, requests: int) -> Steps:
    """The same requests where nothing is paid: what the others are compared with."""
    env, timeout, way = scene.env, scene.env.timeout, scene.one_way_s
    for number in range(requests):
        begun = env.now
        yield timeout(way)
        yield timeout(scene.gate.delay_s(env.now, scene.check()) + way)
        answered(scene, begun, number)
        yield timeout(scene.think())


def charge_visit(scene: Scene, requests: int) -> Steps:
    """Every request is paid by a transaction of its own, after its 402 where it is challenged."""
    env, timeout, way, delay_s = scene.env, scene.env.timeout, scene.one_way_s, scene.gate.delay_s
    challenge, check, node, think = scene.challenge, scene.check, scene.node, scene.think
    submit, wait_s = scene.chain.submit, scene.chain.wait_s
    move, price = scene.books.move, scene.price
    for number in range(requests):
        begun = env.now
        yield timeout(way)
        if scene.challenged:
            yield timeout(delay_s(env.now, challenge()) + 2 * way)
        yield timeout(delay_s(env.now, check()) + node())
        now = env.now
        block = submit(now, tempo.CHARGE)
        yield timeout(wait_s(now, block))
        scene.pay_fee(PAYERS, block, tempo.CHARGE)
        move(PAYERS, MERCHANTS, price)
        yield timeout(way)
        answered(scene, begun, number)
        yield timeout(think())


def session_visit(scene: Scene, requests: int) -> Steps:
    """One channel for the visit: opened with the first request, closed after the last.

    The deposit is what the visit will cost: how deposits should be chosen is another study.
    """
    env, timeout, way, gate = scene.env, scene.env.timeout, scene.one_way_s, scene.gate
    check, delay_s, think = scene.check, gate.delay_s, scene.think
    latency = scene.latency.add
    begun = env.now
    yield timeout(way)
    yield timeout(delay_s(env.now, scene.challenge()) + 2 * way)
    yield timeout(delay_s(env.now, check()) + scene.node())
    yield from on_chain(scene, scene.opening_gas, PAYERS)
    deposit = scene.price * requests
    scene.books.move(PAYERS, ESCROW, deposit)
    yield timeout(way)
    answered(scene, begun, 0)
    for _ in range(requests - 1):
        yield timeout(think())
        begun = env.now
        yield timeout(way)
        yield timeout(delay_s(env.now, check()) + way)
        now = env.now
        latency(now, now - begun)
        scene.delivered += 1
    scene.books.move(ESCROW, MERCHANTS, deposit)
    yield from on_chain(scene, tempo.CLOSE, MERCHANTS)


def on_chain(scene: Scene, gas: int, payer: str) -> Steps:
    """A transaction, until its block is sealed; the payer has then paid its fee."""
    block = scene.chain.submit(scene.env.now, gas)
    yield scene.env.timeout(scene.chain.wait_s(scene.env.now, block))
    scene.pay_fee(payer, block, gas)


def answered(scene: Scene, begun_s: float, number: int) -> None:
    """A request has its answer: how long it took, and whether it was its visit's first."""
    now = scene.env.now
    scene.latency.add(now, now - begun_s)
    scene.delivered += 1
    if number == 0:
        scene.visits += 1
        scene.first.add(now, now - begun_s)
