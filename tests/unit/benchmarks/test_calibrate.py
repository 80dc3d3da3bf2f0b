"""Service times out of a load run: light legs for the shape, processor time for the scale.

Style 4.1 (the empirical distribution, with provenance); the utilisation law.
"""

from __future__ import annotations

import json
from statistics import quantiles as exact
from typing import TYPE_CHECKING

import pytest

from benchmarks.calibrate import (
    SAMPLES,
    busy,
    calibrate,
    lightest,
    quantiles,
    response,
    slope,
    write_profile,
)
from benchmarks.leg import Kind, Phase
from benchmarks.report.command import calibrated
from benchmarks.report.results import load
from mock_rails.core.errors import BadInput
from scenarios.calibrate import profile as read_profile
from tests.unit.benchmarks.report.runs import add_leg, write_run

if TYPE_CHECKING:
    from pathlib import Path

_PHASES = {Phase.CHALLENGE: 1_000, Phase.SIGN: 500, Phase.VERIFY: 600, Phase.SETTLE: 3_000,
           Phase.DELIVER: 200}  # fmt: skip


def _ladder(run: Path, operation: str, busy_us: int, idle: float = 0.05) -> None:
    """Rates of 20, 40 and 80 a second whose merchants are busy for a time each, and idle work."""
    phases = {} if operation == "free" else _PHASES
    for rate in (20, 40, 80):
        share = idle + rate * busy_us / 1e6
        add_leg(
            run, operation, [4_000 + at for at in range(rate)], phases_us=phases, kind=Kind.LADDER,
            offered_per_s=float(rate), generator_cpu=0.1 * rate / 80,
            server_cpu={"merchants": share, "rails": 0.01},
        )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with charges that keep the server busy for 3 ms, and free requests for 0.5 ms."""
    folder = write_run(tmp_path, configuration={"duration_s": 1.0})
    _ladder(folder, "tempo-charge", 3_000)
    _ladder(folder, "free", 500)
    return folder


def test_busy_time_is_the_slope_so_idle_work_is_no_requests_fault(run: Path) -> None:
    found = calibrate(load(run))
    assert found[busy("tempo-charge", "merchants")]["median_us"] == pytest.approx(3_000)
    assert found[busy("tempo-charge", "load generator")]["median_us"] == pytest.approx(1_250)
    assert found[busy("free", "merchants")]["median_us"] == pytest.approx(500)
    assert busy("tempo-charge", "rails") not in found, "its share did not grow with the rate"


def test_the_studies_keys_add_up_to_what_the_server_was_busy(run: Path) -> None:
    """A 402 is an answer like the free one; the rest of a charge is its check."""
    found = calibrate(load(run))
    assert found["gate_challenge"]["median_us"] == pytest.approx(500)
    assert found["gate_charge"]["median_us"] == pytest.approx(2_500)
    assert found["gate_free"]["median_us"] == pytest.approx(500, rel=0.01)
    assert found["node_rpc"]["median_us"] == 3_000
    assert "gate_voucher" not in found, "no session was measured"


def test_the_shape_is_of_the_lightest_legs(run: Path) -> None:
    results = load(run)
    assert [one.leg.offered_per_s for one in lightest(results, "tempo-charge")] == [20]
    found = calibrate(results)[response("tempo-charge")]
    assert len(found["sample_us"]) == 20
    assert found["source"] == (
        "20 requests of tempo-charge at up to 20/s, run 20261127-120000 at commit unknown, legs 1"
    )
    assert found["read_on"] == "2026-11-27"


def test_steady_legs_are_held_back_and_legs_behind_the_knee_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={"duration_s": 1.0})
    add_leg(run, "free", [1_000] * 40, offered_per_s=40.0, share_of_knee=0.5)
    add_leg(run, "free", [2_000] * 50, kind=Kind.LADDER, achieved_per_s=20.0)
    add_leg(run, "free", [3_000] * 60, kind=Kind.LADDER, generator_cpu=0.95)
    add_leg(run, "free", [4_000] * 70, kind=Kind.LADDER)
    assert [one.leg.number for one in lightest(load(run), "free")] == [4]


def test_a_profile_is_what_the_simulator_reads(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    written = write_profile(load(run), path)
    read = read_profile(str(path))
    assert read["gate_charge"].mean_s == pytest.approx(0.0025)
    assert read["gate_voucher"] == read_profile()["gate_voucher"], "what is not measured stays"
    assert json.loads(path.read_text()) == written


def test_the_command_tells_what_it_took_and_how_to_use_it(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    lines = calibrated(run, path)
    assert any(line.startswith("gate_charge") and "2,500 us" in line for line in lines)
    assert f"--set timing={path}" in lines[-1]


def test_many_values_keep_their_quantiles() -> None:
    values = [(at * 7_919) % 100_003 for at in range(100_003)]
    kept = quantiles(values)
    assert len(kept) == SAMPLES
    for cut, true in zip(exact(kept, n=100), exact(values, n=100), strict=True):
        assert cut == pytest.approx(true, abs=150)
    assert quantiles([3, 1, 2]) == [1, 2, 3]


def test_one_rate_has_no_slope_but_a_ratio() -> None:
    assert slope([(100, 0.2), (101, 0.21)]) == pytest.approx(0.002, rel=0.05)
    assert slope([(100, 0.3), (200, 0.5)]) == pytest.approx(0.002)
    assert slope([(100, 0.3), (200, 0.1)]) == 0


def test_too_few_requests_tell_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "free", [1_000] * 5)
    with pytest.raises(BadInput, match="has 20 requests"):
        calibrate(load(run))
