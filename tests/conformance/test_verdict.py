"""The judge of the conformance run is stricter than pytest's exit code."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from tests.conformance import pympp
from tests.conformance.verdict import read_verdict

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
import pytest

def test_fine(): pass
def test_broken(): assert 1 == 2
@pytest.fixture
def absent(): raise LookupError("no such thing")
def test_without_its_fixture(absent): pass
@pytest.mark.xfail(reason="known")
def test_known(): raise ValueError
@pytest.mark.xfail(reason="known")
def test_better_than_known(): pass
@pytest.mark.skip(reason="REDIS_URL not set (no Redis instance)")
def test_excused(): pass
@pytest.mark.skip(reason="no time")
def test_skipped(): pass
"""


def test_every_kind_of_result_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "test_suite.py"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    verdict = read_verdict(report, allowed_skips=["REDIS_URL not set"])
    assert verdict.passed == ["test_suite.test_fine", "test_suite.test_better_than_known"]
    assert verdict.expected_failures == ["test_suite.test_known"]
    assert verdict.excused == ["test_suite.test_excused"]
    assert [problem.partition(":")[0] for problem in verdict.problems] == [
        "test_suite.test_broken",
        "test_suite.test_without_its_fixture",
        "test_suite.test_skipped",
    ]
    assert verdict.problems[2].endswith("skipped: no time")
    assert verdict.total == 7
    assert "2 passed" in verdict.summary()
    assert "assert 1 == 2" in verdict.summary()


def test_the_release_that_is_tested_is_the_one_that_is_installed() -> None:
    assert version("pympp") == pympp.VERSION
