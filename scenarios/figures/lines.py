"""Lines with their interval shaded: one form for everything over something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.figures.style import COLOURS, new_figure, plain_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from scenarios.statistics import Interval

Drawn = tuple["Figure", dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a name, where it is, and what it shows there."""

    name: str
    at: Sequence[float]
    values: Sequence[Interval]
    dashed: bool = False
    colour: int | None = None
    """Which of the palette, where it is not its place among the lines."""


def lines(
    title: str,
    across: str,
    up: str,
    shown: Sequence[Line],
    *,
    log_x: bool = True,
    log_y: bool = True,
    marks: Sequence[tuple[float, str]] = (),
    scale: float = 1.0,
    names: Sequence[str] = (),
) -> Drawn:
    """Draw lines, each named at its end; `marks` are vertical lines with a word, `names` stand
    for the places on the axis across."""
    figure, axes = new_figure(title)
    ends = []
    for index, line in enumerate(shown):
        chosen = index if line.colour is None else line.colour
        colour = COLOURS[chosen % len(COLOURS)]
        means = [one.mean * scale for one in line.values]
        axes.plot(line.at, means, color=colour, marker="o", markersize=3,
                  linestyle="--" if line.dashed else "-")  # fmt: skip
        axes.fill_between(line.at, [one.low * scale for one in line.values],
                          [one.high * scale for one in line.values],
                          color=colour, alpha=0.2, linewidth=0)  # fmt: skip
        ends.append((line.at[-1], means[-1], line.name, colour))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if log_x:
        axes.set_xscale("log")
        plain_log(axes.xaxis)
    if log_y:
        axes.set_yscale("log")
        plain_log(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    if names:
        axes.set_xticks(shown[0].at, names)
    name_ends(axes, ends)
    for place, word in marks:
        axes.axvline(place, color="#555555", linewidth=1, linestyle=":")
        axes.annotate(word, (place, 1), xycoords=("data", "axes fraction"), xytext=(4, -2),
                      textcoords="offset points", va="top", color="#555555", zorder=5,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    return figure, {
        "title": title,
        "x": across,
        "y": up,
        "lines": [
            {"name": one.name, "x": list(one.at), "y": [v.mean * scale for v in one.values],
             "low": [v.low * scale for v in one.values],
             "high": [v.high * scale for v in one.values]}
            for one in shown
        ],
        "marks": [list(mark) for mark in marks],
    }  # fmt: skip


_APART: float = 0.055
"""How far apart two names stand at least, as a share of the axes' height."""


def name_ends(axes: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each line's name at its right end, moved apart where names would touch."""
    to_axes = axes.transData + axes.transAxes.inverted()
    ordered = sorted(ends, key=lambda end: end[1])
    places: list[float] = []
    for x, y, _, _ in ordered:
        lowest = places[-1] + _APART if places else 0.0
        places.append(max(float(to_axes.transform((x, y))[1]), lowest))
    highest = max(1.0, _APART * len(places))
    for at in reversed(range(len(places))):
        # What was moved beyond the top comes down again, and pushes down what is below it.
        places[at] = min(places[at], highest)
        highest = places[at] - _APART
    for place, (_, _, name, colour) in zip(places, ordered, strict=True):
        axes.annotate(name, (1.01, place), xycoords="axes fraction", color=colour, va="center",
                      annotation_clip=False)  # fmt: skip
