"""Fleets too large for an event each: what their visits do to the chain, block by block.

Independent agents in great number are a Poisson stream, so the transactions of a block are a draw
and not a crowd. What that loses is measured: `by_events` plays the same fleet agent by agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount, next_base_fee
from scenarios.facts import tempo
from scenarios.model.arrivals import poisson, visit_sizes
from scenarios.model.chain import Chain

if TYPE_CHECKING:
    from collections.abc import Generator

    from scenarios.streams import Streams


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet's traffic: visits a second over the day, requests in a visit, pauses between them."""

    visits_per_s: np.ndarray
    """One rate for each stretch of equal length."""
    stretch_s: float
    requests: int
    think_s: float
    block_s: float
    returning: float = 0.0
    """The share of the visits whose agent had a channel closed before, and opens on its slot."""

    @property
    def horizon_s(self) -> float:
        """How long it is watched."""
        return len(self.visits_per_s) * self.stretch_s


@dataclass(frozen=True, slots=True)
class Day:
    """What a fleet paid, and where the base fee went."""

    fees: int
    transactions: int
    requests: int
    base_fees: np.ndarray
    """For each block."""


def by_blocks(fleet: Fleet, intent: str, streams: Streams) -> Day:
    """Draw the transactions of each block, and let the base fee follow them."""
    blocks = int(fleet.horizon_s / fleet.block_s)
    per_stretch = round(fleet.stretch_s / fleet.block_s)
    begun = np.repeat(fleet.visits_per_s * fleet.block_s, per_stretch)[:blocks]
    generator = streams.generator(f"fleet {intent}")
    lasting = max(fleet.requests * fleet.think_s / fleet.block_s, 1e-9)
    ended = _spread(begun, lasting)
    visits = begun.sum()
    if intent == "charge":
        # A visit's requests follow each other at exponential gaps: while it lasts, one a pause.
        each = _spread(begun, lasting) * fleet.requests
        operations = [(generator.poisson(each), tempo.CHARGE)]
    else:
        operations = [
            (generator.poisson(begun * (1 - fleet.returning)), tempo.OPEN),
            (generator.poisson(begun * fleet.returning), tempo.OPEN_AGAIN),
            (generator.poisson(ended), tempo.CLOSE),
        ]
    gas = sum(counts * used for counts, used in operations)
    fees, base_fee, path = 0, MIN_BASE_FEE, np.empty(blocks, dtype=np.int64)
    counted = [(counts.tolist(), used) for counts, used in operations]
    for block, used in enumerate(np.asarray(gas).tolist()):
        path[block] = base_fee
        for counts, each_gas in counted:
            fees += counts[block] * fee_amount(each_gas, base_fee)
        base_fee = next_base_fee(base_fee, used)
    transactions = sum(int(counts.sum()) for counts, _ in operations)
    requests = transactions if intent == "charge" else round(visits * fleet.requests)
    return Day(fees, transactions, requests, path)


def _spread(begun: np.ndarray, lasting: float) -> np.ndarray:
    """Ends of visits that began so often in each block and last a geometric number of blocks."""
    stay = lasting / (1 + lasting)
    ended = np.empty_like(begun)
    present = 0.0
    for block, came in enumerate(begun.tolist()):
        leaving = present * (1 - stay)
        ended[block] = leaving
        present += came - leaving
    return ended


def by_events(fleet: Fleet, intent: str, streams: Streams) -> Day:
    """The same fleet agent by agent; only where the rate does not change."""
    from simpy import Environment

    env = Environment()
    chain = Chain(fleet.block_s)
    think = streams.exponential("think", fleet.think_s)
    sizes = visit_sizes(streams, fleet.requests)
    luck = streams.uniform("returning")
    gap = streams.exponential("arrivals", 1 / float(fleet.visits_per_s[0]))
    counts = {"fees": 0, "transactions": 0, "requests": 0}
    path: list[int] = []

    def send(gas: int) -> Generator[Any, Any, None]:
        block = chain.submit(env.now, gas)
        yield env.timeout(chain.wait_s(env.now, block))
        counts["fees"] += chain.fee(block, gas)
        counts["transactions"] += 1
        path.append(chain.base_fee)

    def visit(size: int) -> Generator[Any, Any, None]:
        if intent == "session":
            yield from send(tempo.OPEN_AGAIN if luck() < fleet.returning else tempo.OPEN)
        for _ in range(size):
            counts["requests"] += 1
            if intent == "charge":
                yield from send(tempo.CHARGE)
            yield env.timeout(think())
        if intent == "session":
            yield from send(tempo.CLOSE)

    env.process(poisson(env, visit, gap, sizes, fleet.horizon_s))
    env.run(until=fleet.horizon_s)
    return Day(counts["fees"], counts["transactions"], counts["requests"], np.array(path))
