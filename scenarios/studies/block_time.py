"""What the block time does to a charge and to a session (facts: protocol 6, E1 and E3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.parameters import Counts, Sizes, known
from scenarios.studies.charge_vs_session import CHARGE, INTENTS, SESSION, ChargeVsSession, play

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_MS: Final = 1_000


class BlockTime(ChargeVsSession):
    """The same comparison, over block times instead of visits."""

    block_times_ms: Sizes = known(
        (1.0, 100.0, 200.0, 500.0, 1_000.0), "block times", "E3: 1 to 1000; devnets in use"
    )
    requests: Counts = known((30,), "mean requests in a visit; the first counts", "chosen")


def replicate(p: BlockTime, streams: Streams) -> list[Row]:
    """All block times for the same visits."""
    rows: list[Row] = []
    for block_ms in p.block_times_ms:
        at = p.model_copy(update={"block_ms": block_ms})
        for intent in INTENTS:
            scene = play(at, intent, p.requests[0], streams)
            rows.append(
                {
                    "intent": intent,
                    "block_ms": block_ms,
                    "latency_mean_ms": scene.latency.mean * _MS,
                    "latency_p50_ms": scene.latency.quantile(0.5) * _MS,
                    "latency_p99_ms": scene.latency.quantile(0.99) * _MS,
                    "first_mean_ms": scene.first.mean * _MS,
                }
            )
    return rows


def findings(result: Result) -> list[str]:
    """Charge's median over the block time, and how little a session cares."""
    p = result.parameters
    said = []
    for block_ms in p.block_times_ms:
        charge = result.interval("latency_p50_ms", CHARGE, block_ms)
        late = result.interval("latency_p99_ms", CHARGE, block_ms)
        session = result.interval("latency_p50_ms", SESSION, block_ms)
        said.append(
            f"Blocks of {block_ms:g} ms: a charge's median is {charge.mean:.0f} ms, its p99 "
            f"{late.mean:.0f}; half a block and two round trips are "
            f"{block_ms / 2 + 2 * p.rtt_ms:.0f}. A session's median is {session.mean:.1f} ms."
        )
    return [
        *said,
        "Where the median is above that, agents keep step with the blocks: their answers come with "
        "a block, so that after a short pause they have most of the next one to wait for.",
    ]


def figures(result: Result) -> dict[str, Drawn]:
    """Latency over the block time."""
    from scenarios.figures.lines import Line, lines

    at = result.parameters.block_times_ms
    return {
        "latency": lines(
            "How long a request takes", "block time, ms", "ms from request to answer",
            [
                Line(f"{intent}, {name}", at, [result.interval(metric, intent, one) for one in at],
                     dashed=name == "p99", colour=INTENTS.index(intent))
                for intent in (CHARGE, SESSION)
                for name, metric in (("median", "latency_p50_ms"), ("p99", "latency_p99_ms"))
            ],
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="block_time",
    question="How does the block time show in the latency of a charge and of a session?",
    assumptions=(
        "As in charge-vs-session; a payment waits for the receipt of its block.",
        "A transaction takes the first block that is sealed after it arrived.",
    ),
    trust="The line follows from the cadence alone. Real blocks also travel and are voted on; take "
    "the block time as the time to the receipt that a client waits for.",
    parameters=BlockTime,
    replicate=replicate,
    keys=("intent", "block_ms"),
    watched="latency_mean_ms",
    findings=findings,
    figures=figures,
)
