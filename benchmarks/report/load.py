"""Latency against offered load: flat until the knee, a wall behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.leg import Kind
from benchmarks.report.results import label
from benchmarks.report.shades import interval, line_style
from scenarios.figures.lines import Line, lines
from scenarios.figures.style import COLOURS

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn


def figure(results: Results) -> Drawn | None:
    """The median at every rate of a ladder, or at all that were offered where there was none; each
    operation's knee is a dotted line."""
    shown, knees = [], {}
    for operation in results.operations:
        rates: dict[float, list[float]] = {}
        for group in results.of(operation, Kind.LADDER) or results.of(operation):
            if group.first.offered_per_s is not None:
                found = interval(group.percentile_ms(50))
                rates.setdefault(group.first.offered_per_s, []).append(found)  # type: ignore[arg-type]
        if len(rates) < 2:
            continue
        at = sorted(rates)
        values = [rates[rate][-1] for rate in at]
        shown.append(Line(label(operation), at, values, **line_style(operation)))  # type: ignore[arg-type]
        if knee := results.knee_per_s(operation):
            knees[operation] = knee
    if not shown:
        return None
    picture, numbers = lines(
        "Latency against offered load, with each knee dotted",
        "requests offered in a second",
        "median ms from the moment it was due",
        shown,
    )
    for operation, knee in knees.items():
        shade = COLOURS[line_style(operation)["colour"]]
        picture.axes[0].axvline(knee, color=shade, linewidth=1, linestyle=":")
    return picture, numbers | {"knees_per_s": knees}
