"""A held-back run foretold: what the model gets right where the truth is known (DESIGN 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.forecast.calibrate import write_profile
from benchmarks.forecast.passages import QUANTILES
from benchmarks.forecast.validate import table, validate
from benchmarks.leg import Kind
from benchmarks.report.command import validated
from benchmarks.report.results import load
from mock_rails.core.errors import BadInput
from scenarios.calibrate import Timing
from scenarios.calibrate import profile as read_profile
from tests.unit.benchmarks.report.runs import add_leg, write_run

if TYPE_CHECKING:
    from pathlib import Path

_LATER = "2026-11-27T13:00:00Z"


def _server(run: Path, took_us: int, rate: int, count: int, **fields: object) -> None:
    """A leg at one server that takes a constant time: due evenly, so nobody ever waits."""
    add_leg(
        run, "free", [took_us] * count, offered_per_s=float(rate), duration_s=count / rate,
        server_cpu={"merchants": rate * took_us / 1e6}, **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def test_requests_that_never_wait_are_foretold(tmp_path: Path) -> None:
    """Evenly due at 100/s, 4 ms each: half in 4 ms, 99 % in 4 ms, and all answered."""
    known = write_run(tmp_path / "known", configuration={})
    for rate in (50, 100):
        _server(known, 4_000, rate, rate, kind=Kind.LADDER)
    write_profile(load(known), tmp_path / "profile.json")
    held_back = write_run(tmp_path / "held", made_at=_LATER)
    _server(held_back, 4_000, 100, 1_000, share_of_knee=0.5, users=10)
    (found,) = validate(read_profile(str(tmp_path / "profile.json")), load(held_back))
    assert found.counts
    assert [figure.name for figure in found.figures] == ["p50, ms", "p99, ms", "answered, /s"]
    for figure in found.figures:
        assert figure.error == pytest.approx(0, abs=0.01)
        assert figure.holds
    assert found.busiest == ("merchants", pytest.approx(0.4, rel=0.02))
    assert found.known_per_s == [100]


def test_a_machine_that_was_half_as_fast_is_allowed_for(tmp_path: Path) -> None:
    """4 ms where the loop took 20 us; a run at 40 us, of 8 ms each, is foretold as that."""
    known = write_run(tmp_path / "known", configuration={})
    _server(known, 4_000, 100, 100, kind=Kind.LADDER, pace_us=20.0)
    write_profile(load(known), tmp_path / "profile.json")
    held_back = write_run(tmp_path / "held", made_at=_LATER)
    _server(held_back, 8_000, 100, 100, share_of_knee=0.5, users=10, pace_us=40.0)
    (found,) = validate(read_profile(str(tmp_path / "profile.json")), load(held_back))
    assert found.figures[0].error == pytest.approx(0, abs=0.01)


def test_a_wrong_profile_is_found_out(tmp_path: Path) -> None:
    held_back = write_run(tmp_path, configuration={})
    _server(held_back, 4_000, 100, 100, share_of_knee=0.5, users=10)
    (found,) = validate(_made_up(6_000), load(held_back))
    assert found.figures[0].error == pytest.approx(0.5, abs=0.01)
    assert not found.figures[0].holds
    row = table([found]).rows[0]
    assert row[5:7] == ["+50%", "no"]


def test_nearer_to_the_knee_there_is_no_target(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={})
    _server(run, 4_000, 100, 100, share_of_knee=0.85)
    (found,) = validate(_made_up(4_000), load(run))
    assert not found.counts
    assert table([found]).rows[0][6] == "no target"


def test_a_profile_of_the_very_run_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", configuration={})
    _server(run, 4_000, 100, 100, share_of_knee=0.5)
    write_profile(load(run), tmp_path / "profile.json")
    with pytest.raises(BadInput, match="made of this very run"):
        validate(read_profile(str(tmp_path / "profile.json")), load(run))


def _made_up(took_us: int) -> dict[str, Timing]:
    took_s = took_us / 1e6
    return {
        "free at 90.0/s response": Timing(took_s, took_s, "made up", (took_s,) * QUANTILES),
        "free at 90.0/s quickest": Timing(took_s, took_s, "made up"),
    }


def test_the_table_is_kept_and_the_page_shows_it(tmp_path: Path) -> None:
    known = write_run(tmp_path / "known", configuration={})
    for rate in (50, 100):
        _server(known, 4_000, rate, rate, kind=Kind.LADDER)
    write_profile(load(known), tmp_path / "profile.json")
    run = write_run(tmp_path / "run", made_at=_LATER)
    _server(run, 4_000, 100, 100, share_of_knee=0.7)
    lines = validated(tmp_path / "profile.json", run)
    assert "2 of 2 figures with a target are within it." in lines
    assert (run / "tables" / "validation.csv").is_file()
    assert "Foretold by simulation" in (run / "report.html").read_text()


def test_without_steady_legs_there_is_nothing_to_foretell(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={})
    _server(run, 4_000, 100, 100, kind=Kind.LADDER)
    with pytest.raises(BadInput, match="no steady load"):
        validate(_made_up(4_000), load(run))
