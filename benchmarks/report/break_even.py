"""Break-even: fees over the number of requests, charge against session, rail by rail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.report.fees import crossing, pairs
from benchmarks.report.results import label
from benchmarks.report.said import numbers
from benchmarks.report.shades import line_style
from scenarios.figures.lines import Line, lines
from scenarios.figures.style import COLOURS, GREY
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report.fees import Fees
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

_COUNTS: Final = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1_000)
_SCALE: Final = 1 / 1_000


def figure(results: Results) -> Drawn | None:
    """Two lines a rail; the crossing is marked. A session's is shaded up to the dearest of the run,
    and dashed where it is longer than what a session carried, for nobody measured that."""
    shown, marks, paid = [], [], []
    for name, charge, session in pairs(results):
        paid += [charge, session]
        shown += [_line(charge, _COUNTS), _line(session, _carried(session))]
        if found := crossing(charge, session):
            marks.append((float(found.requests), f"{name}: from {found.requests:,} on"))
    if not shown:
        return None
    picture, drawn = lines(
        "From how many requests on a session costs less",
        "requests of one payer (dashed: more than a session carried in this run)",
        "fees, thousandths of a dollar (shaded: to the dearest)",
        shown,
        scale=_SCALE,
    )
    axes = picture.axes[0]
    for row, (place, word) in enumerate(marks):
        axes.axvline(place, color=GREY, linewidth=1, linestyle=":")
        axes.annotate(word, (place, 1), xycoords=("data", "axes fraction"), color=GREY, va="top",
                      xytext=(4, -2 - 15 * row), textcoords="offset points",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    for line, one in zip(drawn["lines"], paid, strict=True):
        line["legs"] = list(numbers(results.books(one.operation)))
    assumed = [_beyond(axes, one) for one in paid if one.sessions and one.carried < _COUNTS[-1]]
    drawn["lines"] += assumed
    return picture, drawn | {"marks": [list(mark) for mark in marks]}


def _carried(session: Fees) -> Sequence[int]:
    """The places up to what a session carried."""
    return [*(one for one in _COUNTS if one < session.carried), session.carried]


def _line(fees: Fees, counts: Sequence[int]) -> Line:
    values = []
    for count in counts:
        times = 1 if fees.sessions else count
        each, most = (float(one * times) for one in (fees.each, fees.dearest))
        values.append(Interval(each, each, most, fees.sessions))
    return Line(label(fees.operation), counts, values, **line_style(fees.operation))


def _beyond(axes: Any, session: Fees) -> dict[str, Any]:
    """A session's line from what one carried on, as long as its deposit lasts."""
    fee, most = (float(one) * _SCALE for one in (session.each, session.dearest))
    at = [session.carried, _COUNTS[-1]]
    shade = COLOURS[line_style(session.operation)["colour"]]
    axes.plot(at, [fee, fee], color=shade, linestyle="--")
    return {"name": f"{label(session.operation)}, if its deposit lasts", "x": at,
            "y": [fee, fee], "low": [fee, fee], "high": [most, most]}  # fmt: skip
