"""Bars: one form for everything that has one number, or parts that add up, for each choice.

On a logarithmic axis lengths say nothing, so that there each part is a dot at its own number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scenarios.digits import digits
from scenarios.figures.style import COLOURS, GREY, INK, PLAIN, new_panels, plain_log

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matplotlib.figure import Figure

    from scenarios.figures.lines import Drawn
    from scenarios.statistics import Interval

_ROW_IN: Final = 0.42
_BESIDE: Final = GREY


@dataclass(frozen=True, slots=True)
class Bar:
    """A name at the left, parts that follow each other, and the range of the whole."""

    name: str
    parts: Sequence[float]
    spread: Interval | None = None
    colour: int | None = None
    """Which of the palette, where the bar is of one part."""
    beside: float | None = None
    """What is shown below it and is no part of it: a thin grey bar."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What its numbers say besides."""


def bars(
    title: str, across: str, shown: Sequence[Bar], *, parts: Sequence[str] = (),
    log: bool = False, unit: str = "", apart: Collection[str] = (), beside: str = "",
) -> Drawn:  # fmt: skip
    """Draw bars from the top down, each with its number at its end; `parts` name their pieces and
    `beside` what is no part of them. The bars named in `apart` get an axis of their own, for the
    others would be slivers beside them."""
    rows = [[one for one in shown if one.name not in apart],
            [one for one in shown if one.name in apart]]  # fmt: skip
    panels = [one for one in rows if one]
    key = [*parts, *([beside] if beside else [])]
    figure, drawn = new_panels(
        title, [len(one) + 0.6 for one in panels], 7.5,
        0.7 + 0.6 * len(panels) + _ROW_IN * len(shown) + 0.3 * bool(key),
    )  # fmt: skip
    for axes, those in zip(drawn, panels, strict=True):
        for row, bar in enumerate(those):
            _draw(axes, row, bar, unit, log=log)
        _frame(axes, those, log=log)
        axes.set_xlabel(across if axes is drawn[0] else f"{across} (another scale)")
    if key:
        _name_parts(figure, parts, beside)
    return figure, {
        "title": title,
        "x": across,
        "parts": list(parts),
        "bars": [_numbers(bar, beside) for bar in shown],
    }


def _numbers(bar: Bar, beside: str) -> dict[str, Any]:
    """A bar as its figure's numbers tell it."""
    told: dict[str, Any] = {"name": bar.name, "parts": list(bar.parts)}
    if bar.spread is not None:
        told |= {"low": bar.spread.low, "high": bar.spread.high}
    if bar.beside is not None:
        told |= {beside: bar.beside}
    return {**told, **bar.about}


def _draw(axes: Any, row: int, bar: Bar, unit: str, *, log: bool) -> None:
    """One bar with its number, or one row of dots."""
    shades = [
        COLOURS[(part if bar.colour is None else bar.colour) % len(COLOURS)]
        for part in range(len(bar.parts))
    ]
    whole = max(bar.parts) if log else sum(bar.parts)
    high, up = (0.62, 0.0) if bar.beside is None else (0.42, 0.1)
    if log:
        axes.scatter(bar.parts, [row] * len(bar.parts), color=shades, s=45, zorder=3)
    else:
        left = 0.0
        for value, colour in zip(bar.parts, shades, strict=True):
            axes.barh(row - up, value, left=left, height=high, color=colour)
            left += value
    if bar.beside is not None:
        axes.barh(row + 0.24, bar.beside, height=0.18, color=_BESIDE)
    end = whole
    if bar.spread is not None and bar.spread.low < bar.spread.high:
        axes.hlines(row, bar.spread.low, bar.spread.high, color=INK, linewidth=1.2)
        end = max(whole, bar.spread.high)
    if log and len(bar.parts) > 1:
        return  # each of several dots is read off the axis
    axes.annotate(digits(whole) + unit, (end, row - up), xytext=(6, 0),
                  textcoords="offset points", va="center", fontsize=9)  # fmt: skip


def _frame(axes: Any, those: Sequence[Bar], *, log: bool) -> None:
    """A panel's axes: names at the left, numbers below."""
    axes.set_yticks(range(len(those)), [bar.name for bar in those])
    axes.set_ylim(len(those) - 0.5, -0.5)
    axes.grid(visible=log, axis="y")
    axes.set_axisbelow(True)
    if log:
        axes.set_xscale("log")
        plain_log(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter(PLAIN)
    axes.margins(x=0.2 if log else 0.14)


def _name_parts(figure: Figure, parts: Sequence[str], beside: str) -> None:
    """A key below the bars: pieces are too small to carry their names."""
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[at % len(COLOURS)], label=one) for at, one in enumerate(parts)]
    if beside:
        handles.append(Patch(color=_BESIDE, label=f"{beside} (thin)"))
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), frameon=False,
                  fontsize=9)  # fmt: skip
