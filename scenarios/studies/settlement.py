"""When to settle: what a merchant has at risk against the gas of settling (E12).

Vouchers that are accepted and not settled are the merchant's exposure: they are lost if its store
is lost. A schedule settles after so many requests, or after so long, or only when the channel ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mock_rails.core.errors import BadInput
from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.experiment import Result, Row, Study
from scenarios.facts import tempo
from scenarios.model.arrivals import require_requests
from scenarios.parameters import Parameters, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_END: Final = "end"
_LOOKS: Final = 200
_DRAWN: Final = 40
"""Of the looks, so many are drawn."""
_COSTS: Final = {
    "fees of settling": "settle_fee_per_request",
    "fee of closing": "close_fee_per_request",
    "expected loss": "loss_per_request",
}
"""The parts of a schedule's cost, and the figure that each is."""


class Settlement(Parameters):
    """Which schedules, for which traffic."""

    schedules: tuple[str, ...] = known(
        ("10r", "30r", "100r", "300r", "10s", "60s", "300s", _END),
        "settle every N requests (Nr), every N seconds (Ns), or only at the end",
        "chosen; the session draft's settlement by units and by interval",
    )
    channels: int = known(20, "open channels", "chosen", gt=0)
    requests_per_s: float = known(1.0, "requests a second on each channel", "chosen", gt=0)
    price: int = known(1_000, "price of a request, base units", "/search of the paid API", gt=0)
    base_fee: int = known(MIN_BASE_FEE, "base fee, atto a gas", tempo.SOURCE, gt=0)
    crashes_per_day: float = known(
        1.0, "how often the merchant's store is lost, a day", "assumed, and high", ge=0
    )
    horizon_s: float = known(1_800.0, "how long the channels live", "chosen", gt=0)


@dataclass(slots=True)
class Merchant:
    """The unsettled value of all channels, watched over time."""

    env: Environment
    owed: list[int]
    total: int = 0
    area: float = 0.0
    largest: int = 0
    since_s: float = 0.0
    settlements: int = 0
    served: int = 0
    fees: int = 0
    looks: list[int] = field(default_factory=list)
    """The unsettled value at equal distances of time: what a loss at any time would cost."""

    def change(self, channel: int, amount: int) -> None:
        """A voucher was accepted, or all of a channel was settled."""
        now = self.env.now
        self.area += self.total * (now - self.since_s)
        self.since_s = now
        self.owed[channel] += amount
        self.total += amount
        self.largest = max(self.largest, self.total)

    def settle(self, channel: int, fee: int) -> None:
        """Take what a channel owes, if it owes anything."""
        if self.owed[channel]:
            self.change(channel, -self.owed[channel])
            self.settlements += 1
            self.fees += fee


def _paying(
    p: Settlement, merchant: Merchant, channel: int, gap: Draw, every: int | None
) -> Generator[Any, Any, None]:
    """The requests of one channel until its end; settled every so many, if asked for."""
    env, timeout, price = merchant.env, merchant.env.timeout, p.price
    fee, unsettled = fee_amount(tempo.SETTLE, p.base_fee), 0
    while True:
        yield timeout(gap())
        if env.now >= p.horizon_s:
            return
        merchant.change(channel, price)
        merchant.served += 1
        unsettled += 1
        if unsettled == every:
            merchant.settle(channel, fee)
            unsettled = 0


def _ticking(
    p: Settlement, merchant: Merchant, channel: int, every_s: float, start_s: float
) -> Generator[Any, Any, None]:
    """Settles one channel at an interval; channels were opened at different times."""
    fee = fee_amount(tempo.SETTLE, p.base_fee)
    yield merchant.env.timeout(start_s)
    while merchant.env.now < p.horizon_s:
        merchant.settle(channel, fee)
        yield merchant.env.timeout(every_s)


def _watching(p: Settlement, merchant: Merchant) -> Generator[Any, Any, None]:
    """Looks at the unsettled value: a store is lost at any time alike."""
    for number in range(_LOOKS):
        yield merchant.env.timeout((number + 0.5) * p.horizon_s / _LOOKS - merchant.env.now)
        merchant.looks.append(merchant.total)


def schedule_of(text: str) -> tuple[int | None, float | None]:
    """`100r`, `60s` or `end` as requests and seconds."""
    if text == _END:
        return None, None
    number, unit = text[:-1], text[-1:]
    if number.isdecimal() and int(number) > 0 and unit in {"r", "s"}:
        return (int(number), None) if unit == "r" else (None, float(number))
    raise BadInput(f"{text!r} is no schedule.", hint="Write 100r, 60s or end.")


def replicate(p: Settlement, streams: Streams) -> list[Row]:
    """Every schedule for the same requests."""
    return [_row(p, text, streams) for text in p.schedules]


