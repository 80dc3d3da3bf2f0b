"""The report's figures by name, each a pure function of the results (style 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report import break_even, costs, curves, load, machine, throughput, waterfall
from benchmarks.report.source import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.report.results import Results
    from scenarios.figures.lines import Drawn

FIGURES: Final[Mapping[str, Callable[[Results], Drawn | None]]] = {
    "percentiles": curves.figure,
    "load": load.figure,
    "throughput": throughput.figure,
    "phases": waterfall.figure,
    "cost": costs.figure,
    "break-even": break_even.figure,
    "processor": machine.processor,
    "memory": machine.memory,
}
"""In the order of the page; None where the run has nothing to show for one."""


def drawn(results: Results) -> dict[str, Drawn]:
    """Those that this run has something to show for; each tells where it is from."""
    made = {name: make(results) for name, make in FIGURES.items()}
    return {
        name: (one[0], one[1] | {"source": source(results, one[1])})
        for name, one in made.items()
        if one is not None
    }
