"""The report in a real browser: no network, no complaint, in any width (issue: benchmarks)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.report.page import write_report
from tests.integration.benchmarks.browser import CHROMIUM, read
from tests.unit.benchmarks.report.runs import whole_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

_LOOK = """({
  title: document.title,
  figures: document.querySelectorAll('svg[role=img] > title').length,
  answers: document.querySelectorAll('dl.answers dd').length,
  intent: document.querySelector('dl.answers dd').getBoundingClientRect().bottom,
  lowest: document.querySelector('main table').getBoundingClientRect().bottom,
  too_wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
})"""


async def test_the_page_asks_for_nothing_and_complains_of_nothing(tmp_path: Path) -> None:
    page = write_report(whole_run(tmp_path / "run"))
    seen = await read(page, _LOOK, tmp_path / "profile")
    assert seen.requests == [page.as_uri()]
    assert seen.said == []
    assert seen.found["title"] == "Load run 20261127-120000"
    assert seen.found["figures"] == 8
    assert seen.found["answers"] == 4
    assert seen.found["lowest"] < 400, "the answer and its table are on the first screen"
    assert seen.found["intent"] < 600, "and so is the sentence that says it"
    assert not seen.found["too_wide"]


async def test_a_link_to_a_leg_unfolds_the_legs(tmp_path: Path) -> None:
    page = write_report(whole_run(tmp_path / "run"))
    script = """(() => {
      const fold = document.querySelector('#legs details'), before = fold.open
      location.hash = 'leg-9'
      return [before, fold.open]
    })()"""
    seen = await read(page, script, tmp_path / "profile")
    assert seen.found == [False, True]


async def test_a_page_with_a_network_and_an_error_would_be_found_out(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='missing.png'><script>console.error('no')</script>")
    seen = await read(page, "1", tmp_path / "profile")
    assert len(seen.requests) == 2
    assert any("no" in one for one in seen.said)
