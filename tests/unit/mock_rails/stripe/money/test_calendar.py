"""Business days (facts: stripe 1.8, 3): not weekends, nor the Federal Reserve's holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mock_rails.stripe.calendar import business_days_after, is_business_day


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("earned", "days", "available"),
    [
        ("2026-03-02T10:30", 2, "2026-03-04"),  # Monday to Wednesday
        ("2026-03-05T23:59:59", 2, "2026-03-09"),  # Thursday over the weekend
        ("2026-03-06T00:00", 2, "2026-03-10"),  # Friday to Tuesday
        ("2026-03-07T12:00", 1, "2026-03-09"),  # a Saturday counts from Monday
        ("2026-01-16T12:00", 1, "2026-01-20"),  # King's day is a Monday
        ("2026-12-24T12:00", 2, "2026-12-29"),  # Christmas is a Friday
    ],
)
def test_money_is_available_at_the_start_of_a_later_business_day(
    earned: str, days: int, available: str
) -> None:
    assert business_days_after(at(earned), days) == at(available)


def test_no_delay_is_no_delay() -> None:
    assert business_days_after(at("2026-03-07T12:34:56"), 0) == at("2026-03-07T12:34:56")


def test_the_holidays_of_a_year() -> None:
    closed = [
        day
        for number in range(365)
        if (day := date.fromordinal(date(2027, 1, 1).toordinal() + number)).weekday() < 5
        and not is_business_day(day)
    ]
    assert [day.isoformat() for day in closed] == [
        "2027-01-01",
        "2027-01-18",
        "2027-02-15",
        "2027-05-31",
        # Juneteenth is a Saturday in 2027, on which banks keep no holiday
        "2027-07-05",  # the 4th is a Sunday
        "2027-09-06",
        "2027-10-11",
        "2027-11-11",
        "2027-11-25",
        # and so is Christmas
    ]
