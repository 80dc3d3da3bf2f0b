"""A million agents for a day: what the chain's base fee does, by charge and by session (E18).

A crowd of that size is drawn block by block; a small fleet is played both ways in every
replication, and the difference is reported as the error of aggregating.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scenarios.experiment import Result, Row, Study
from scenarios.model.fleet import Fleet, by_blocks, by_events
from scenarios.parameters import Counts, Parameters, known

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_DAY_S: Final = 86_400
_HOURS: Final = 24
_MS: Final = 1_000
_INTENTS: Final = ("charge", "session")
_SMALL_S: Final = 1_200.0
_SMALL_VISITS_PER_S: Final = 1.0


class FleetDay(Parameters):
    """How large the fleet is, and what it does."""

    agents: Counts = known(
        (1_000, 10_000, 100_000, 1_000_000), "agents, one configuration each", "chosen"
    )
    visits_per_day: float = known(10.0, "visits of an agent in a day", "assumed", gt=0)
    returning: float = known(
        0.9,
        "share of the visits whose agent had a channel closed before: its slot is used again",
        "assumed: nine of an agent's ten visits; facts: tempo 4.5",
        ge=0,
        le=1,
    )
    requests: int = known(30, "mean requests in a visit", "chosen", gt=0)
    think_s: float = known(2.0, "mean time between requests", "chosen", gt=0)
    swing: float = known(
        0.5, "how far the busiest hour is above the mean, as a share of it", "assumed", ge=0, le=1
    )
    block_ms: float = known(500.0, "block time", "the docs' finality, E3", gt=0)


def _fleet(p: FleetDay, agents: int) -> Fleet:
    hours = np.arange(_HOURS)
    shape = 1 + p.swing * np.sin((hours - 6) / _HOURS * 2 * np.pi)
    rates = agents * p.visits_per_day / _DAY_S * shape
    stretch_s = _DAY_S / _HOURS
    return Fleet(rates, stretch_s, p.requests, p.think_s, p.block_ms / _MS, p.returning)


def replicate(p: FleetDay, streams: Streams) -> list[Row]:
    """All sizes, and the small fleet both ways."""
    rows: list[Row] = []
    for intent in _INTENTS:
        error = _error(p, intent, streams)
        for agents in p.agents:
            day = by_blocks(_fleet(p, agents), intent, streams)
            rows.append(
                {
                    "intent": intent,
                    "agents": agents,
                    "fee_per_request": day.fees / max(day.requests, 1),
                    "fees_per_day": day.fees,
                    "transactions_per_s": day.transactions / _DAY_S,
                    "base_fee_mean": float(day.base_fees.mean()),
                    "at_cap_share": float((day.base_fees >= 12_000_000_000).mean()),
                    "aggregation_error": error,
                }
            )
    return rows


def _error(p: FleetDay, intent: str, streams: Streams) -> float:
    """By how much a small fleet's fees change when it is aggregated."""
    rates = np.full(1, _SMALL_VISITS_PER_S)
    small = Fleet(rates, _SMALL_S, p.requests, p.think_s, p.block_ms / _MS, p.returning)
    exact = by_events(small, intent, streams)
    coarse = by_blocks(small, intent, streams)
    return coarse.fees / max(exact.fees, 1) - 1


def findings(result: Result) -> list[str]:
    """Fees of the day for each size."""
    said = []
    for agents in result.parameters.agents:
        parts = []
        for intent in _INTENTS:
            fee = result.interval("fee_per_request", intent, agents)
            cap = result.interval("at_cap_share", intent, agents)
            load = result.interval("transactions_per_s", intent, agents)
            parts.append(
                f"by {intent} {load.mean:,.1f} transactions/s, {fee.mean:.1f} base units a "
                f"request, base fee at its cap {cap.mean:.0%} of the day"
            )
        said.append(f"{agents:,} agents: {'; '.join(parts)}.")
    for intent in _INTENTS:
        error = result.interval("aggregation_error", intent, result.parameters.agents[0])
        said.append(
            f"Aggregating a small fleet by {intent} changes its fees by {error.mean:+.1%} "
            f"({error.low:+.1%} to {error.high:+.1%})."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """The fee of a request over the size of the fleet."""
    from scenarios.figures.lines import Line, lines

    agents = result.parameters.agents
    return {
        "fee": lines(
            "What a request costs in a crowd", "agents", "fee per request, base units",
            [Line(one, agents, [result.interval("fee_per_request", one, n) for n in agents])
             for one in _INTENTS],
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="fleet",
    question="What do a million agents pay in a day, and what do they do to the base fee?",
    assumptions=(
        "Agents are independent; nobody else uses the chain; nobody waits for a lower fee.",
        "The day is a sine with one busiest hour; visits are geometric in length.",
        "The transactions of a block are drawn together; a block has room for all of them.",
    ),
    trust="The base fee's path is the rail's own function, and the error of aggregating is "
    "reported beside the result. How agents spread over the day is an assumption.",
    parameters=FleetDay,
    replicate=replicate,
    keys=("intent", "agents"),
    watched="fee_per_request",
    findings=findings,
    figures=figures,
)
