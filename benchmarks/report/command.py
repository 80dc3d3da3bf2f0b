"""What `mpp-sandbox report`, `calibrate` and `validate` do, as lines of text: their only door.

The command line lives in another room and opens this one by its name, when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def reported(run: Path) -> list[str]:
    """Write a run's page, figures and tables; tell the answers, and where the page is."""
    from benchmarks.report.page import write_report
    from benchmarks.report.results import load
    from benchmarks.report.verdict import verdict

    page = write_report(run)
    return [*(f"{one.about}: {one.text}" for one in verdict(load(run))), f"Written to {page}."]
