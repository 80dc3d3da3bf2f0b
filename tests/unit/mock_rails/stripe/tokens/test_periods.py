"""Calendar periods, as recurring limits and subscriptions count them (facts: stripe 1.4, 1.9)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.stripe import periods

INTERVALS = ("hour", "day", "week", "month", "year")


def seconds(text: str) -> int:
    """A time as Unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("start", "interval", "count", "end"),
    [
        ("2026-01-31T10:00", "month", 1, "2026-02-28T10:00"),
        ("2026-01-31T10:00", "month", 2, "2026-03-31T10:00"),
        ("2026-11-30T10:00", "month", 3, "2027-02-28T10:00"),
        ("2028-02-29T00:00", "year", 1, "2029-02-28T00:00"),
        ("2028-02-29T00:00", "year", 4, "2032-02-29T00:00"),
        ("2026-01-01T00:00", "week", 2, "2026-01-15T00:00"),
        ("2026-01-01T00:00", "hour", 25, "2026-01-02T01:00"),
    ],
)
def test_months_keep_their_day_or_take_the_last(
    start: str, interval: str, count: int, end: str
) -> None:
    assert periods.after(seconds(start), interval, count) == seconds(end)


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(INTERVALS),
    st.integers(1, 12),
    st.integers(0, 20),
)
def test_a_period_holds_from_its_begin_to_the_next(
    start_s: int, interval: str, count: int, number: int
) -> None:
    begun_s = periods.after(start_s, interval, number * count)
    next_s = periods.after(start_s, interval, (number + 1) * count)
    assert begun_s < next_s
    for now_s in (begun_s, (begun_s + next_s) // 2, next_s - 1):
        assert periods.begin(start_s, now_s, interval, count) == begun_s
