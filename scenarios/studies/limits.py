"""Agents that run away: what a budget saves their owner, and a rate limit everybody else.

Some agents have lost their way and ask again as soon as they are answered. They pay for each
request, so nobody stops them but their budget; and they take the server's time from the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isinf
from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.model.books import MERCHANTS, PAYERS, Books
from scenarios.model.limits import Budget, RateLimit
from scenarios.model.station import Station
from scenarios.model.tally import Tally
from scenarios.parameters import CountsOrNone, Parameters, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_MS: Final = 1_000
_USD: Final = 1_000_000
LIMITS: Final = ("none", "budget", "rate", "both")


class Limits(Parameters):
    """Who asks how often, and what holds them back."""

    agents: int = known(200, "agents, each with a session open", "chosen", gt=0)
    runaways: CountsOrNone = known((0, 2, 10, 30), "how many of them run away", "chosen")
    think_s: float = known(10.0, "mean pause of an agent that does not", "chosen", gt=0)
    price: int = known(20_000, "price of a request, base units", "the registry's median", gt=0)
    work_ms: float = known(20.0, "mean time that the server works on a request", "chosen", gt=0)
    workers: int = known(2, "processes of the server", "chosen", gt=0)
    rtt_ms: float = known(20.0, "network round trip", "chosen; E1: 0-50", ge=0)
    budget: int = known(1_000_000, "an agent's budget for a period, base units", "chosen", gt=0)
    period_s: float = known(300.0, "length of a budget's period", "chosen", gt=0)
    rate_per_s: float = known(1.0, "requests a second that a payer may send", "chosen", gt=0)
    burst: int = known(5, "requests that it may send at once", "chosen", gt=0)
    horizon_s: float = known(300.0, "length of the run", "chosen", gt=0)


@dataclass(slots=True)
class _Hall:
    """The server, and what both kinds of agents got from it."""

    env: Environment
    p: Limits
    station: Station
    work: Draw
    books: Books = field(default_factory=Books)
    latency: Tally = field(default_factory=Tally)
    refused: int = 0
    held_back: int = 0
    spent_by_runaways: int = 0


def _agent(
    hall: _Hall, pause: Draw, runaway: bool, budget: Budget | None, limit: RateLimit | None
) -> Generator[Any, Any, None]:
    """One agent until the end; one that runs away does so after its first pause."""
    env, p, one_way = hall.env, hall.p, hall.p.rtt_ms / _MS / 2
    yield env.timeout(pause())
    while True:
        begun = env.now
        while budget is not None and (wait := budget.wait_s(env.now, p.price)) > 0:
            if isinf(wait):
                return
            hall.held_back += 1
            yield env.timeout(wait)
        yield env.timeout(one_way)
        while limit is not None and (wait := limit.retry_after_s(env.now)) > 0:
            hall.refused += 1
            yield env.timeout(2 * one_way + wait)
        yield env.timeout(hall.station.delay_s(env.now, hall.work()) + one_way)
        hall.books.move(PAYERS, MERCHANTS, p.price)
        if runaway:
            hall.spent_by_runaways += p.price
        else:
            hall.latency.add(env.now, env.now - begun)
            yield env.timeout(pause())


def replicate(p: Limits, streams: Streams) -> list[Row]:
    """The same agents under every limit."""
    return [_row(p, limit, count, streams) for limit in LIMITS for count in p.runaways]


def _row(p: Limits, limit: str, count: int, streams: Streams) -> Row:
    from simpy import Environment

    env = Environment()
    work = streams.exponential("work", p.work_ms / _MS)
    hall = _Hall(env, p, Station(p.workers), work)
    for number in range(p.agents):
        # A stream for each agent: who pauses when does not depend on what others do.
        pause = streams.exponential(f"pause {number}", p.think_s)
        budget = Budget(p.budget, p.period_s) if limit in {"budget", "both"} else None
        rate = RateLimit(p.rate_per_s, p.burst) if limit in {"rate", "both"} else None
        env.process(_agent(hall, pause, number < count, budget, rate))
    env.run(until=p.horizon_s)
    hall.books.check()
    return {
        "limit": limit,
        "runaways": count,
        "latency_mean_ms": hall.latency.mean * _MS,
        "latency_p99_ms": hall.latency.quantile(0.99) * _MS,
        "others_per_s": hall.latency.count / p.horizon_s,
        "runaway_spend": hall.spent_by_runaways / count if count else 0.0,
        "refused_per_s": hall.refused / p.horizon_s,
        "held_back_per_s": hall.held_back / p.horizon_s,
        "utilisation": hall.station.utilisation(p.horizon_s),
    }


def findings(result: Result) -> list[str]:
    """What each limit does where most agents have run away."""
    p = result.parameters
    most = p.runaways[-1]
    said = []
    for limit in LIMITS:
        late = result.interval("latency_p99_ms", limit, most)
        mean = result.interval("latency_mean_ms", limit, most)
        spend = result.interval("runaway_spend", limit, most)
        load = result.interval("utilisation", limit, most)
        said.append(
            f"Limit {limit}, {most} runaways: the others wait {mean.mean:.0f} ms on average, p99 "
            f"{late.mean:.0f} ms; a runaway spends ${spend.mean / _USD:.2f} in "
            f"{p.horizon_s:g} s; the server is busy {min(load.mean, 1):.0%} of the time."
        )
    pair = (("none", most), ("rate", most))
    saved = result.difference("latency_mean_ms", *pair)
    return [
        *said,
        f"The rate limit changes the others' mean by {saved.mean:+.0f} ms "
        f"({saved.low:+.0f} to {saved.high:+.0f}).",
    ]


def figures(result: Result) -> dict[str, Drawn]:
    """What the others wait, and what a runaway spends, over their number."""
    from scenarios.figures.lines import Line, lines

    runaways = result.parameters.runaways
    some = [one for one in runaways if one] or [0]

    def over(metric: str, at: tuple[int, ...] | list[int]) -> list[Line]:
        return [
            Line(limit, at, [result.interval(metric, limit, one) for one in at]) for limit in LIMITS
        ]

    return {
        "latency": lines("What runaways cost the others", "agents that have run away",
                         "mean ms from request to answer",
                         over("latency_mean_ms", runaways), log_x=False, log_y=False),
        "spend": lines("What a runaway spends", "agents that have run away",
                       f"$ in {result.parameters.horizon_s:g} s", over("runaway_spend", some),
                       log_x=False, log_y=False, scale=1 / _USD),
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="limits",
    question="What do budgets and rate limits save when agents run away, and whom?",
    assumptions=(
        "An agent that has run away asks again at once; the others pause in between.",
        "Every request is paid by a voucher of an open session; the chain plays no part.",
        "A refused agent comes again when it was told to; a 429 costs the server nothing.",
        "A budget is the agent's own and knows every price before it is paid.",
    ),
    trust="Who is held back, and by how much, follows from the limits. How many agents run away "
    "and how is an assumption, and a server that is busier or slower moves every latency.",
    parameters=Limits,
    replicate=replicate,
    keys=("limit", "runaways"),
    watched="latency_mean_ms",
    findings=findings,
    figures=figures,
)
