"""The sums of a run of `pay -n`."""

from __future__ import annotations

import pytest

from sandbox.cli.tally import Tally, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7], 99, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 101)), 99, 99)],
)
def test_a_percentile_is_one_of_the_values(
    values: list[int], percent: int, expected: int | None
) -> None:
    assert percentile(values, percent) == expected


def run() -> Tally:
    tally = Tally()
    for elapsed_us in (1_000, 2_000, 30_000):
        tally.add("paid", elapsed_us, method="tempo/session", reason=None)
    tally.add("refused", 500, method=None, reason="too dear")
    tally.elapsed_us, tally.spent, tally.transactions = 2 * 10**6, 3_000, 1
    return tally


def test_a_summary_for_people() -> None:
    tally = run()
    tally.fees = {"you": 1_500, "0xaa": 500}
    assert tally.lines() == [
        "Requests      3 paid, 1 refused in 2.00 s (2/s)",
        "Latency       p50 1.0 ms, p99 30 ms, max 30 ms",
        "Spent         $0.003 by tempo/session",
        "Transactions  1",
        "Fees          $0.002: $0.0015 paid by you, $0.0005 paid by 0xaa",
        "1 x too dear",
    ]


def test_fees_that_are_not_known_are_not_claimed_to_be_none() -> None:
    tally = run()
    assert not any(line.startswith("Fees") for line in tally.lines())
    assert tally.to_json()["fees"] is None
    tally.fees = {}
    assert "Fees          none" in tally.lines()


def test_amounts_for_programs_are_text() -> None:
    told = run().to_json()
    assert told["spent"] == "3000"
    assert told["outcomes"] == {"paid": 3, "refused": 1}
    assert told["latency_us"] == {"p50": 1_000, "p99": 30_000, "max": 30_000}


def test_a_run_that_was_stopped_at_once() -> None:
    assert Tally().lines()[1] == "Latency       nothing was measured"
