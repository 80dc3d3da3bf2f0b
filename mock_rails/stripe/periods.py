"""Calendar periods: hours to years, counted from a start (facts: stripe 1.4, 1.9).

Months and years keep the day of the month, or take the month's last day where it is shorter; they
are always counted from the start, so the 31st comes back after February.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import Final

_SECONDS: Final = {"hour": 3_600, "day": 86_400, "week": 604_800}
_MONTHS: Final = {"month": 1, "year": 12}


def after(start_s: int, interval: str, count: int) -> int:
    """The time `count` intervals after the start."""
    if interval in _SECONDS:
        return start_s + count * _SECONDS[interval]
    start = datetime.fromtimestamp(start_s, UTC)
    months = start.year * 12 + start.month - 1 + count * _MONTHS[interval]
    year, month = months // 12, months % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def begin(start_s: int, now_s: int, interval: str, count: int = 1) -> int:
    """When the period of `count` intervals began that `now_s` is in."""
    if interval in _SECONDS:
        length_s = count * _SECONDS[interval]
        return start_s + (now_s - start_s) // length_s * length_s
    start, now = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(now_s, UTC)
    months = (now.year - start.year) * 12 + now.month - start.month
    periods = months // (count * _MONTHS[interval])
    if after(start_s, interval, periods * count) > now_s:
        periods -= 1
    return after(start_s, interval, periods * count)
