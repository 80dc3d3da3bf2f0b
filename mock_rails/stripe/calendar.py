"""Business days: weekdays on which the Federal Reserve's banks are open (facts: stripe 1.8, 3).

Days are UTC days, so that the same sandbox time means the same day on every machine.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_DAY: Final = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_FIXED: Final = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
"""New Year, Juneteenth, Independence Day, Veterans Day, Christmas: (month, day)."""
_FLOATING: Final = (
    (1, _MONDAY, 3),
    (2, _MONDAY, 3),
    (9, _MONDAY, 1),
    (10, _MONDAY, 2),
    (11, _THURSDAY, 4),
)
"""King, Washington, Labor Day, Columbus, Thanksgiving: (month, weekday, which one)."""


def is_business_day(day: date) -> bool:
    """Whether banks settle on that day."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year)


def business_days_after(at_s: int, days: int) -> int:
    """The start, as Unix time, of the day that is so many business days after `at_s`.

    No days after is `at_s` itself.
    """
    if days == 0:
        return at_s
    day = datetime.fromtimestamp(at_s, UTC).date()
    while days:
        day += _DAY
        days -= is_business_day(day)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    days = {_observed(date(year, month, day)) for month, day in _FIXED}
    days |= {_nth(year, month, weekday, which) for month, weekday, which in _FLOATING}
    last_of_may = date(year, 5, 31)
    days.add(last_of_may - last_of_may.weekday() * _DAY)  # Memorial Day: its last Monday
    return frozenset(days)


def _observed(day: date) -> date:
    """A holiday on a Sunday is kept on the Monday; one on a Saturday is not kept at all."""
    return day + _DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (which - 1)) * _DAY
