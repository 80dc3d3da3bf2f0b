"""What checking vouchers costs a server, by its cryptography (facts: protocol 6, E2, E16).

A check is processor time of one core. How long a request waits for it is a queue: the M/G/1 of the
model's own station, at the load that the vouchers make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput, nearest
from scenarios.digits import digits, ranged
from scenarios.experiment import Result, Row, Study
from scenarios.facts import vouchers
from scenarios.model.station import Station
from scenarios.model.tally import Tally
from scenarios.parameters import Parameters, Sizes, known

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_MICROS: Final = 1e6
_BUSIEST: Final = 0.9
"""Nobody runs a core at a load above this; such configurations are left out."""


class VoucherCheck(Parameters):
    """Which stacks, under how many vouchers."""

    stacks: tuple[str, ...] = known(
        tuple(vouchers.STACKS), "what checks a payment", vouchers.SOURCE
    )
    per_s: Sizes = known(
        (10.0, 100.0, 1_000.0, 10_000.0), "vouchers a second for one core", "chosen"
    )
    vouchers: int = known(5_000, "vouchers in a replication", "chosen", gt=0)


def replicate(p: VoucherCheck, streams: Streams) -> list[Row]:
    """The same arrivals at every stack, as long as its core can follow."""
    rows = [
        _row(p, name, per_s, streams)
        for name in p.stacks
        for per_s in p.per_s
        if per_s * _stack(name).timing.mean_s <= _BUSIEST
    ]
    if not rows:
        raise BadInput("No core of any stack can follow that load.", hint="Lower per_s.")
    return rows


def _stack(name: str) -> vouchers.Stack:
    if name not in vouchers.STACKS:
        raise BadInput(f"There is no stack {name!r}.", hint=nearest(name, vouchers.STACKS))
    return vouchers.STACKS[name]


def _row(p: VoucherCheck, name: str, per_s: float, streams: Streams) -> Row:
    core, took = Station(1), Tally()
    gap = streams.exponential("arrivals", 1 / per_s)
    check = streams.draw("check", _stack(name).timing.sampler())
    now = 0.0
    for _ in range(p.vouchers):
        now += gap()
        took.add(now, core.delay_s(now, check()))
    return {
        "stack": name,
        "per_s": per_s,
        "check_us": core.busy_s / core.jobs * _MICROS,
        "took_us": took.mean * _MICROS,
        "took_p99_us": took.quantile(0.99) * _MICROS,
        "load": per_s * core.busy_s / core.jobs,
        "capacity_per_s": core.jobs / core.busy_s,
    }


def findings(result: Result) -> list[str]:
    """Each stack's rate, and how it answers at the highest load that it can follow."""
    said = []
    for name in result.parameters.stacks:
        rates = [per_s for stack, per_s in result.configurations if stack == name]
        if not rates:
            said.append(f"{name}: no core of it can follow any of these loads.")
            continue
        check = result.interval("check_us", name, rates[0])
        capacity = result.interval("capacity_per_s", name, rates[0])
        late = result.interval("took_p99_us", name, rates[-1])
        said.append(
            f"{name}: a check takes {ranged(check)} us, "
            f"a core does {capacity.mean:,.0f} a second; at {rates[-1]:,.0f} a second the p99 with "
            f"the wait is {digits(late.mean)} us."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """The time of a check with its wait, over the load."""
    from scenarios.figures.lines import Line, lines

    shown = []
    for name in result.parameters.stacks:
        at = [per_s for stack, per_s in result.configurations if stack == name]
        if at:
            values = [result.interval("took_us", name, one) for one in at]
            shown.append(Line(name, at, values))
    return {
        "checks": lines(
            "What a voucher's check takes", "vouchers a second for one core",
            "mean us, wait and check", shown,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="voucher_check",
    question="How long does a voucher's check take on each stack, and how many can a core do?",
    assumptions=(
        "Only the check itself: HTTP, parsing and storage come on top, the same for all.",
        "Vouchers arrive as a Poisson process; one core checks them one after the other.",
        "Medians were measured, the tail of twice the median at the 99th percentile is assumed.",
    ),
    trust="The ratios were measured side by side on one machine; the microseconds are that "
    "machine's, about 30 % either way.",
    parameters=VoucherCheck,
    replicate=replicate,
    keys=("stack", "per_s"),
    watched="check_us",
    findings=findings,
    figures=figures,
)
