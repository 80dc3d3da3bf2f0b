"""Service times out of a load run: by rate for validation, and for the studies (style 4.1)."""

from __future__ import annotations

import json
from statistics import quantiles as exact
from typing import TYPE_CHECKING

import pytest

from benchmarks.forecast.calibrate import (
    SAMPLES,
    calibrate,
    lightest,
    quantiles,
    slope,
    write_profile,
)
from benchmarks.forecast.passages import QUANTILES, read
from benchmarks.leg import Kind, Phase
from benchmarks.report.command import calibrated
from benchmarks.report.results import load
from mock_rails.core.errors import BadInput
from scenarios.calibrate import Timing
from scenarios.calibrate import profile as read_profile
from tests.unit.benchmarks.report.runs import add_leg, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.forecast.calibrate import Profile

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


def _timings(written: Profile) -> dict[str, Timing]:
    return {name: Timing(one["median_us"] / 1e6, one["p99_us"] / 1e6, one["source"],
                         tuple(us / 1e6 for us in one.get("sample_us", ())))
            for name, one in written.items()}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with charges that keep the server busy for 3 ms, and free requests for 0.5 ms."""
    folder = write_run(tmp_path, configuration={"duration_s": 1.0})
    _ladder(folder, "tempo-charge", 3_000)
    _ladder(folder, "free", 500)
    return folder


def test_each_rate_before_the_knee_is_known_with_who_is_busy(run: Path) -> None:
    known = read(_timings(calibrate(load(run))), "tempo-charge")
    assert [one.per_s for one in known] == [20, 40, 80]
    for one in known:
        share = 0.05 + one.per_s * 0.003
        assert one.busy_s["merchants"] == pytest.approx(share / one.per_s)
        assert one.busy_s["load generator"] == pytest.approx(0.1 / 80)
        assert one.quickest_s == pytest.approx(0.004, rel=0.02)


def test_what_is_known_of_a_rate_says_where_it_comes_from(run: Path) -> None:
    found = calibrate(load(run))["tempo-charge at 40.0/s response"]
    assert found["source"].startswith(
        "40 requests, run 20261127-120000 of 2026-11-27T12:00:00Z at commit unknown, legs 2; "
        "with it the model is off by "
    )
    assert (found["read_on"], found["kind"]) == ("2026-11-27", "fitted")
    assert len(found["sample_us"]) == QUANTILES


def test_whoever_waits_for_the_fit_hears_how_far_it_is(run: Path) -> None:
    heard: list[str] = []
    calibrate(load(run), heard.append)
    assert heard[0] == "fitting tempo-charge at 20/s"
    assert len(heard) == 6


def test_the_studies_keys_add_up_to_what_the_server_was_busy(run: Path) -> None:
    """A 402 is an answer like the free one; the rest of a charge is its check."""
    found = calibrate(load(run))
    assert found["gate_challenge"]["median_us"] == pytest.approx(500)
    assert found["gate_charge"]["median_us"] == pytest.approx(2_500)
    assert found["gate_free"]["median_us"] == pytest.approx(500, rel=0.01)
    assert found["node_rpc"]["median_us"] == 3_000
    assert "gate_voucher" not in found, "no session was measured"


def test_the_studies_shapes_are_of_the_lightest_legs(run: Path) -> None:
    results = load(run)
    assert [one.leg.offered_per_s for one in lightest(results, "tempo-charge")] == [20]
    found = calibrate(results)["gate_charge"]
    assert len(found["sample_us"]) == 20
    assert found["source"].startswith("20 requests of tempo-charge at up to 20/s, run ")


def test_legs_behind_the_knee_and_those_of_a_spent_generator_are_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path, configuration={"duration_s": 1.0})
    add_leg(run, "free", [2_000] * 50, kind=Kind.LADDER, achieved_per_s=20.0)
    add_leg(run, "free", [3_000] * 60, kind=Kind.LADDER, generator_cpu=0.95)
    add_leg(run, "free", [4_000] * 70, kind=Kind.LADDER)
    results = load(run)
    assert [one.leg.number for one in lightest(results, "free")] == [3]
    assert [one.per_s for one in read(_timings(calibrate(results)), "free")] == [70]


def test_a_profile_is_what_the_simulator_reads(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    written = write_profile(load(run), path)
    read = read_profile(str(path))
    assert read["gate_charge"].mean_s == pytest.approx(0.0025)
    assert read["gate_voucher"] == read_profile()["gate_voucher"], "what is not measured stays"
    assert json.loads(path.read_text()) == written


def test_the_command_tells_what_it_took_and_how_to_use_it(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    lines = calibrated(run, path, lambda line: None)
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
