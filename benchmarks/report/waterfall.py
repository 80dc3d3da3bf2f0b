"""The phases of a typical request, one after the other: what a payment adds, and where.

Medians of phases do not add up, so a typical request is the mean of those in the middle tenth by
service time: their parts add up exactly (style 4.2: the number that readers want).
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from benchmarks.leg import Outcome, Phase
from benchmarks.report.results import label
from scenarios.figures.bars import Bar, bars

if TYPE_CHECKING:
    from benchmarks.leg import Sample
    from benchmarks.report.results import Group, Results
    from scenarios.figures.lines import Drawn

PARTS: Final = ("challenge", "sign", "verify", "settle", "deliver", "rest")
"""The server's own follow each other; `rest` is HTTP, queues and whatever has no name."""
_MIDDLE: Final = (0.45, 0.55)


def figure(results: Results) -> Drawn:
    """A bar for each operation under its light load."""
    shown = []
    for operation in results.operations:
        parts = typical(results.basis(operation))
        if parts is not None:
            shown.append(Bar(label(operation), [parts[part] / 1_000 for part in PARTS]))
    return bars("Where a typical request's time goes", "ms from sending to the answer", shown,
                parts=PARTS, unit=" ms")  # fmt: skip


def typical(group: Group) -> dict[str, float] | None:
    """The parts of a typical request in microseconds; None where none was answered well."""
    well = [one for leg in group.legs for one in leg.samples() if one.outcome is Outcome.OK]
    if not well:
        return None
    well.sort(key=lambda one: one.ended_us - one.started_us)
    first, last = (int(share * len(well)) for share in _MIDDLE)
    middle = [_parts(one) for one in well[first : max(last, first + 1)]]
    return {part: fmean(one[part] for one in middle) for part in PARTS}


def _parts(sample: Sample) -> dict[str, float]:
    parts = {part: float(sample.phases_us.get(Phase(part), 0)) for part in PARTS[:-1]}
    whole = sample.ended_us - sample.started_us
    return {**parts, "rest": max(0, whole - sum(parts.values()))}
