"""A held-back run foretold: what the model gets right where the truth is known (DESIGN 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.calibrate import write_profile
from benchmarks.leg import Kind
from benchmarks.report.command import validated
from benchmarks.report.results import load
from benchmarks.report.validate import passage_of, table, validate
from mock_rails.core.errors import BadInput
from scenarios.calibrate import Timing
from scenarios.calibrate import profile as read_profile
from tests.unit.benchmarks.report.runs import add_leg, write_run

if TYPE_CHECKING:
    from pathlib import Path


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
    held_back = write_run(tmp_path / "held", configuration={})
    _server(held_back, 4_000, 100, 1_000, share_of_knee=0.5, users=10)
    (found,) = validate(read_profile(str(tmp_path / "profile.json")), load(held_back))
    assert found.counts
    assert [figure.name for figure in found.figures] == ["p50, ms", "p99, ms", "answered, /s"]
    for figure in found.figures:
        assert figure.error == pytest.approx(0, abs=0.01)
        assert figure.holds
    assert found.busiest == ("merchants", pytest.approx(0.4, rel=0.02))


def test_a_wrong_profile_is_found_out(tmp_path: Path) -> None:
    held_back = write_run(tmp_path, configuration={})
    _server(held_back, 4_000, 100, 100, share_of_knee=0.5, users=10)
    wrong = {"free response": Timing(0.006, 0.006, "made up")}
    (found,) = validate(wrong, load(held_back))
    assert found.figures[0].error == pytest.approx(0.5, abs=0.01)
    assert not found.figures[0].holds
    row = table([found]).rows[0]
    assert row[5:7] == ["+50%", "no"]


def test_nearer_to_the_knee_there_is_no_target(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={})
    _server(run, 4_000, 100, 100, share_of_knee=0.85)
    (found,) = validate({"free response": Timing(0.004, 0.004, "made up")}, load(run))
    assert not found.counts
    assert table([found]).rows[0][6] == "no target"


def test_a_request_passes_the_generator_the_server_and_the_rail() -> None:
    profile = {
        "tempo-charge response": Timing(0.01, 0.01, ""),
        "tempo-charge busy load generator": Timing(0.002, 0.002, ""),
        "tempo-charge busy rails": Timing(0.001, 0.001, ""),
        "tempo-charge busy merchants": Timing(0.004, 0.004, ""),
    }
    passage = passage_of(profile, "tempo-charge")
    assert passage is not None
    assert [name for name, _ in passage.busy] == [
        "load generator", "merchants", "rails", "merchants", "load generator",
    ]  # fmt: skip
    assert sum(took for _, took in passage.busy) == pytest.approx(0.007)
    assert passage_of(profile, "tempo-session") is None


def test_the_table_is_kept_and_the_page_shows_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", configuration={})
    for rate in (50, 100):
        _server(run, 4_000, rate, rate, kind=Kind.LADDER)
    _server(run, 4_000, 100, 100, share_of_knee=0.7)
    write_profile(load(run), tmp_path / "profile.json")
    lines = validated(tmp_path / "profile.json", run)
    assert "2 of 2 figures with a target are within it." in lines
    assert (run / "tables" / "validation.csv").is_file()
    assert "Foretold by simulation" in (run / "report.html").read_text()


def test_without_steady_legs_there_is_nothing_to_foretell(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={})
    _server(run, 4_000, 100, 100, kind=Kind.LADDER)
    with pytest.raises(BadInput, match="no steady load"):
        validate({"free response": Timing(0.004, 0.004, "made up")}, load(run))
