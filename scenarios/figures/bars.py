"""Bars: one form for everything that has one number, or parts that add up, for each choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.digits import digits
from scenarios.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from scenarios.figures.lines import Drawn
    from scenarios.statistics import Interval


@dataclass(frozen=True, slots=True)
class Bar:
    """A name at the left, parts that follow each other, and the range of the whole."""

    name: str
    parts: Sequence[float]
    spread: Interval | None = None
    colour: int | None = None
    """Which of the palette, where the bar is of one part."""


def bars(
    title: str, across: str, shown: Sequence[Bar], *, parts: Sequence[str] = (),
    log: bool = False, unit: str = "",
) -> Drawn:  # fmt: skip
    """Draw bars from the top down, each with its number at its end; `parts` name their pieces."""
    figure, axes = new_figure(title, height_in=1.3 + 0.42 * len(shown) + 0.3 * bool(parts))
    for row, bar in enumerate(shown):
        left = 0.0
        for part, value in enumerate(bar.parts):
            colour = COLOURS[(part if bar.colour is None else bar.colour) % len(COLOURS)]
            axes.barh(row, value, left=left, height=0.62, color=colour)
            left += value
        end = left
        if bar.spread is not None and bar.spread.low < bar.spread.high:
            axes.hlines(row, bar.spread.low, bar.spread.high, color="#222222", linewidth=1.2)
            end = bar.spread.high
        axes.annotate(digits(left) + unit, (end, row), xytext=(4, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
    axes.set_yticks(range(len(shown)), [bar.name for bar in shown])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.set_xlabel(across)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.margins(x=0.14)
    if parts:
        _name_parts(figure, parts)
    return figure, {
        "title": title,
        "x": across,
        "parts": list(parts),
        "bars": [
            {"name": bar.name, "parts": list(bar.parts)}
            | ({} if bar.spread is None else {"low": bar.spread.low, "high": bar.spread.high})
            for bar in shown
        ],
    }


def _name_parts(figure: Figure, parts: Sequence[str]) -> None:
    """A key below the bars: pieces are too small to carry their names."""
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[at % len(COLOURS)], label=one) for at, one in enumerate(parts)]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(parts), frameon=False,
                  fontsize=9)  # fmt: skip