def _row(p: Settlement, text: str, streams: Streams) -> Row:
    from simpy import Environment

    every, every_s = schedule_of(text)
    env = Environment()
    merchant = Merchant(env, [0] * p.channels)
    starts = streams.generator("starts").random(p.channels).tolist()
    for channel in range(p.channels):
        gap = streams.exponential(f"channel {channel}", 1 / p.requests_per_s)
        env.process(_paying(p, merchant, channel, gap, every))
        if every_s is not None:
            env.process(_ticking(p, merchant, channel, every_s, starts[channel] * every_s))
    env.process(_watching(p, merchant))
    env.run(until=p.horizon_s)
    require_requests(merchant.served)
    lost = np.quantile(merchant.looks, (0.5, 0.95))
    close = fee_amount(tempo.CLOSE, p.base_fee)
    merchant.change(0, 0)  # the last stretch of time counts as well
    owed = sum(merchant.owed)
    exposure = merchant.area / p.horizon_s
    fees = merchant.fees + close * p.channels
    lost_per_s = exposure * p.crashes_per_day / 86_400
    rate = p.channels * p.requests_per_s
    return {
        "schedule": text,
        "exposure_mean": exposure / p.channels,
        "exposure_largest": merchant.largest / p.channels,
        "lost_by_crash_p50": float(lost[0]) / p.channels,
        "lost_by_crash_p95": float(lost[1]) / p.channels,
        "owed_at_end": owed / p.channels,
        "settle_fee_per_request": merchant.fees / merchant.served,
        "close_fee_per_request": close * p.channels / merchant.served,
        "fee_per_request": fees / merchant.served,
        "settlements_per_request": merchant.settlements / merchant.served,
        "loss_per_request": lost_per_s / rate,
        "cost_per_request": fees / merchant.served + lost_per_s / rate,
        "exposure": [one / p.channels for one in merchant.looks],
    }


def findings(result: Result) -> list[str]:
    """The cheapest schedule, and what each leaves at risk."""
    schedules = result.parameters.schedules
    costs = {one: result.interval("cost_per_request", one) for one in schedules}
    best = min(costs, key=lambda one: costs[one].mean)
    said = [
        f"{one}: {result.interval('exposure_mean', one).mean:,.0f} base units at risk on a channel "
        f"on average, fee {result.interval('fee_per_request', one).mean:.2f} and expected loss "
        f"{result.interval('loss_per_request', one).mean:.2f} a request."
        for one in schedules
    ]
    return [*said, f"Cheapest with both counted is {best}."]


def figures(result: Result) -> dict[str, Drawn]:
    """Exposure against fee, exposure over time, and what each schedule costs in all."""
    from scenarios.figures.bars import Bar, bars
    from scenarios.figures.lines import Line, lines

    schedules = result.parameters.schedules
    kinds = {"by requests": "r", "by time": "s"}
    shown = []
    for name, unit in kinds.items():
        of_kind = [one for one in result.parameters.schedules if one.endswith(unit)]
        if of_kind:
            at = [result.interval("exposure_mean", one).mean for one in of_kind]
            fees = [result.interval("fee_per_request", one) for one in of_kind]
            shown.append(Line(name, at, fees))
    if not shown:
        end = result.interval("exposure_mean", _END).mean
        shown = [Line(_END, [end], [result.interval("fee_per_request", _END)])]
    return {
        "exposure": lines(
            "What settling more often buys", "mean unsettled value of a channel, base units",
            "fee per request, base units", shown,
        ),
        "over_time": _over_time(result),
        "costs": bars(
            "What a schedule costs in all", "per request, base units ($0.000001)",
            [
                Bar(one, [result.interval(metric, one).mean for metric in _COSTS.values()])
                for one in schedules
            ],
            parts=tuple(_COSTS),
        ),
    }  # fmt: skip


def _over_time(result: Result) -> Drawn:
    """The unsettled value of a channel while it lives, mean and interval over replications."""
    from scenarios.figures.lines import Line, lines

    p = result.parameters
    kept = slice(_LOOKS // _DRAWN // 2, None, _LOOKS // _DRAWN)
    at = [(number + 0.5) * p.horizon_s / _LOOKS for number in range(_LOOKS)][kept]
    shown = [
        Line(one, at, result.curve("exposure", one)[kept], dashed=one == _END)
        for one in p.schedules
    ]
    return lines(
        "What is at risk while a channel lives", "seconds since it was opened",
        "mean unsettled value of a channel, base units", shown, log_x=False,
    )  # fmt: skip


STUDY: Final[Any] = Study(
    name="settlement",
    question="How often should a merchant settle: how much is at risk, and what does it cost?",
    assumptions=(
        "Requests on a channel are a Poisson stream; all channels live for the same time.",
        "A lost store loses every voucher that was not settled; nothing else is ever lost.",
        "Losing it is independent of the traffic, so its expected loss is the mean exposure.",
        "The payee has settled before and holds the token; the base fee does not move.",
    ),
    trust="Exposure and gas are exact for this traffic. How often a store is lost is an assumption "
    "that scales the loss directly: read the exposure, and multiply by your own rate.",
    parameters=Settlement,
    replicate=replicate,
    keys=("schedule",),
    watched="exposure_mean",
    findings=findings,
    figures=figures,
)
