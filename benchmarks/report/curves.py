"""Percentile curves: how long the slowest of so many requests take, on an axis of nines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report.results import label
from benchmarks.report.shades import interval, line_style
from benchmarks.report.source import legs
from benchmarks.report.tables import BEYOND, tells
from scenarios.figures.curves import Curve, nines
from scenarios.figures.style import note
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from benchmarks.report.results import Group, Results
    from scenarios.figures.lines import Drawn

PERCENTS: Final = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
NOTE: Final = (
    f"A line ends where fewer than {BEYOND} requests lie beyond; "
    "dotted: only all rounds together tell it."
)
_MEDIAN: Final = 50
_CROWD: Final = 4
"""More lines than this are drawn without bands, which would hide each other."""


def figure(results: Results) -> Drawn:
    """Latency from the due moment, at the rate that operations had in common, or else each under
    its own light load."""
    alike = results.alike()
    groups = alike or [results.basis(operation) for operation in results.operations]
    where = f"at {alike[0].load}" if alike else "at the lightest load of each"
    found = [_curve(group, band=len(groups) <= _CROWD) for group in groups]
    picture, numbers = nines(
        f"How long requests take {where}",
        "ms from the moment it was due",
        [one for one in found if one is not None],
    )
    note(picture, NOTE)
    return picture, numbers | {"note": NOTE}


def _curve(group: Group, *, band: bool) -> Curve | None:
    """As far as each round tells (up to the median: whatever it tells, as in the tables), and
    beyond that as far as all rounds together do."""
    each = [
        percent
        for percent in PERCENTS
        if tells(percent, group.least if percent > _MEDIAN else group.requests)
    ]
    beyond = [one for one in PERCENTS if one not in each and tells(one, group.requests)]
    if len(each) + len(beyond) < 2:
        return None
    values = [interval(group.percentile_ms(percent)) for percent in each]
    for percent in beyond:
        together = group.together_ms(percent)
        values.append(Interval(together, together, together, 1))
    shares = [percent / 100 for percent in (*each, *beyond)]
    return Curve(label(group.operation), shares, values, **line_style(group.operation),
                 firm=len(each), band=band, about=legs(group))  # fmt: skip
