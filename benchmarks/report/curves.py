"""Percentile curves: how long the slowest of so many requests take, on an axis of nines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report.results import label
from benchmarks.report.shades import interval, line_style
from benchmarks.report.tables import tells
from scenarios.figures.curves import Curve, nines

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

PERCENTS: Final = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)


def figure(results: Results) -> Drawn:
    """Latency from the due moment, each operation under its own light load."""
    shown = []
    for operation in results.operations:
        group = results.basis(operation)
        told = [percent for percent in PERCENTS if tells(percent, group.least)]
        if len(told) < 2:
            continue
        shares = [percent / 100 for percent in told]
        values = [interval(group.percentile_ms(percent)) for percent in told]
        shown.append(Curve(label(operation), shares, values, **line_style(operation)))
    return nines(
        "How long requests take, up to the slowest", "ms from the moment it was due", shown
    )
