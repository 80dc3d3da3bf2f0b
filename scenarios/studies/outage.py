"""The chain stands still: who is served, by charge, by session, with a second rail (E18).

A charge needs a block and a session only a voucher, until it must be opened. A client that gives up
on the chain may pay the same request over Lightning instead, if it has both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.experiment import Result, Row, Study
from scenarios.facts import lightning, tempo
from scenarios.model.arrivals import poisson, require_requests, visit_sizes
from scenarios.model.tally import Tally
from scenarios.parameters import Parameters, SizesOrNone, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_MS: Final = 1_000
_HOPS: Final = 3
WAYS: Final = ("charge", "charge, failover", "session", "session, failover")


class Outage(Parameters):
    """How long the chain stands still, and how patient the agents are."""

    outages_s: SizesOrNone = known((0.0, 10.0, 60.0, 300.0), "lengths of the outage", "chosen")
    patience_s: float = known(5.0, "how long a client waits for a block", "chosen", gt=0)
    horizon_s: float = known(900.0, "length of the run; the outage is in its middle", "chosen",
                             gt=0)  # fmt: skip
    requests: int = known(30, "mean requests in a visit", "chosen", gt=0)
    think_s: float = known(2.0, "mean time between requests", "chosen", ge=0)
    visits_per_s: float = known(0.5, "visits that begin in a second", "chosen", gt=0)
    price: int = known(20_000, "price of a request, base units", "the registry's median", gt=0)
    rtt_ms: float = known(20.0, "network round trip", "chosen; E1: 0-50", ge=0)
    block_ms: float = known(500.0, "block time", "the docs' finality, E3", gt=0)


@dataclass(slots=True)
class _World:
    env: Environment
    p: Outage
    block_s: float
    halted_s: tuple[float, float]
    failover: bool
    think: Draw
    tail: Draw
    latency: Tally = field(default_factory=Tally)
    wanted: int = 0
    served: int = 0
    wanted_then: int = 0
    served_then: int = 0
    fees: int = 0

    def halted(self) -> bool:
        """Whether the chain stands still now."""
        return self.halted_s[0] <= self.env.now < self.halted_s[1]

    def block_in_s(self) -> float:
        """How long until the next block is sealed."""
        now = self.env.now
        start = max(now, self.halted_s[1]) if self.halted() else now
        return (floor(start / self.block_s) + 1) * self.block_s - now

    def request(self, begun_s: float, during: bool, paid: bool) -> None:
        """Count a request that was answered or given up."""
        self.wanted += 1
        self.served += paid
        self.wanted_then += during
        self.served_then += during and paid
        if paid:
            self.latency.add(self.env.now, self.env.now - begun_s)

    def by_lightning(self) -> Generator[Any, Any, bool]:
        """Pay the request over the other rail: hops there and back, and the payee's time."""
        hops = 2 * _HOPS * lightning.HOP_S
        yield self.env.timeout(hops + lightning.TAIL_FLOOR_S + self.tail())
        self.fees += lightning.routing_fee(self.p.price, _HOPS)
        return True

    def on_chain(self, gas: int) -> Generator[Any, Any, bool]:
        """Wait for a block as long as the agent's patience; nothing is paid where none came."""
        wait = self.block_in_s()
        if wait > self.p.patience_s:
            yield self.env.timeout(self.p.patience_s)
            return False
        yield self.env.timeout(wait)
        self.fees += fee_amount(gas, MIN_BASE_FEE)
        return True


def _charges(world: _World, requests: int) -> Generator[Any, Any, None]:
    for _ in range(requests):
        begun, during = world.env.now, world.halted()
        yield world.env.timeout(2 * world.p.rtt_ms / _MS)
        paid = yield from world.on_chain(tempo.CHARGE)
        if not paid and world.failover:
            paid = yield from world.by_lightning()
        world.request(begun, during, paid)
        yield world.env.timeout(world.think())


