"""Cost per request: what the rail took, by its own books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report.results import label
from benchmarks.report.shades import colour
from scenarios.figures.bars import Bar, bars

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn


def figure(results: Results) -> Drawn | None:
    """A bar for each operation that was paid for, in thousandths of a dollar, on a log axis."""
    shown = []
    for operation in results.operations:
        fee = results.fee_units(operation)
        if fee:
            shown.append(Bar(label(operation), [float(fee / 1_000)], None, colour(operation)))
    if not shown:
        return None
    return bars("What the rail takes for a request", "fee per request, thousandths of a dollar",
                shown, log=True)  # fmt: skip
