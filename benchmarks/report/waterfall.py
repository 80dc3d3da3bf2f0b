"""The phases of a typical request, one after the other: what a payment adds, and where.

Medians of phases do not add up, so a typical request of a round is the mean of those in the middle
tenth by service time: their parts add up exactly. Of several rounds it is the median, part by part;
rounds are not pooled (style 4.2: the number that readers want).
"""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from benchmarks.leg import Outcome, Phase
from benchmarks.report.results import label, units
from benchmarks.report.shades import apart
from benchmarks.report.source import legs
from scenarios.figures.bars import Bar, bars

if TYPE_CHECKING:
    from benchmarks.leg import Sample
    from benchmarks.report.results import Group, Measured, Results
    from scenarios.figures.lines import Drawn

TOKENS: Final = "tokens"
REST: Final = "rest"
PARTS: Final = ("challenge", "sign", "verify", "settle", "deliver", TOKENS, REST)
"""The server's own follow each other; `rest` is HTTP, queues and whatever has no name. What is left
of a stream is its tokens: it flows from when the answer begins, where the server's clock ends."""
_MIDDLE: Final = (0.45, 0.55)


def figure(results: Results) -> Drawn:
    """A bar for each operation under its light load."""
    shown = []
    for operation in results.operations:
        group = results.basis(operation)
        parts = typical(group)
        if parts is not None:
            milliseconds = [parts[part] / 1_000 for part in PARTS]
            shown.append(Bar(label(operation), milliseconds, about=legs(group)))
    return bars("Where a typical request's time goes", "ms from sending to the answer", shown,
                parts=PARTS, unit=" ms", apart=apart(results))  # fmt: skip


def typical(group: Group) -> dict[str, float] | None:
    """The parts of a typical request in microseconds; None where none was answered well."""
    left = TOKENS if units(group.operation) > 1 else REST
    rounds = [found for one in group.legs if (found := _of_round(one, left))]
    return {part: median(one[part] for one in rounds) for part in PARTS} if rounds else None


def _of_round(leg: Measured, left: str) -> dict[str, float] | None:
    """The mean of the middle tenth of a leg's requests; `left` names what no phase names."""
    well = [one for one in leg.samples() if one.outcome is Outcome.OK]
    if not well:
        return None
    well.sort(key=lambda one: one.ended_us - one.started_us)
    first, last = (int(share * len(well)) for share in _MIDDLE)
    middle = [_parts(one, left) for one in well[first : max(last, first + 1)]]
    return {part: fmean(one[part] for one in middle) for part in PARTS}


def _parts(sample: Sample, left: str) -> dict[str, float]:
    parts = dict.fromkeys(PARTS, 0.0)
    for part in PARTS[: PARTS.index(TOKENS)]:
        parts[part] = float(sample.phases_us.get(Phase(part), 0))
    whole = sample.ended_us - sample.started_us
    parts[left] = max(0, whole - sum(parts.values()))
    return parts
