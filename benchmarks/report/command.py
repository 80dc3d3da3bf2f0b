"""What `mpp-sandbox report`, `calibrate` and `validate` do, as lines of text: their only door.

The command line lives in another room and opens this one by its name, when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.forecast.validate import Forecast


def reported(run: Path) -> list[str]:
    """Write a run's page, figures and tables; tell the answers, and where the page is."""
    from benchmarks.report.page import write_report
    from benchmarks.report.results import load
    from benchmarks.report.verdict import verdict

    page = write_report(run)
    return [*(f"{one.about}: {one.text}" for one in verdict(load(run))), f"Written to {page}."]


def calibrated(run: Path, out: Path, heard: Callable[[str], object]) -> list[str]:
    """Write the service times that a run tells as a profile; tell which, and how to use it.
    `heard` is told what is being done meanwhile."""
    from benchmarks.forecast.calibrate import write_profile
    from benchmarks.report.results import load

    profile = write_profile(load(run), out, heard)
    width = max(map(len, profile)) + 2
    lines = [
        f"{key:<{width}}median {one['median_us']:>9,.0f} us   p99 {one['p99_us']:>9,.0f} us"
        for key, one in profile.items()
    ]
    return [
        *lines,
        "What is told by rate is what a request takes where nobody waits, fitted with the model.",
        f"Written to {out}: `mpp-sandbox simulate charge-vs-session --set timing={out}`.",
    ]


def validated(profile: Path, run: Path) -> list[str]:
    """Foretell a held-back run's steady loads by simulation, and tell how far off that was; the
    table is kept beside the run's others, and its page shows it."""
    from benchmarks.forecast.validate import keep, table, validate
    from benchmarks.report.page import write_report
    from benchmarks.report.results import load
    from scenarios.calibrate import profile as read_profile

    results = load(run)
    found = validate(read_profile(f"{profile}"), results)
    shown = table(found)
    keep(shown, run)
    rows = [shown.head, *shown.text()]
    widths = [max(len(row[at]) for row in rows) for at in range(len(shown.head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    return [*lines, _summary(found), f"Shown on {write_report(run)}."]


def _summary(found: Sequence[Forecast]) -> str:
    figures = [figure for one in found if one.counts for figure in one.figures]
    held = sum(figure.holds for figure in figures)
    return f"{held} of {len(figures)} figures with a target are within it."
