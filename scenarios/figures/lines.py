"""Lines with their interval shaded: one form for everything over something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scenarios.figures.names import End, at_the_ends, at_the_side
from scenarios.figures.style import COLOURS, PLAIN, new_figure, plain_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from scenarios.statistics import Interval

Drawn = tuple["Figure", dict[str, Any]]

_SINGLE: Final = 40
"""Points that a line shows one by one; more of them are the line."""
_ROOM: Final = 0.12
"""For a name behind the end of the last line, as a share of the axis."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a name, where it is, and what it shows there."""

    name: str
    at: Sequence[float]
    values: Sequence[Interval]
    dashed: bool = False
    colour: int | None = None
    """Which of the palette, where it is not its place among the lines."""
    firm: int | None = None
    """So many of its points are firm, where not all are; what follows them is drawn dotted."""
    band: bool = True
    """Whether its interval is shaded."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What its numbers say besides."""


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
    named_at_ends: bool = False,
) -> Drawn:
    """Draw lines, each named at the side or where it ends; `marks` are vertical lines with a word,
    `names` stand for the places on the axis across."""
    figure, axes = new_figure(title)
    ends = [_draw(axes, line, index, scale) for index, line in enumerate(shown)]
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if log_x:
        axes.set_xscale("log")
        plain_log(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter(PLAIN)
    if log_y:
        axes.set_yscale("log")
        plain_log(axes.yaxis)
    else:
        axes.yaxis.set_major_formatter(PLAIN)
        axes.set_ylim(bottom=0)
    if names:
        axes.set_xticks(shown[0].at, names)
    if named_at_ends:
        axes.set_xlim(right=_with_room(*axes.get_xlim(), is_log=log_x))
        at_the_ends(axes, ends)
    else:
        at_the_side(axes, ends)
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
             "high": [v.high * scale for v in one.values], **one.about}
            for one in shown
        ],
        "marks": [list(mark) for mark in marks],
    }  # fmt: skip


def _draw(axes: Any, line: Line, index: int, scale: float) -> End:
    """One line with its band; returns where it ends."""
    chosen = index if line.colour is None else line.colour
    colour = COLOURS[chosen % len(COLOURS)]
    means = [one.mean * scale for one in line.values]
    look = {"color": colour, "marker": "o" if len(means) <= _SINGLE else "", "markersize": 3}
    firm = len(means) if line.firm is None else line.firm
    axes.plot(line.at[:firm], means[:firm], linestyle="--" if line.dashed else "-", **look)
    if firm < len(means):
        rest = slice(max(firm - 1, 0), None)
        axes.plot(line.at[rest], means[rest], linestyle=":", **look)
    if line.band:
        axes.fill_between(line.at, [one.low * scale for one in line.values],
                          [one.high * scale for one in line.values],
                          color=colour, alpha=0.2, linewidth=0)  # fmt: skip
    return End(list(zip(line.at, means, strict=True)), line.name, colour, line.dashed)


def _with_room(left: float, right: float, *, is_log: bool) -> float:
    """How far an axis goes that has room for a name behind the last line's end."""
    if is_log:
        return float(right * (right / left) ** _ROOM)
    return right + (right - left) * _ROOM
