"""Charge against session: latency, fee and throughput (facts: protocol 6, E1, E3, E4).

Both intents serve the same visits: the same arrivals and lengths are drawn for both, so that the
difference between them is the protocol's and not the dice's. The pauses are the same numbers too,
but each goes to whoever pauses next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.calibrate import DEFAULT, profile
from scenarios.experiment import Result, Row, Study
from scenarios.facts import tempo
from scenarios.model import payments
from scenarios.model.arrivals import poisson, read_trace, require_requests, trace, visit_sizes
from scenarios.model.books import MERCHANTS, VALIDATORS
from scenarios.model.chain import Chain
from scenarios.model.station import Station
from scenarios.model.tally import Tally
from scenarios.parameters import Counts, Parameters, known

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.model.arrivals import Visit
    from scenarios.streams import Streams

FREE: Final = "free"
CHARGE: Final = "charge"
SESSION: Final = "session"
INTENTS: Final = (CHARGE, SESSION, FREE)
_VISITS: Final = {
    FREE: payments.free_visit,
    CHARGE: payments.charge_visit,
    SESSION: payments.session_visit,
}
_CHECKS: Final = {FREE: "gate_free", CHARGE: "gate_charge", SESSION: "gate_voucher"}
_MS: Final = 1_000
SHARES: Final = (
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995,
    0.999,
)  # fmt: skip
"""The shares of the requests whose latency is kept: `latency_ms` of a row has one for each."""


class ChargeVsSession(Parameters):
    """What is compared, and under which load."""

    requests: Counts = known(
        (1, 3, 10, 30, 100), "mean requests in a visit, one configuration each", "chosen"
    )
    price: int = known(20_000, "price of a request, base units", "the registry's median", gt=0)
    requests_per_s: float = known(100.0, "offered load, requests a second", "chosen", gt=0)
    think_s: float = known(1.0, "mean pause of an agent between requests", "chosen", ge=0)
    rtt_ms: float = known(20.0, "network round trip, agent to server", "chosen; E1: 0-50", ge=0)
    block_ms: float = known(500.0, "block time", "the docs' finality, E3", gt=0)
    challenged: bool = known(
        True, "whether each charge asks for its 402 first, or is paid ahead", "the protocol; E13"
    )
    returning: bool = known(
        False,
        "whether payers had a channel closed before, whose slot makes the next one cheap to open",
        "storage credits, fork T7; facts: tempo 4.5",
    )
    workers: int = known(2, "processes of the server", "chosen", gt=0)
    visits: int = known(400, "mean visits in a replication after warm-up", "chosen", gt=0)
    trace: str = known(
        "", "CSV file of arrivals, `seconds,requests`; in place of drawn ones", "your own log"
    )
    timing: str = known(DEFAULT, "profile of service times: a name or a file", "facts/profiles")


def scene_of(p: ChargeVsSession, intent: str, streams: Streams, since_s: float) -> payments.Scene:
    """A server, a chain and a network, with the random streams of one replication."""
    from simpy import Environment

    timing = profile(p.timing)
    return payments.Scene(
        env=Environment(),
        chain=Chain(p.block_ms / _MS),
        gate=Station(p.workers),
        one_way_s=p.rtt_ms / _MS / 2,
        challenge=streams.draw("challenge", timing["gate_challenge"].sampler()),
        check=streams.draw("check", timing[_CHECKS[intent]].sampler()),
        node=streams.draw("node", timing["node_rpc"].sampler()),
        think=streams.exponential("think", p.think_s),
        price=p.price,
        latency=Tally(since_s),
        first=Tally(since_s),
        challenged=p.challenged,
        opening_gas=tempo.OPEN_AGAIN if p.returning else tempo.OPEN,
    )


def play(p: ChargeVsSession, intent: str, mean: int, streams: Streams) -> payments.Scene:
    """One run of one configuration: warm-up, then visits, until the last one has gone."""
    scene = scene_of(p, intent, streams, warm_up_s(p, mean))
    visit = _VISITS[intent]
    drive(p, scene, lambda size: visit(scene, size), mean, streams)
    return scene


def drive(
    p: ChargeVsSession, scene: payments.Scene, visit: Visit, mean: int, streams: Streams
) -> None:
    """Let visits come, by chance or as a trace has them, and run until the last one has gone."""
    sizes = visit_sizes(streams, mean)
    if p.trace:
        scene.env.process(trace(scene.env, visit, read_trace(p.trace, sizes)))
    else:
        until_s = warm_up_s(p, mean) + _horizon_s(p, mean)
        gap = streams.exponential("arrivals", mean / p.requests_per_s)
        scene.env.process(poisson(scene.env, visit, gap, sizes, until_s))
    scene.env.run()
    scene.books.check()
    require_requests(scene.latency.count)


def warm_up_s(p: ChargeVsSession, mean: int) -> float:
    """How long requests are not counted; a trace has no warm-up."""
    if p.trace:
        return 0.0
    return min(_horizon_s(p, mean) / 10, 2 * mean * (p.think_s + p.block_ms / _MS))


def _horizon_s(p: ChargeVsSession, mean: int) -> float:
    return p.visits * mean / p.requests_per_s


def replicate(p: ChargeVsSession, streams: Streams) -> list[Row]:
    """All configurations once."""
    rows: list[Row] = []
    for mean in p.requests:
        for intent in INTENTS:
            scene = play(p, intent, mean, streams)
            fees = scene.books.balances[VALIDATORS]
            latency = scene.latency
            rows.append(
                {
                    "intent": intent,
                    "requests": mean,
                    "latency_mean_ms": latency.mean * _MS,
                    "latency_p50_ms": latency.quantile(0.5) * _MS,
                    "latency_p95_ms": latency.quantile(0.95) * _MS,
                    "latency_p99_ms": latency.quantile(0.99) * _MS,
                    "latency_ms": [latency.quantile(share) * _MS for share in SHARES],
                    "first_mean_ms": scene.first.mean * _MS,
                    "fee_per_request": fees / scene.delivered,
                    "fee_share": fees / (scene.delivered * p.price),
                    "transactions_per_request": scene.transactions / scene.delivered,
                    "capacity_per_s": p.workers * scene.delivered / scene.gate.busy_s,
                    "utilisation": scene.gate.utilisation(scene.env.now),
                    "merchant_net_per_request": scene.books.balances[MERCHANTS] / scene.delivered,
                }
            )
    return rows


def findings(result: Result) -> list[str]:
    """The answer, with its numbers."""
    p = result.parameters
    said = []
    for mean in p.requests:
        slower = result.difference("latency_mean_ms", (SESSION, mean), (CHARGE, mean))
        dearer = result.difference("fee_per_request", (SESSION, mean), (CHARGE, mean))
        said.append(
            f"{mean} requests a visit: by charge, a request takes {slower.mean:.0f} ms longer "
            f"({slower.low:.0f} to {slower.high:.0f}) and its fee differs by {dearer.mean:+.2f} "
            f"base units ({dearer.low:+.2f} to {dearer.high:+.2f})."
        )
    most = p.requests[-1]
    rates = [result.interval("capacity_per_s", intent, most).mean for intent in INTENTS]
    said.append(
        f"The server's {p.workers} processes are busy all the time at {rates[0]:,.0f} charges/s, "
        f"{rates[1]:,.0f} requests/s in sessions of {most}, {rates[2]:,.0f} free requests/s."
    )
    added = result.difference("latency_p50_ms", (FREE, most), (SESSION, most))
    said.append(
        f"In visits of {most}, a session's median request takes {added.mean:.1f} ms longer than a "
        f"free one (E1 claims under 100 ms)."
    )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """Latency and fee over the length of a visit, and how latencies are distributed."""
    from scenarios.figures.curves import Curve, ecdf, nines
    from scenarios.figures.lines import Line, lines

    requests = result.parameters.requests

    def over(metric: str, intents: tuple[str, ...]) -> list[Line]:
        return [
            Line(one, requests, [result.interval(metric, one, mean) for mean in requests])
            for one in intents
        ]

    most = requests[-1]
    curves = [Curve(one, SHARES, result.curve("latency_ms", one, most)) for one in INTENTS]
    tail = [Curve(one.name, SHARES[6:], one.values[6:]) for one in curves]
    across = "mean requests in a visit"
    return {
        "latency": lines(
            "How long a request takes", across, "mean ms from request to answer",
            over("latency_mean_ms", INTENTS),
        ),
        "fee": lines(
            "What the chain costs", across, "fee per request, base units ($0.000001)",
            over("fee_per_request", (CHARGE, SESSION)),
        ),
        "ecdf": ecdf(
            f"How soon requests are answered, in visits of {most}", "ms from request to answer",
            curves,
        ),
        "tail": nines(
            f"The slowest requests, in visits of {most}", "ms from request to answer", tail
        ),
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="charge_vs_session",
    question="At which length of a visit does a session beat a charge per request: in latency, "
    "in fees, in throughput?",
    assumptions=(
        "Visits arrive as a Poisson process; their length is geometric; inside, steps wait.",
        "The server's processes share one queue; the chain is quiet, its base fee at the floor.",
        "Every charge is challenged first, unless told otherwise; a session is challenged once, "
        "then pays ahead.",
        "A session's deposit is exactly what it needs, and the merchant closes it at its end.",
        "Payer and payee have sent before and hold the token, and pay fees in it; nothing fails.",
        "No payer had a channel closed before, unless told otherwise (`returning`).",
    ),
    trust="Fees are the chain's own receipts. Latency stands on service times measured on one "
    "machine over loopback, and on network and block times that are parameters: trust the "
    "differences and the crossing, not the milliseconds.",
    parameters=ChargeVsSession,
    replicate=replicate,
    keys=("intent", "requests"),
    watched="latency_mean_ms",
    findings=findings,
    figures=figures,
)
