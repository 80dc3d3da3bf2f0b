"""Percentile curves: how long the slowest of so many requests take, on an axis of nines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report.results import label
from benchmarks.report.shades import interval, line_style
from benchmarks.report.tables import tells
from scenarios.figures.lines import Line, lines

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

PERCENTS: Final = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
_NAMED: Final = (0, 50, 90, 99, 99.9, 99.99)


def figure(results: Results) -> Drawn:
    """Latency from the due moment over 1/(1-p), each operation under its own light load."""
    shown, most = [], 1.0
    for operation in results.operations:
        group = results.basis(operation)
        told = [percent for percent in PERCENTS if tells(percent, group.least)]
        if len(told) < 2:
            continue
        at = [nines(percent) for percent in told]
        most = max(most, at[-1])
        values = [interval(group.percentile_ms(percent)) for percent in told]
        shown.append(Line(label(operation), at, values, **line_style(operation)))
    picture, numbers = lines(
        "How long requests take, up to the slowest",
        "requests answered within that time",
        "ms from the moment it was due",
        shown,
    )
    named = [percent for percent in _NAMED if nines(percent) <= most * 1.01]
    axes = picture.axes[0]
    axes.set_xticks([nines(percent) for percent in named], [f"{one:g} %" for one in named])
    axes.set_xticks([], minor=True)
    return picture, numbers | {"percents": list(PERCENTS)}


def nines(percent: float) -> float:
    """1/(1-p): 10 where one in ten is slower."""
    return round(100 / (100 - percent), 6)
