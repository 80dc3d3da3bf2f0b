"""What is known of an operation at each rate, and between two of them."""

from __future__ import annotations

import pytest

from benchmarks.forecast.passages import QUANTILES, AtRate, between, key, read
from scenarios.calibrate import Timing


def _known(per_s: float, took_s: float, **busy_s: float) -> AtRate:
    return AtRate(per_s, (took_s,) * QUANTILES, busy_s, took_s / 2)


def test_a_profile_is_read_by_rate() -> None:
    sample = (0.01,) * QUANTILES
    profile = {
        "gate_free": Timing(1, 1, ""),
        key("tempo-charge", 100, "response"): Timing(0.01, 0.01, "", sample),
        key("tempo-charge", 100, "quickest"): Timing(0.005, 0.005, ""),
        key("tempo-charge", 100, "busy load generator"): Timing(0.002, 0.002, ""),
        key("tempo-charge", 20.5, "response"): Timing(0.02, 0.02, "", sample),
        key("tempo-charge", 20.5, "quickest"): Timing(0.006, 0.006, ""),
        key("tempo-charge-sponsored", 20.5, "response"): Timing(0.02, 0.02, "", sample),
    }
    low, high = read(profile, "tempo-charge")
    assert (low.per_s, low.busy_s, low.quickest_s) == (20.5, {}, 0.006)
    assert (high.per_s, high.response_s) == (100, sample)
    assert high.busy_s == {"load generator": 0.002}
    assert read(profile, "tempo-session") == []


def test_a_rate_between_two_is_on_the_line_over_the_logarithm_of_the_rate() -> None:
    known = [_known(10, 0.004, merchants=0.002), _known(1_000, 0.002, merchants=0.001)]
    found = between(known, 100)
    assert found.response_s[0] == pytest.approx(0.003)
    assert found.busy_s["merchants"] == pytest.approx(0.0015)
    assert found.quickest_s == pytest.approx(0.0015)


def test_beyond_the_rates_that_are_known_it_is_what_it_was_there() -> None:
    known = [_known(10, 0.004), _known(1_000, 0.002)]
    assert between(known, 1).response_s[0] == pytest.approx(0.004)
    assert between(known, 5_000).response_s[0] == pytest.approx(0.002)


def test_a_request_passes_the_generator_the_server_and_the_rail() -> None:
    one = AtRate(100, (0.01,) * QUANTILES,
                 {"load generator": 0.002, "rails": 0.001, "merchants": 0.004}, 0.0035)  # fmt: skip
    passage = one.passage()
    assert [name for name, _ in passage.busy] == [
        "load generator", "merchants", "rails", "merchants", "load generator",
    ]  # fmt: skip
    assert sum(took for _, took in passage.busy) == pytest.approx(0.007)
    assert passage.on_path == pytest.approx(0.5), "its quickest requests take half of that"


def test_on_a_slower_machine_all_work_takes_longer_alike() -> None:
    one = AtRate(100, (0.01,) * QUANTILES, {"merchants": 0.004}, 0.003, pace_s=20e-6)
    slow = one.at_pace(25e-6)
    assert slow.response_s[0] == pytest.approx(0.0125)
    assert slow.busy_s["merchants"] == pytest.approx(0.005)
    assert slow.quickest_s == pytest.approx(0.00375)
    assert slow.pace_s == pytest.approx(25e-6)


def test_where_nobody_looked_how_fast_the_machine_was_nothing_is_scaled() -> None:
    one = _known(100, 0.01, merchants=0.004)
    assert one.at_pace(25e-6) == one
    measured = AtRate(100, (0.01,) * QUANTILES, {"merchants": 0.004}, 0.003, pace_s=20e-6)
    assert measured.at_pace(0.0) == measured
