"""How latencies are distributed: shares answered in time, and the tail on an axis of nines.

The band is the interval over replications, place by place. A band by Dvoretzky, Kiefer and
Wolfowitz would be narrower and wrong: requests of one run wait for one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenarios.figures.lines import Line, lines
from scenarios.figures.style import COLOURS, new_figure, plain_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.figures.lines import Drawn
    from scenarios.statistics import Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """One distribution: what each share of the observations does not exceed."""

    name: str
    shares: Sequence[float]
    values: Sequence[Interval]
    dashed: bool = False
    colour: int | None = None
    """Which of the palette, where it is not its place among the curves."""
    firm: int | None = None
    """So many of its shares are firm, where not all are (`Line.firm`)."""
    band: bool = True
    """Whether its interval is shaded."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What its numbers say besides."""


def ecdf(title: str, across: str, shown: Sequence[Curve]) -> Drawn:
    """The share of the observations up to each value."""
    figure, axes = new_figure(title)
    for curve, colour in zip(shown, COLOURS, strict=False):
        percent = [share * 100 for share in curve.shares]
        axes.plot([one.mean for one in curve.values], percent, color=colour, label=curve.name)
        axes.fill_betweenx(percent, [one.low for one in curve.values],
                           [one.high for one in curve.values],
                           color=colour, alpha=0.2, linewidth=0)  # fmt: skip
    axes.set_xscale("log")
    plain_log(axes.xaxis)
    axes.set_xlabel(across)
    axes.set_ylabel("share of the requests, %")
    axes.set_ylim(0, 101)
    axes.legend(loc="lower right", frameon=False)
    return figure, _numbers(title, across, shown)


def nines(title: str, up: str, shown: Sequence[Curve]) -> Drawn:
    """The value over the share, on an axis where each nine takes as much room as the last."""
    figure, numbers = lines(
        title, "percentile", up,
        [
            Line(one.name, [_beyond(share) for share in one.shares], one.values, one.dashed,
                 one.colour, one.firm, one.band, one.about)
            for one in shown
        ],
    )  # fmt: skip
    told = sorted(share for one in shown for share in one.shares)
    named = [share for share in _NAMED if told and told[0] <= share <= told[-1]]
    axes = figure.axes[0]
    axes.set_xticks([_beyond(share) for share in named], [f"{share * 100:g}" for share in named])
    axes.set_xticks([], minor=True)
    return figure, numbers | _numbers(title, up, shown)


_NAMED = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


def _beyond(share: float) -> float:
    """1/(1-p): 10 where one in ten is slower."""
    return round(1 / (1 - share), 6)


def _numbers(title: str, measured: str, shown: Sequence[Curve]) -> dict[str, Any]:
    return {
        "title": title,
        "measured": measured,
        "curves": [
            {
                "name": one.name,
                "shares": list(one.shares),
                "values": [value.mean for value in one.values],
                "low": [value.low for value in one.values],
                "high": [value.high for value in one.values],
                **one.about,
            }
            for one in shown
        ],
    }
