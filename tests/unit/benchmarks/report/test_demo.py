"""The demo's figures: what is plotted is what was measured, and the same numbers give one SVG."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.demo.measure import Run
from benchmarks.report.demo import cost_figure, latency_figure, write_figures

if TYPE_CHECKING:
    from pathlib import Path

CHARGE = Run("tempo charge", 1_000, [4_000, 6_000, 9_000], [1_000] * 3)
SESSION = Run("tempo session", 1_000, [500, 700, 900], [6_000, 5_500], covers=None)
CARD = Run("card", 500_000, [5_000, 7_000, 9_900], [315_000] * 3)
INVOICES = Run("lightning charge", 1_000, [3_000, 4_000, 5_000], [1_000] * 3)
DEPOSITS = Run("lightning session", 1_000, [400, 500, 600], [1_000, 1_000, 2_000], 2, 1)
RUNS = [CHARGE, SESSION, CARD, INVOICES, DEPOSITS]


def test_the_lines_cross_where_the_fees_do() -> None:
    axes = cost_figure(RUNS).axes[0]
    each, fixed = (list(line.get_ydata()) for line in axes.lines[:2])
    cheaper = next(at for at, (a, b) in enumerate(zip(each, fixed, strict=True), 1) if a > b)
    assert cheaper == 12


def test_figures_come_with_their_numbers_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    first, again = (write_figures(tmp_path / name, RUNS) for name in ("a", "b"))
    assert [path.name for path in first] == [
        "latency.png", "latency.svg", "latency.json", "cost.png", "cost.svg", "cost.json",
    ]  # fmt: skip
    numbers = json.loads((tmp_path / "a" / "cost.json").read_text())
    assert list(numbers) == [run.name for run in RUNS]
    assert numbers["tempo charge"]["fees_base_units"] == CHARGE.fees
    for one, other in zip(first, again, strict=True):
        if one.suffix == ".svg":
            assert one.read_bytes() == other.read_bytes()


def test_every_way_has_its_line_in_both_figures() -> None:
    for figure in (latency_figure(RUNS), cost_figure(RUNS)):
        labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert [label.partition("\n")[0] for label in labels] == [run.name for run in RUNS]
