"""Break-even by rail: which way of paying is cheapest for which visit (facts: protocol 6, E4).

The fees are exact sums of the rails' tables; what varies is the length of the visits and the
chain's base fee, which is drawn between its floor and its cap on a logarithmic scale.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mock_rails.core.errors import BadInput, nearest
from mock_rails.tempo.execution.fees import MAX_BASE_FEE, MIN_BASE_FEE
from scenarios.experiment import Result, Row, Study
from scenarios.facts import cards, tempo
from scenarios.model.costs import AGAIN, WAYS
from scenarios.parameters import Counts, Parameters, known

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_USD: Final = 1_000_000
_NEARLY_ALL: Final = 0.99


class BreakEven(Parameters):
    """Which visits, and what the chain may cost."""

    requests: Counts = known((1, 3, 10, 30, 100, 300, 1_000), "mean requests in a visit", "chosen")
    prices: Counts = known(
        (100, 1_000, 20_000, 100_000, 500_000, 2_000_000),
        "prices of a request, base units",
        "session endpoints to $2; the registry's median is 20,000",
    )
    ways: tuple[str, ...] = known(
        tuple(way for way in WAYS if way != AGAIN),
        f"ways of paying; `{AGAIN}` is for payers who had a channel closed before",
        "the MPP methods",
    )
    shown_price: int = known(
        500_000, "price whose lines are drawn", "the least a card can pay", gt=0
    )
    base_fee_low: int = known(MIN_BASE_FEE, "lowest base fee, atto a gas", tempo.SOURCE, gt=0)
    base_fee_high: int = known(MAX_BASE_FEE, "highest base fee, atto a gas", tempo.SOURCE, gt=0)
    visits: int = known(200, "visits in a replication", "chosen", gt=0)


def replicate(p: BreakEven, streams: Streams) -> list[Row]:
    """Every way pays for the same visits at the same base fees."""
    rows: list[Row] = []
    low, high = log(p.base_fee_low), log(p.base_fee_high)
    prices = sorted({*p.prices, p.shown_price})
    drawn = streams.generator("base fee").uniform(min(low, high), max(low, high), p.visits)
    base_fees = np.exp(drawn).astype(int).tolist()
    for mean in p.requests:
        lengths = streams.generator("visits").geometric(1 / mean, p.visits).tolist()
        for price in prices:
            for way in p.ways:
                cost = _cost(way)
                if cost(mean, price, base_fees[0]) is None:
                    continue
                # By the mean visit and not by those that were drawn, so that every replication has
                # the same rows; a visit too short for a card is left out, and its share is told.
                carried = [
                    (n, found)
                    for n, fee in zip(lengths, base_fees, strict=True)
                    if (found := cost(n, price, fee)) is not None
                ]
                served = sum(n for n, _ in carried)
                per_request = sum(found for _, found in carried) / max(served, 1)
                rows.append(
                    {
                        "way": way,
                        "requests": mean,
                        "price": price,
                        "fee_per_request": per_request,
                        "fee_share": per_request / price,
                        "carried_share": served / sum(lengths),
                    }
                )
    return rows


def cheapest(result: Result, mean: int, price: int) -> str:
    """The way with the least mean fee, of those that carry nearly all of the requests."""
    ways = [
        way
        for way, n, p in result.configurations
        if (n, p) == (mean, price)
        and result.interval("carried_share", way, n, p).mean >= _NEARLY_ALL
    ]
    fees = {way: result.interval("fee_per_request", way, mean, price).mean for way in ways}
    return min(fees, key=lambda way: fees[way]) if fees else "none"


def _cost(way: str) -> Callable[[int, int, int], int | None]:
    if way not in WAYS:
        raise BadInput(f"There is no way of paying {way!r}.", hint=nearest(way, WAYS))
    return WAYS[way]


def pays_back(opening: int = tempo.OPEN) -> int:
    """From how many requests on a Tempo session costs less gas than charges."""
    return -(-(opening + tempo.CLOSE) // tempo.CHARGE)


def findings(result: Result) -> list[str]:
    """Where the ways cross, and what a card can do."""
    p = result.parameters
    said = [
        f"On Tempo a session costs less gas than charges from {pays_back()} requests on, whatever "
        f"the base fee; from {pays_back(tempo.OPEN_AGAIN)} on where the payer had a channel closed "
        "before, whose slot is used again.",
        f"A card carries no charge below ${cards.LEAST / _USD:.2f}: of the registry's prices "
        f"that leaves about one in twenty.",
    ]
    for price in p.prices:
        ways = {mean: cheapest(result, mean, price) for mean in p.requests}
        turns = [
            f"{way} from {mean}"
            for before, (mean, way) in zip([None, *ways.values()], ways.items(), strict=False)
            if way != before
        ]
        said.append(f"At ${price / _USD:g} a request, cheapest is {', '.join(turns)}.")
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """Costs over the length of a visit at one price, and the map of the cheapest way."""
    from scenarios.figures.heat import cheapest_map
    from scenarios.figures.lines import Line, lines

    p = result.parameters
    price = p.shown_price
    drawn = []
    for way in p.ways:
        at = [n for w, n, one in result.configurations if (w, one) == (way, price)]
        if at:
            values = [result.interval("fee_per_request", way, n, price) for n in at]
            drawn.append(Line(way, at, values))
    return {
        "costs": lines(
            f"Fees at ${price / _USD:g} a request",
            "mean requests in a visit",
            "fee per request, base units ($0.000001)",
            drawn,
            marks=[(pays_back(), f"Tempo: {pays_back()} requests")],
        ),
        "cheapest": cheapest_map(
            "The cheapest way to pay",
            ("mean requests in a visit", p.requests),
            ("price of a request, $", [one / _USD for one in p.prices]),
            [[cheapest(result, mean, price) for mean in p.requests] for price in p.prices],
        ),
    }


STUDY: Final[Any] = Study(
    name="break_even",
    question="From how many requests does a session pay, and which rail is cheapest at which "
    "price?",
    assumptions=(
        "Only fees count; they are added up over payer and payee.",
        "The chain's base fee is anywhere between its floor and its cap, all scales alike.",
        "Lightning payments go over three channels of LND's default policy; a session's deposit "
        "is twice what is spent, and half of it comes back.",
        "A card payment costs a token and the seller's fee; `card once` pays a visit in one, and "
        "leaves out the visits that are below the least that a card can pay.",
    ),
    trust="Exact sums of the rails' own tables. The token's price has one source; Stripe's prices "
    "are a transcription; routing fees vary between networks more than between payments.",
    parameters=BreakEven,
    replicate=replicate,
    keys=("way", "requests", "price"),
    watched="fee_per_request",
    findings=findings,
    figures=figures,
)
