"""The demo's arithmetic: latencies, fees per request, and where a session begins to pay."""

from __future__ import annotations

from io import StringIO

import pytest

from benchmarks.demo.measure import Run, break_even
from benchmarks.demo.summary import conclusion, summary_table


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


def test_fees_grow_with_each_payment_and_a_deposit_is_one_for_many_requests() -> None:
    assert Run("charge", 1, [1] * 4, [10] * 4).fees_after(7) == 70
    assert Run("channel", 1, [1] * 4, [10, 8], covers=None).fees_after(7) == 18
    deposits = Run("deposits", 1, [1] * 4, [10, 10, 3], covers=2, closing=1)
    assert [deposits.fees_after(n) for n in (1, 2, 3, 5)] == [13, 13, 23, 33]


def test_every_way_is_a_row_with_its_fee_and_share() -> None:
    from rich.console import Console

    runs = [
        Run("tempo charge", 1_000, [9_000] * 4, [100] * 4),
        Run("tempo session", 1_000, [3_000] * 4, [150, 150], covers=None),
        Run("card", 500_000, [8_000] * 4, [315_000] * 4),
        Run("lightning charge", 1_000, [6_000] * 4, [10] * 4),
        Run("lightning session", 1_000, [2_000] * 4, [10, 10], covers=4, closing=1),
    ]
    console = Console(width=80, record=True, quiet=False, file=StringIO())
    console.print(summary_table(runs))
    shown = console.export_text()
    for run in runs:
        assert run.name in shown
    assert "63.000%" in shown
    assert "…" not in shown
    assert "3.0 times as fast" in conclusion(runs)
    assert "From 4 requests on" in conclusion(runs)
