"""How hard a machine was pressed between two moments, by counters whose values are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.pressure import Pressure

if TYPE_CHECKING:
    from pathlib import Path

SECOND_NS = 1_000_000_000
STAT = "cpu  {user} 0 50 800 0 0 0 {stolen} 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 12\n"
STALLED = "some avg10=2.04 avg60=1.01 avg300=0.50 total={us}\nfull avg10=0.00 total=0\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the system's."""
    monkeypatch.setattr("benchmarks.pressure._PROCESSORS", tmp_path / "stat")
    monkeypatch.setattr("benchmarks.pressure._WAITING", tmp_path / "pressure")
    return tmp_path


def told(folder: Path, *, user: int, stolen: int, us: int, at_s: int) -> Pressure:
    (folder / "stat").write_text(STAT.format(user=user, stolen=stolen), encoding="utf-8")
    (folder / "pressure").write_text(STALLED.format(us=us), encoding="utf-8")
    return Pressure.at(at_s * SECOND_NS)


def test_shares_are_of_the_time_between(system: Path) -> None:
    """Of 200 ticks 30 were stolen, and of two seconds some task waited for half of one."""
    before = told(system, user=100, stolen=10, us=7_000_000, at_s=5)
    after = told(system, user=270, stolen=40, us=7_500_000, at_s=7)
    assert after.since(before) == {"stolen": 0.15, "pressed": 0.25}


def test_a_counter_that_goes_back_is_no_share(system: Path) -> None:
    before = told(system, user=100, stolen=10, us=7_000_000, at_s=5)
    after = told(system, user=200, stolen=9, us=7_000_000, at_s=7)
    assert after.since(before) == {"stolen": 0, "pressed": 0}


def test_where_the_system_does_not_tell_there_is_nothing(system: Path) -> None:
    assert Pressure.at(2 * SECOND_NS).since(Pressure.at(SECOND_NS)) == {}
    (system / "stat").write_text("cpu  1 2 3 4\n", encoding="utf-8")  # an old system
    (system / "pressure").write_text("", encoding="utf-8")
    assert Pressure.at(2 * SECOND_NS).since(Pressure.at(SECOND_NS)) == {}
