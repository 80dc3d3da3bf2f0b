"""Break-even: fees over the number of requests, charge against session, rail by rail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report.fees import crossing, pairs
from benchmarks.report.results import label
from benchmarks.report.shades import line_style
from scenarios.figures.lines import Line, lines
from scenarios.figures.style import GREY
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from benchmarks.report.fees import Fees
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

_COUNTS: Final = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1_000)


def figure(results: Results) -> Drawn | None:
    """Two lines a rail, shaded by what was paid at least and at most; the crossing is marked."""
    shown, marks = [], []
    for name, charge, session in pairs(results):
        shown += [_line(charge), _line(session)]
        if found := crossing(charge, session):
            marks.append((float(found.requests), f"{name}: from {found} on"))
    if not shown:
        return None
    picture, numbers = lines(
        "From how many requests on a session costs less",
        "requests of one payer",
        "fees, thousandths of a dollar",
        shown,
        scale=1 / 1_000,
    )
    for row, (place, word) in enumerate(marks):
        axes = picture.axes[0]
        axes.axvline(place, color=GREY, linewidth=1, linestyle=":")
        axes.annotate(word, (place, 1), xycoords=("data", "axes fraction"), color=GREY, va="top",
                      xytext=(4, -2 - 14 * row), textcoords="offset points")  # fmt: skip
    return picture, numbers | {"marks": [list(mark) for mark in marks]}


def _line(fees: Fees) -> Line:
    values = []
    for count in _COUNTS:
        times = 1 if fees.sessions else count
        mean, low, high = (float(one * times) for one in (fees.each.mean, fees.each.low,
                                                          fees.each.high))  # fmt: skip
        values.append(Interval(mean, low, high, fees.sessions or fees.delivered))
    return Line(label(fees.operation), _COUNTS, values, **line_style(fees.operation))
