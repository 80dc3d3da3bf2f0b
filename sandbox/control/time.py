"""The devnet's clock, as the control tells and moves it: one for the rails and the merchants.

A span is written `16m`, `1h30m`, `+2d`, `500ms` or, as a plain number, in seconds; an instant as
RFC 3339 has it, or as a date, which begins at midnight UTC. What is due by the new time happens at
once: challenges and invoices expire, forced closes ripen, webhooks are tried again, subscriptions
renew (DESIGN 2.4). Merchant processes know the new time before the answer is given.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import LATEST_US, US_PER_S
from mock_rails.core.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock
    from sandbox.devnet import Devnet

_MS: Final = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_SPAN: Final = re.compile(r"\+?(?:(?:[0-9]{1,15}(?:ms|[wdhms]))+|[0-9]{1,15})")
_PART: Final = re.compile(r"([0-9]+)(ms|[wdhms])?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_SECONDS: Final = 12


def shown(clock: Clock) -> dict[str, Any]:
    """The time as people and programs want it, and how far it is ahead of the wall's."""
    now_us = clock.now_us()
    return {
        "now": _text(now_us),
        "now_us": now_us,
        "frozen": clock.is_frozen,
        "ahead_s": now_us // US_PER_S - clock.wall_s(),
    }


async def advance(devnet: Devnet, by: str | int) -> dict[str, Any]:
    """Jump forward by a span."""
    span = read_span(by)
    return await _moved(devnet, lambda clock: clock.advance(span))


async def set_to(devnet: Devnet, to: str | int, *, backwards: bool) -> dict[str, Any]:
    """Jump to an instant; into the past only if that is said."""
    at_us = read_instant(to)
    if not backwards:
        _check_later(devnet.context.clock, at_us)
    return await _moved(devnet, lambda clock: clock.set_us(at_us, backwards=backwards))


async def freeze(devnet: Devnet, at: str | int | None) -> dict[str, Any]:
    """Stop the clock where it is, or at a later instant."""
    at_us = None if at is None else read_instant(at)

    if at_us is not None:
        _check_later(devnet.context.clock, at_us)

    def move(clock: Clock) -> None:
        if at_us is not None:
            clock.set_us(at_us, backwards=True)  # a running one may have passed it since
        clock.freeze()

    return await _moved(devnet, move)


async def resume(devnet: Devnet) -> dict[str, Any]:
    """Let a frozen clock run on from where it stands."""
    return await _moved(devnet, lambda clock: clock.resume())


def read_span(text: str | int) -> timedelta:
    """A span of time that somebody has written."""
    written = str(text).strip().replace(" ", "")
    if not _SPAN.fullmatch(written):
        raise ClockError(
            f"{str(text)[:60]!r} is no span of time.",
            hint="Write it as 90s, 16m, 1h30m, 2d or 500ms; a plain number is seconds.",
        )
    parts = _PART.findall(written)
    total_ms = sum(int(count) * _MS[unit or "s"] for count, unit in parts)
    try:
        return timedelta(milliseconds=total_ms)
    except OverflowError:
        raise ClockError(f"{written[:60]} is longer than the calendar.") from None


def read_instant(text: str | int) -> int:
    """An instant that somebody has written, in microseconds since 1970."""
    written = str(text).strip()
    at_us = _instant(written)
    if at_us is None:
        raise ClockError(
            f"{written[:60]!r} is no instant.",
            hint="Write it as 2026-12-01T00:00:00Z, with its time zone, or as Unix seconds.",
        )
    if not 0 <= at_us <= LATEST_US:
        raise ClockError(f"{written[:60]} is not between 1970 and 9999.")
    return at_us


def _instant(written: str) -> int | None:
    if written.isascii() and written.isdigit():
        return int(written) * US_PER_S if len(written) <= _LONGEST_SECONDS else None
    try:
        found = datetime.fromisoformat(written.upper())
    except ValueError:
        return None
    if found.tzinfo is None:
        if len(written) != len("2026-12-01"):
            return None
        found = found.replace(tzinfo=UTC)
    return (found - _EPOCH) // _MICROSECOND


def _check_later(clock: Clock, at_us: int) -> None:
    now_us = clock.now_us()
    if at_us < now_us:
        raise ClockError(
            f"It is {_text(now_us)}, and {_text(at_us)} is earlier.",
            hint="Only `set` with `backwards` goes into the past: blocks and expiries assume that "
            "time grows.",
            details={"now_us": now_us, "asked_us": at_us},
        )


async def _moved(devnet: Devnet, move: Callable[[Clock], None]) -> dict[str, Any]:
    """Move the clock, let everybody know, and say what time it is."""
    clock = devnet.context.clock
    move(clock)
    time = shown(clock)
    devnet.context.journal.append("sandbox", "clock.moved", time)
    await devnet.tell_time()
    await clock.yield_to_loop()
    return time


def _text(at_us: int) -> str:
    return (_EPOCH + at_us * _MICROSECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")
