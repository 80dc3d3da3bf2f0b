"""The demo's arithmetic: latencies, fees per request, and where a session begins to pay."""

from __future__ import annotations

import pytest

from benchmarks.demo.measure import Run, break_even


def test_a_run_tells_its_percentiles_and_nothing_of_no_requests() -> None:
    run = Run("charge", 1, latencies_us=list(range(100, 0, -1)))
    assert [run.percentile_us(one) for one in (50, 99, 100)] == [50, 99, 100]
    assert Run("charge", 1).percentile_us(50) == 0


def test_fees_are_spread_over_the_requests_that_they_paid_for() -> None:
    run = Run("session", 1_000, latencies_us=[5] * 100, fees=[700, 300])
    assert run.fee_per_request == 10
    assert (run.requests, run.transactions) == (100, 2)


@pytest.mark.parametrize(("fixed", "requests"), [(0, 1), (99, 1), (100, 2), (1_150, 12)])
def test_a_session_pays_from_the_request_at_which_charges_cost_more(
    fixed: int, requests: int
) -> None:
    charge = Run("charge", 1_000, latencies_us=[1] * 10, fees=[100] * 10)
    session = Run("session", 1_000, latencies_us=[1], fees=[fixed])
    found = break_even(charge, session)
    assert found == requests
    assert found * charge.fee_per_request > fixed >= (found - 1) * charge.fee_per_request


def test_free_charges_are_never_dearer() -> None:
    assert break_even(Run("charge", 1, [1], []), Run("session", 1, [1], [5])) is None
