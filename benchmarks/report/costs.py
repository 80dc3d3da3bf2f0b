"""Fees of one payer, by how many requests it makes: what the rail took, by its own books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.report.fees import fees
from benchmarks.report.results import label
from benchmarks.report.said import numbers
from benchmarks.report.shades import colour
from benchmarks.report.tables import COUNTS
from scenarios.digits import digits
from scenarios.figures.style import COLOURS, GREY, new_figure

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

_SIZES: Final = (5, 9, 13)
"""Of their dots: where all three are one fee, each is seen around the other."""
_ROOM: Final = 100
"""Two decades for the numbers at the right of the last dot."""
_TITLE: Final = "What the rail takes from one payer"
_ACROSS: Final = "fees, thousandths of a dollar"


def figure(results: Results) -> Drawn | None:
    """A row for each operation that was paid for, with a dot for 1, 10 and 100 requests."""
    from matplotlib.ticker import LogLocator

    paid = [found for one in results.operations if (found := fees(results, one)) and found.each]
    if not paid:
        return None
    picture, axes = new_figure(_TITLE, height_in=1.6 + 0.42 * len(paid))
    bars = []
    for row, one in enumerate(paid):
        parts = [float(one.after(count) / 1_000) for count in COUNTS]
        shade = COLOURS[colour(one.operation)]
        axes.hlines(row, parts[0], parts[-1], color=shade, linewidth=1.2)
        for part, size in zip(reversed(parts), reversed(_SIZES), strict=True):
            axes.plot([part], [row], "o", color=shade, markersize=size,
                      markerfacecolor=shade if size == _SIZES[0] else "white")  # fmt: skip
        told = " · ".join(digits(part) for part in dict.fromkeys(parts))
        axes.annotate(told, (parts[-1], row), xytext=(10, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
        bars.append({"name": label(one.operation), "parts": parts,
                     "legs": list(numbers(results.books(one.operation)))})  # fmt: skip
    axes.set_yticks(range(len(paid)), [label(one.operation) for one in paid])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(_ACROSS)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=100))
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.minorticks_off()
    axes.margins(x=0.06, y=0.12)
    axes.set_xlim(right=axes.get_xlim()[1] * _ROOM)
    _key(picture)
    parts_named = [f"{count} request{'s' * (count > 1)}" for count in COUNTS]
    return picture, {"title": _TITLE, "x": _ACROSS, "parts": parts_named, "bars": bars}


def _key(picture: Any) -> None:
    """Which dot is how many requests."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", linestyle="none", color=GREY, markersize=size,
               markerfacecolor=GREY if size == _SIZES[0] else "none", label=f"{count:,}")
        for count, size in zip(COUNTS, _SIZES, strict=True)
    ]  # fmt: skip
    said = "requests of one payer; a session costs the same for all that its deposit pays for"
    picture.legend(handles=handles, title=said, title_fontsize=9, loc="outside lower left",
                   ncols=len(COUNTS), frameon=False, fontsize=9)  # fmt: skip
