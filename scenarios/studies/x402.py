"""x402 by request, x402 by its batch forms, and MPP, for the same visits (facts: protocol 6, E7).

That x402 is one transaction a request was true of `exact`, its first scheme. `upto` authorises a
maximum and settles what was used; `batch-settlement` takes vouchers against a deposit and claims
those of many payers together. All ways use the same chain with the same gas here, so that what
differs is the protocol and not the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.facts import tempo
from scenarios.model.books import VALIDATORS
from scenarios.model.metered import BATCH, SESSION, UPTO, Desk, metered_visit
from scenarios.model.payments import charge_visit
from scenarios.parameters import Counts, known
from scenarios.studies.charge_vs_session import (
    CHARGE,
    ChargeVsSession,
    drive,
    scene_of,
    warm_up_s,
)

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.model.payments import Steps
    from scenarios.streams import Streams

_MS: Final = 1_000
_BASE_GAS: Final = 21_000
EXACT: Final = "exact"
_METERED: Final = {UPTO: UPTO, BATCH: BATCH, "mpp session": SESSION}
WAYS: Final = (EXACT, UPTO, BATCH, "mpp charge", "mpp session")
_ASKS: Final = (EXACT, UPTO, BATCH)
"""Who asks a facilitator, a service of somebody else, where MPP asks a node."""


class X402(ChargeVsSession):
    """The load of charge-vs-session, and what x402 adds to it."""

    requests: Counts = known(
        (1, 3, 10, 30, 100), "mean requests in a visit, one configuration each", "chosen"
    )
    facilitator_ms: float = known(
        20.0, "round trip, server to facilitator; asked to verify and to settle", "chosen", ge=0
    )
    claim_s: float = known(60.0, "how long a batch gathers vouchers", "chosen", gt=0)
    claim_more_gas: int = known(
        tempo.SETTLE - _BASE_GAS,
        "gas of a further payer in a claim",
        "assumed: a settlement without a transaction's 21,000",
        ge=0,
    )
    broke: float = known(
        0.01, "share of `upto` payers that have nothing at the end", "assumed", ge=0, le=1
    )


def replicate(p: X402, streams: Streams) -> list[Row]:
    """The same visits in every way."""
    return [_row(p, way, mean, streams) for way in WAYS for mean in p.requests]


def _row(p: X402, way: str, mean: int, streams: Streams) -> Row:
    intent = SESSION if way in _METERED else CHARGE
    scene = scene_of(p, intent, streams, warm_up_s(p, mean))
    if way in _ASKS:
        node, asked_s = scene.node, 2 * p.facilitator_ms / _MS
        scene.node = lambda: node() + asked_s
    desk = Desk(scene, p.claim_s, p.claim_more_gas, p.broke, streams.uniform("fate"))

    def visit(size: int) -> Steps:
        if way in _METERED:
            return metered_visit(desk, _METERED[way], size)
        return charge_visit(scene, size)

    drive(p, scene, visit, mean, streams)
    revenue = scene.delivered * p.price
    return {
        "way": way,
        "requests": mean,
        "latency_mean_ms": scene.latency.mean * _MS,
        "latency_p50_ms": scene.latency.quantile(0.5) * _MS,
        "latency_p99_ms": scene.latency.quantile(0.99) * _MS,
        "fee_per_request": scene.books.balances[VALIDATORS] / scene.delivered,
        "transactions_per_request": scene.transactions / scene.delivered,
        "owed_s": desk.owed_area / revenue,
        "lost_share": desk.lost / revenue,
    }


def findings(result: Result) -> list[str]:
    """Each way in visits of the middle length, and what batching changes."""
    p = result.parameters
    mean = p.requests[len(p.requests) // 2]
    said = []
    for way in WAYS:
        fee = result.interval("fee_per_request", way, mean)
        sent = result.interval("transactions_per_request", way, mean)
        took = result.interval("latency_mean_ms", way, mean)
        owed = result.interval("owed_s", way, mean)
        lost = result.interval("lost_share", way, mean)
        said.append(
            f"{way}, visits of {mean}: {sent.mean:.2f} transactions and {fee.mean:.2f} base units "
            f"a request, {took.mean:.0f} ms on average; a request is owed for {owed.mean:.0f} s "
            f"and {lost.mean:.1%} is never paid."
        )
    for first in (EXACT, BATCH):
        pair = (("mpp session", p.requests[-1]), (first, p.requests[-1]))
        dearer = result.difference("fee_per_request", *pair)
        said.append(
            f"In visits of {p.requests[-1]}, x402 {first} costs {dearer.mean:+.2f} base units a "
            f"request against an MPP session ({dearer.low:+.2f} to {dearer.high:+.2f})."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """Fee and latency over the length of a visit."""
    from scenarios.figures.lines import Line, lines

    requests = result.parameters.requests

    def over(metric: str) -> list[Line]:
        return [
            Line(way, requests, [result.interval(metric, way, mean) for mean in requests],
                 dashed=way.startswith("mpp"))
            for way in WAYS
        ]  # fmt: skip

    across = "mean requests in a visit"
    return {
        "fee": lines("What the chain costs", across, "fee per request, base units ($0.000001)",
                     over("fee_per_request")),
        "latency": lines("How long a request takes", across, "mean ms from request to answer",
                         over("latency_mean_ms")),
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="x402",
    question="What do x402's forms cost against MPP's charge and session, in fees, time and risk?",
    assumptions=(
        "As in charge-vs-session; every way uses the same chain, and a transfer is the charge's.",
        "`exact` settles each request before its answer; its server asks a facilitator twice.",
        "`upto` is taken at its best: one authorisation meters a whole visit. No deposit stands "
        "behind it, so a payer may have nothing when it is used.",
        "A batch's deposit is opened as a channel is; one claim takes what is owed by all payers "
        "since the first voucher that waits.",
        "Deposits are exactly what the visit needs; nothing else fails.",
    ),
    trust="Transactions a request follow from the schemes, and fees from the chain's receipts. The "
    "gas of a further payer in a claim and the share of payers without money are assumptions; on "
    "the chains where x402 lives, gas has other prices.",
    parameters=X402,
    replicate=replicate,
    keys=("way", "requests"),
    watched="latency_mean_ms",
    findings=findings,
    figures=figures,
)
