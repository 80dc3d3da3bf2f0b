"""The demo's figures: what is plotted is what was measured, and the same numbers give one SVG."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.demo.measure import Run
from benchmarks.report.demo import cost_figure, write_figures

if TYPE_CHECKING:
    from pathlib import Path

CHARGE = Run("charge", 1_000, [4_000, 6_000, 9_000], [1_000] * 3)
SESSION = Run("session", 1_000, [500, 700, 900], [6_000, 5_500])


def test_the_lines_cross_where_the_fees_do() -> None:
    axes = cost_figure(CHARGE, SESSION).axes[0]
    each, fixed = (list(line.get_ydata()) for line in axes.lines[:2])
    cheaper = next(at for at, (a, b) in enumerate(zip(each, fixed, strict=True), 1) if a > b)
    assert cheaper == 12


def test_figures_come_with_their_numbers_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    first, again = (write_figures(tmp_path / name, CHARGE, SESSION) for name in ("a", "b"))
    assert [path.name for path in first] == [
        "latency.png", "latency.svg", "latency.json", "cost.png", "cost.svg", "cost.json",
    ]  # fmt: skip
    numbers = json.loads((tmp_path / "a" / "cost.json").read_text())
    assert numbers["charge"]["fees_base_units"] == CHARGE.fees
    for one, other in zip(first, again, strict=True):
        if one.suffix == ".svg":
            assert one.read_bytes() == other.read_bytes()
