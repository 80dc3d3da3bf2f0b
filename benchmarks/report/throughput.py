"""Throughput by intent and rail: the most that was answered well in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report.results import label
from benchmarks.report.shades import colour, interval
from scenarios.figures.bars import Bar, bars

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn


def figure(results: Results) -> Drawn:
    """A bar for each operation: the best of all loads that were tried."""
    shown = []
    for operation in results.operations:
        best = results.best_per_s(operation)
        shown.append(Bar(label(operation), [best.median], interval(best), colour(operation)))
    return bars("The most that was answered", "requests answered well in a second", shown,
                unit="/s")  # fmt: skip
