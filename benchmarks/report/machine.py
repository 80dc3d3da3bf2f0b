"""Processor and memory: who was busy, and what was held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report.results import label
from benchmarks.report.tables import memory_mb
from scenarios.figures.bars import Bar, bars

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.report.results import Measured, Results
    from scenarios.figures.lines import Drawn


def processor(results: Results) -> Drawn:
    """Busy milliseconds for each answered request, process by process: loads can be compared."""
    parts = _processes(results)
    shown = []
    for operation in results.operations:
        group = results.basis(operation)
        busy = [group.spread(_per_request(part)).median for part in ("", *parts)]
        shown.append(Bar(label(operation), busy))
    return bars("Processor time of a request", "busy ms for each answered request", shown,
                parts=("load generator", *parts), unit=" ms")  # fmt: skip


def memory(results: Results) -> Drawn | None:
    """What the devnet's processes held when a leg ended."""
    parts = _processes(results)
    if not parts:
        return None
    shown = []
    for operation in results.operations:
        group = results.basis(operation)
        held = [group.spread(lambda one, part=part: memory_mb(one, part)).median  # type: ignore[misc]
                for part in parts]  # fmt: skip
        shown.append(Bar(label(operation), held))
    return bars("Memory of the devnet", "MB held at the end of a leg", shown, parts=parts,
                unit=" MB")  # fmt: skip


def _processes(results: Results) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for one in results.measured for part in one.leg.server_cpu))


def _per_request(part: str) -> Callable[[Measured], float]:
    def busy_ms(one: Measured) -> float:
        share = one.leg.server_cpu.get(part, 0.0) if part else one.leg.generator_cpu
        return 1_000 * share / one.leg.achieved_per_s if one.leg.achieved_per_s else 0.0

    return busy_ms
