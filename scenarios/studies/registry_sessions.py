"""Which of the registry's services should offer sessions (facts: protocol 6, E5, E6, E8).

The registry is the same 141 services in every replication (`facts/registry.py`). Which of them are
popular is not published: each replication deals Zipf's shares of the traffic to them anew, and the
clients of a service come for visits whose length follows its popularity. A service should offer
sessions where its clients' fees would be less by session than by charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.experiment import Result, Row, Study
from scenarios.facts import registry, tempo
from scenarios.parameters import Counts, Parameters, SizesOrNone, known

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_USD: Final = 1_000_000
_TYPICAL: Final = (10_000, 100_000)
"""What a charge is said to be, in base units: a cent to ten (E5)."""


class RegistrySessions(Parameters):
    """How the registry is used."""

    requests: Counts = known(
        (1, 3, 10, 30, 100), "mean requests of a client's visit, over all services", "chosen"
    )
    exponents: SizesOrNone = known(
        (0.5, 1.0, 1.5), "exponents of Zipf's law: how uneven the traffic is", "assumed; E8"
    )
    base_fee: int = known(MIN_BASE_FEE, "base fee, atto a gas", tempo.SOURCE, gt=0)
    visits: int = known(50, "visits of each service in a replication", "chosen", gt=0)


def replicate(p: RegistrySessions, streams: Streams) -> list[Row]:
    """The registry with one dealing of popularity, used in every way."""
    charge = fee_amount(tempo.CHARGE, p.base_fee)
    session = fee_amount(tempo.OPEN, p.base_fee) + fee_amount(tempo.CLOSE, p.base_fee)
    listed = registry.services()
    prices = np.array([one.price for one in listed])
    on_tempo = np.array([one.tempo for one in listed])
    typical = (prices >= _TYPICAL[0]) & (prices <= _TYPICAL[1])
    dealt = streams.generator("popularity").permutation(len(listed))
    rows: list[Row] = []
    for exponent in p.exponents:
        traffic = registry.popularity(len(listed), exponent)[dealt]
        for mean in p.requests:
            # Popular services have longer visits, as many visits as the others: the extreme in
            # which sessions help most; with equal visits all services would answer alike.
            means = np.maximum(1.0, mean * traffic * len(listed))
            generator = streams.generator("visits")
            lengths = generator.geometric(1 / means, (p.visits, len(listed))).sum(axis=0)
            by_charge = charge * lengths
            better = on_tempo & (session * p.visits < by_charge)
            best = np.where(better, session * p.visits, by_charge)
            spent = (prices * lengths).sum()
            rows.append(
                {
                    "exponent": exponent,
                    "requests": mean,
                    "session_share": float(better.mean()),
                    "traffic_share": float(lengths[better].sum() / lengths.sum()),
                    "saved_share": float(1 - best.sum() / by_charge.sum()),
                    "fee_share_charge": float(by_charge.sum() / spent),
                    "fee_share_best": float(best.sum() / spent),
                    "dear_share": float((charge > prices / 10).mean()),
                    "typical_share": float(typical.mean()),
                    "typical_traffic": float(lengths[typical].sum() / lengths.sum()),
                    "mean_payment": float(spent / lengths.sum()),
                }
            )
    return rows


def findings(result: Result) -> list[str]:
    """How many services, and how much of the traffic."""
    p = result.parameters
    dear = result.interval("dear_share", p.exponents[0], p.requests[0])
    said = [
        f"Under charge at this base fee, the chain's fee is above 10 % of the price at "
        f"{dear.mean:.1%} of the services."
    ]
    for exponent in p.exponents:
        for mean in p.requests:
            share = result.interval("session_share", exponent, mean)
            traffic = result.interval("traffic_share", exponent, mean)
            saved = result.interval("saved_share", exponent, mean)
            said.append(
                f"Zipf {exponent:g}, visits of {mean}: sessions are cheaper at {share.mean:.0%} of "
                f"the services, with {traffic.mean:.0%} of the requests, and would save "
                f"{saved.mean:.0%} of all fees."
            )
    for exponent in p.exponents:
        paid = result.interval("mean_payment", exponent, p.requests[-1])
        said.append(
            f"Zipf {exponent:g}: the mean payment is ${paid.mean / _USD:.3f} "
            f"({paid.low / _USD:.3f} to {paid.high / _USD:.3f}); observed is "
            f"${registry.MEAN_PAYMENT / _USD:.3f} (E8)."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """The share of the services over the visits' length."""
    from scenarios.figures.lines import Line, lines

    p = result.parameters
    return {
        "services": lines(
            "Where sessions are cheaper", "mean requests of a visit", "services, %",
            [Line(f"Zipf {one:g}", p.requests,
                  [result.interval("session_share", one, mean) for mean in p.requests])
             for one in p.exponents],
            log_y=False, scale=100,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="registry_sessions",
    question="Which of the registry's services should offer sessions?",
    assumptions=(
        "Prices follow the registry's percentiles; popularity is Zipf's law, dealt without regard "
        "to the price.",
        "A service that takes no payments on Tempo cannot offer a session there.",
        "A popular service has longer visits, not more of them; each visit has one channel.",
        "Only the chain's fees count, at one base fee; latency would favour sessions further.",
        "No payer had a channel closed before, whose slot would make the next one cheap to open.",
    ),
    trust="Prices are the registry's. How its services are used is not published: read the curve "
    "at the visit length that you know, not a single number.",
    parameters=RegistrySessions,
    replicate=replicate,
    keys=("exponent", "requests"),
    watched="session_share",
    findings=findings,
    figures=figures,
)
