"""Latency against load: flat until the knee, a wall behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.leg import Kind
from benchmarks.report.results import label
from benchmarks.report.shades import interval, line_style
from benchmarks.report.source import legs
from scenarios.figures.lines import Line, lines
from scenarios.figures.style import COLOURS

if TYPE_CHECKING:
    from benchmarks.report.results import Group, Results
    from scenarios.figures.lines import Drawn

_NEAR: Final = 0.01
"""A knee is one of the rates that were asked for, but for rounding."""


def figure(results: Results) -> Drawn | None:
    """The median at every rate of a ladder, or at all that were offered where there was none; a
    ring is around each operation's knee."""
    shown, rings, knees = [], [], {}
    for operation in results.operations:
        rungs = _rungs(results, operation)
        if len(rungs) < 2:
            continue
        at = [due_per_s(one) for one in rungs]
        values = [interval(one.percentile_ms(50)) for one in rungs]
        style = line_style(operation)
        shown.append(Line(label(operation), at, values, **style, about=legs(*rungs)))
        if knee := results.knee_per_s(operation):
            knees[operation] = knee
            rings += [
                (x, value.mean, COLOURS[style["colour"]])
                for x, value, one in zip(at, values, rungs, strict=True)
                if abs((one.first.offered_per_s or 0) / knee - 1) < _NEAR
            ]
    if not shown:
        return None
    picture, numbers = lines(
        "Latency against load, with a ring around each knee",
        "requests due in a second",
        "median ms from the moment it was due",
        shown,
        named_at_ends=True,
    )
    for x, y, shade in rings:
        _ring(picture.axes[0], x, y, shade)
    return picture, numbers | {"knees_per_s": knees}


def due_per_s(group: Group) -> float:
    """How many were due in a second, in the median round: a schedule is drawn at random, and a
    short one holds more or fewer than was asked for."""
    return group.spread(lambda one: one.due_per_s).median


def _rungs(results: Results, operation: str) -> list[Group]:
    """The loads of a line, one for each rate that was asked for, by what was due."""
    rates = {
        one.first.offered_per_s: one
        for one in results.of(operation, Kind.LADDER) or results.of(operation)
        if one.first.offered_per_s is not None
    }
    return sorted(rates.values(), key=due_per_s)


def _ring(axes: Any, x: float, y: float, shade: str) -> None:
    """Around a point of a line: two knees at one rate do not hide each other."""
    axes.plot([x], [y], marker="o", markersize=11, markerfacecolor="none", markeredgecolor=shade,
              markeredgewidth=1.6, linestyle="none")  # fmt: skip
