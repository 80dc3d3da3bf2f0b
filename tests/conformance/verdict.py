"""Reads pytest's JUnit report of a foreign test suite and decides whether it counts as passed.

pytest's own exit code is too kind for that: a suite whose tests were all skipped passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@dataclass(slots=True)
class Verdict:
    """How a suite fared; names are `module.Class.test`."""

    passed: list[str] = field(default_factory=list)
    """Including those that were expected to fail and did not."""

    expected_failures: list[str] = field(default_factory=list)
    """What the suite's authors marked xfail, and did fail."""

    excused: list[str] = field(default_factory=list)
    """Skipped for a reason that was allowed."""

    problems: list[str] = field(default_factory=list)
    """Each test that failed, or was skipped for another reason, with the reason."""

    @property
    def total(self) -> int:
        """How many tests were looked at."""
        kinds = (self.passed, self.expected_failures, self.excused, self.problems)
        return sum(map(len, kinds))

    def summary(self) -> str:
        """The numbers, and the problems if there are any."""
        line = (
            f"{len(self.passed)} passed, {len(self.expected_failures)} failed as their authors "
            f"expect, {len(self.excused)} excused, {len(self.problems)} with problems"
        )
        return "\n".join([line, *(f"  {problem}" for problem in self.problems)])


def read_verdict(report: Path, allowed_skips: Collection[str]) -> Verdict:
    """Judge a JUnit report; `allowed_skips` are parts of the reasons that excuse a skipped test."""
    verdict = Verdict()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped, broken = case.find("skipped"), _first(case, ("failure", "error"))
        if broken is not None:
            verdict.problems.append(f"{name}: {_first_line(broken)}")
        elif skipped is None:
            verdict.passed.append(name)
        elif skipped.get("type") == "pytest.xfail":
            verdict.expected_failures.append(name)
        elif any(reason in skipped.get("message", "") for reason in allowed_skips):
            verdict.excused.append(name)
        else:
            verdict.problems.append(f"{name}: skipped: {_first_line(skipped)}")
    return verdict


def _first(case: ElementTree.Element, tags: tuple[str, ...]) -> ElementTree.Element | None:
    return next((found for tag in tags if (found := case.find(tag)) is not None), None)


def _first_line(element: ElementTree.Element) -> str:
    return element.get("message", "").partition("\n")[0]
