"""Processor and memory: who was busy, and what was held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.leg import GENERATOR
from benchmarks.report.results import label
from benchmarks.report.shades import apart
from benchmarks.report.source import legs
from benchmarks.report.tables import memory_mb
from scenarios.figures.bars import Bar, bars
from scenarios.figures.lines import Line, lines
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.report.results import Measured, Results
    from scenarios.figures.lines import Drawn


def processor(results: Results) -> Drawn:
    """The servers' busy milliseconds for each answered request, process by process: loads can be
    compared. The generator's are no part of what a server needs, and stand below."""
    parts = _processes(results)
    shown = []
    for operation in results.operations:
        group = results.basis(operation)
        generator, *busy = (group.spread(_busy_ms(part)).median for part in ("", *parts))
        shown.append(Bar(label(operation), busy, beside=generator, about=legs(group)))
    return bars("Processor time of a request", "busy ms of servers for each answered request",
                shown, parts=parts, unit=" ms", apart=apart(results),
                beside=GENERATOR)  # fmt: skip


def memory(results: Results) -> Drawn | None:
    """What each process of the devnet held when a leg ended, leg after leg: it grows with all that
    was served before, so that no operation can be told by it."""
    shown = []
    for part in _processes(results):
        held = [one for one in results.legs if part in one.leg.server_memory_bytes]
        if not held:
            continue
        numbers = [one.leg.number for one in held]
        mb = [memory_mb(one, part) for one in held]
        values = [Interval(one, one, one, 1) for one in mb]
        shown.append(Line(part, numbers, values, about={"legs": numbers}))
    if not shown:
        return None
    return lines("Memory of the devnet, leg after leg", "leg of the run",
                 "MB held when the leg ended", shown, log_x=False, log_y=False)  # fmt: skip


def _processes(results: Results) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for one in results.measured for part in one.leg.server_cpu))


def _busy_ms(part: str) -> Callable[[Measured], float]:
    """A process's milliseconds for each answered request, or those of the generator."""

    def of(one: Measured) -> float:
        share = one.leg.server_cpu.get(part, 0.0) if part else one.leg.generator_cpu
        return 1_000 * share / one.leg.achieved_per_s if one.leg.achieved_per_s else 0.0

    return of
