"""How latencies are distributed: shares answered in time, and the tail on an axis of nines.

The band is the interval over replications, place by place. A band by Dvoretzky, Kiefer and
Wolfowitz would be narrower and wrong: requests of one run wait for one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.figures.lines import name_ends
from scenarios.figures.style import COLOURS, new_figure, plain_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.figures.lines import Drawn
    from scenarios.statistics import Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """One distribution: what each share of the observations does not exceed."""

    name: str
    shares: Sequence[float]
    values: Sequence[Interval]


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
    figure, axes = new_figure(title)
    ends = []
    for curve, colour in zip(shown, COLOURS, strict=False):
        at = [1 / (1 - share) for share in curve.shares]
        means = [one.mean for one in curve.values]
        axes.plot(at, means, color=colour, marker="o", markersize=3)
        axes.fill_between(at, [one.low for one in curve.values],
                          [one.high for one in curve.values],
                          color=colour, alpha=0.2, linewidth=0)  # fmt: skip
        ends.append((at[-1], means[-1], curve.name, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_log(axes.yaxis)
    labelled = [share for share in shown[0].shares if share in _LABELLED]
    axes.set_xticks([1 / (1 - share) for share in labelled],
                    [f"{share * 100:g}" for share in labelled])  # fmt: skip
    axes.xaxis.set_minor_locator(_no_locator())
    axes.set_xlabel("percentile")
    axes.set_ylabel(up)
    name_ends(axes, ends)
    return figure, _numbers(title, up, shown)


_LABELLED = frozenset({0.5, 0.75, 0.9, 0.95, 0.99, 0.999})


def _no_locator() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


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
            }
            for one in shown
        ],
    }
