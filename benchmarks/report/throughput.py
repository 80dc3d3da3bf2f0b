"""Throughput by intent and rail: the most that was answered as promised in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report.results import label
from benchmarks.report.shades import colour, interval
from benchmarks.report.source import legs
from scenarios.figures.bars import Bar, bars
from scenarios.figures.style import note

if TYPE_CHECKING:
    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn


def figure(results: Results) -> Drawn | None:
    """A dot for each operation at the best of the loads that it carried, on a log axis: a stream
    and a free route are a hundred times apart."""
    shown = []
    for operation in results.operations:
        if best := results.best(operation):
            found = best.answered_per_s
            shown.append(Bar(label(operation), [found.median], interval(found), colour(operation),
                             about=legs(best)))  # fmt: skip
    if not shown:
        return None
    picture, numbers = bars("The most that was answered",
                            "requests answered as promised in a second", shown, log=True,
                            unit="/s")  # fmt: skip
    if least := results.generators_knees:
        told = f"At least, for the load generator could do no more: {', '.join(map(label, least))}."
        note(picture, told)
        numbers |= {"note": told}
    return picture, numbers