def _session(world: _World, requests: int) -> Generator[Any, Any, None]:
    """A channel that could not be opened is tried again with the next request."""
    opened = False
    for _ in range(requests):
        begun, during = world.env.now, world.halted()
        yield world.env.timeout((1 if opened else 2) * world.p.rtt_ms / _MS)
        paid = opened
        if not opened:
            opened = paid = yield from world.on_chain(tempo.OPEN)
        if not paid and world.failover:
            paid = yield from world.by_lightning()
        world.request(begun, during, paid)
        yield world.env.timeout(world.think())
    if opened:
        world.fees += fee_amount(tempo.CLOSE, MIN_BASE_FEE)


def replicate(p: Outage, streams: Streams) -> list[Row]:
    """The same visits in every way through every outage."""
    return [_row(p, way, length, streams) for way in WAYS for length in p.outages_s]


def _row(p: Outage, way: str, length_s: float, streams: Streams) -> Row:
    from simpy import Environment

    env = Environment()
    middle = p.horizon_s / 2
    halted = (middle - length_s / 2, middle + length_s / 2)
    think = streams.exponential("think", p.think_s)
    tail = streams.exponential("lightning", lightning.TAIL_MEAN_S)
    world = _World(env, p, p.block_ms / _MS, halted, "failover" in way, think, tail)
    visit = _session if way.startswith("session") else _charges
    gap = streams.exponential("arrivals", 1 / p.visits_per_s)
    sizes = visit_sizes(streams, p.requests)
    env.process(poisson(env, lambda size: visit(world, size), gap, sizes, p.horizon_s))
    env.run()
    require_requests(world.wanted)
    return {
        "way": way,
        "outage_s": length_s,
        "served_share": world.served / world.wanted,
        "served_in_outage": world.served_then / world.wanted_then if world.wanted_then else 1.0,
        "latency_mean_ms": world.latency.mean * _MS,
        "latency_p99_ms": world.latency.quantile(0.99) * _MS,
        "fee_per_request": world.fees / max(world.served, 1),
    }


def findings(result: Result) -> list[str]:
    """What is served while the chain stands still."""
    said = []
    for length in result.parameters.outages_s:
        if length:
            parts = [
                f"{way} {served.mean:.0%} ({served.low:.0%} to {min(served.high, 1):.0%})"
                for way in WAYS
                for served in (result.interval("served_in_outage", way, length),)
            ]
            said.append(f"Served in an outage of {length:g} s: {'; '.join(parts)}.")
    longest = result.parameters.outages_s[-1]
    late = result.interval("latency_p99_ms", "charge, failover", longest)
    fee = result.interval("fee_per_request", "charge, failover", longest)
    said.append(
        f"Failing over costs: with {longest:g} s of outage the p99 is {late.mean / _MS:.1f} s and "
        f"the mean fee {fee.mean:.0f} base units a request."
    )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """The share that is served, over the length of the outage."""
    from scenarios.figures.lines import Line, lines

    at = [one for one in result.parameters.outages_s if one] or [1.0]
    lengths = [one for one in result.parameters.outages_s if one] or [0.0]
    return {
        "served": lines(
            "Who is served while the chain stands still", "length of the outage, s",
            "requests served in it, %",
            [Line(way, at, [result.interval("served_in_outage", way, one) for one in lengths],
                  dashed="failover" in way, colour=WAYS.index(way) // 2)
             for way in WAYS],
            log_y=False, scale=100,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="outage",
    question="Who is served while the chain stands still, and what does a second rail change?",
    assumptions=(
        "A client gives a transaction up after its patience, and that transaction is never mined.",
        "A server goes on taking vouchers of channels that it knows, without asking the chain.",
        "Every client that fails over can pay over Lightning, and that payment succeeds.",
        "An agent goes on with its next request, paid or not.",
        "No payer had a channel closed before, whose slot would make the next one cheap to open.",
    ),
    trust="That sessions outlive an outage follows from the protocol. That a given-up transaction "
    "is never mined is kind: a client that cannot know must not pay twice, and would wait longer.",
    parameters=Outage,
    replicate=replicate,
    keys=("way", "outage_s"),
    watched="served_share",
    findings=findings,
    figures=figures,
)
