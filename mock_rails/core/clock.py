"""The sandbox's time: one clock that every rail obeys.

Block timestamps, invoice expiry, Stripe test clocks and webhook retries all ask this clock, so that
a test may freeze a minute or skip a month for the whole devnet at once. It follows the wall until
someone freezes, sets or advances it, and it never runs backwards on its own. This is the only
module that reads the real time; a lint rule (ruff TID251) keeps it so.

Time is an integer number of microseconds since 1970 (UTC).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import ClockError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator

US_PER_MS: Final = 1_000
US_PER_S: Final = 1_000_000

LATEST_US: Final = 253_370_764_800 * US_PER_S
"""New Year of 9999. A clock set this far runs on for a year before dates end (Python, RFC 3339)."""

_RECHECK_S: Final = 1
"""A sleeper looks at the wall at least this often: a suspended laptop wakes with the time gone."""


@dataclass(eq=False, slots=True)
class _Sleeper:
    """One coroutine that waits for a time, and the event loop it waits in."""

    deadline_us: int
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Make it look at the clock again; callable from any thread."""
        self.loop.call_soon_threadsafe(self.changed.set)


class Clock:
    """Sandbox time: the wall's time plus an offset, or a frozen instant.

    `Clock()` follows the wall; `Clock.frozen(at_s)` stands still until told otherwise. One clock
    may serve several event loops and be steered from any thread.
    """

    def __init__(self) -> None:
        self._offset_us = 0
        self._frozen_at_us: int | None = None
        self._latest_us = 0
        self._sleepers: list[_Sleeper] = []

    @classmethod
    def frozen(cls, at_s: int) -> Clock:
        """A clock that stands at `at_s` (Unix seconds), for tests and reproducible runs."""
        clock = cls()
        clock._frozen_at_us = _checked_us(at_s) and _checked_us(at_s * US_PER_S)
        return clock

    # -- reading ----------------------------------------------------------------------------------

    def now_us(self) -> int:
        """Sandbox time in microseconds since 1970."""
        if self._frozen_at_us is not None:
            return self._frozen_at_us
        now_us = self.wall_us() + self._offset_us
        if now_us < self._latest_us:  # the wall was set back: stand still until it has caught up
            return self._latest_us
        self._latest_us = now_us
        return now_us

    def now_ms(self) -> int:
        """Sandbox time in milliseconds since 1970, rounded down."""
        return self.now_us() // US_PER_MS

    def now_s(self) -> int:
        """Sandbox time in seconds since 1970, rounded down."""
        return self.now_us() // US_PER_S

    def utc(self) -> datetime:
        """Sandbox time as an aware calendar date, for RFC 3339 texts."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now_us())

    def wall_s(self) -> int:
        """Real time in seconds: only for what outsiders check, such as webhook signatures."""
        return self.wall_us() // US_PER_S

    def wall_us(self) -> int:
        """The same in microseconds. All that this clock knows of the real time comes from here, so
        that a clock which replays a run overrides nothing else."""
        return time.time_ns() // 1_000

    def monotonic_ns(self) -> int:
        """A counter for measuring how long something really took; never sandbox time."""
        return time.perf_counter_ns()

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at_us is not None

    # -- steering ---------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop time where it is; `advance` and `set_us` still move it."""
        self._frozen_at_us = self.now_us()
        self._wake_sleepers()

    def resume(self) -> None:
        """Let a frozen clock run on, from the instant it stood at."""
        if self._frozen_at_us is None:
            return
        self._move_to(self._frozen_at_us, frozen=False)

    def set_us(self, at_us: int, *, backwards: bool = False) -> None:
        """Jump to `at_us`. Into the past only with `backwards=True`: blocks and expiries assume
        that time grows."""
        _checked_us(at_us)
        now_us = self.now_us()
        if at_us < now_us and not backwards:
            raise ClockError(
                f"Time does not run backwards: it is {now_us} us and {at_us} us was asked for.",
                hint="Pass backwards=True if nothing depends on the time in between.",
                details={"now_us": now_us, "asked_us": at_us},
            )
        self._move_to(at_us, frozen=self.is_frozen)

    def advance(self, by: int | timedelta) -> None:
        """Jump forward by whole seconds or a timedelta; a frozen clock stays frozen."""
        self._move_to(_checked_us(self.now_us() + _span_us(by)), frozen=self.is_frozen)

    # -- waiting ----------------------------------------------------------------------------------

    async def sleep(self, span: int | timedelta) -> None:
        """Wait until sandbox time has passed by whole seconds or a timedelta, however it passes:
        by the wall, by `advance` or by `set_us`. On a frozen clock that is for ever, unless moved.
        """
        await self.sleep_until_us(self.now_us() + _span_us(span))

    async def sleep_until_us(self, deadline_us: int) -> None:
        """Wait until sandbox time has reached `deadline_us`."""
        sleeper = _Sleeper(deadline_us, asyncio.get_running_loop())
        with self._registered(sleeper):
            while (left_us := deadline_us - self.now_us()) > 0:
                timeout_s = None if self.is_frozen else min(left_us / US_PER_S, _RECHECK_S)
                try:
                    async with asyncio.timeout(timeout_s):
                        await sleeper.changed.wait()
                except TimeoutError:
                    continue
                sleeper.changed.clear()
        await asyncio.sleep(0)

    async def yield_to_loop(self) -> None:
        """Let the other tasks of this event loop run once; no time passes."""
        await asyncio.sleep(0)

    async def wall_sleep(self, span: int | timedelta) -> None:
        """Wait in real time, whatever the sandbox's time does: for sockets and processes only."""
        await asyncio.sleep(_span_us(span) / US_PER_S)

    @property
    def next_due_us(self) -> int | None:
        """The earliest time that somebody waits for; None if nobody waits."""
        return min((one.deadline_us for one in self._sleepers), default=None)

    def wake(self) -> None:
        """Let everybody who waits look at the time again."""
        self._wake_sleepers()

    # -- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """A frozen clock is its instant. A running one is its distance from the wall, so that a
        state file loaded tomorrow does not live in yesterday."""
        if self._frozen_at_us is not None:
            return {"frozen_at_us": self._frozen_at_us}
        return {"offset_us": self._offset_us}

    def restore(self, document: object) -> None:
        """Take over a snapshot's time, be it later or earlier than the present one."""
        match document:
            case {"frozen_at_us": at_us, **rest} if not rest and _is_time(at_us):
                self._move_to(at_us, frozen=True)
            case {"offset_us": int(offset_us), **rest} if not rest and _is_time(
                at_us := self.wall_us() + offset_us
            ):
                self._move_to(at_us, frozen=False)
                self._offset_us = offset_us  # exactly: microseconds have passed since the reading
            case _:
                raise SnapshotError(
                    "The clock's part must hold either frozen_at_us or offset_us, as an integer "
                    f"that leads to a time between 1970 and 9999, not {repr(document)[:100]}.",
                )

    # -- inside -----------------------------------------------------------------------------------

    def _move_to(self, at_us: int, *, frozen: bool) -> None:
        if frozen:
            self._frozen_at_us = at_us
        else:
            self._frozen_at_us = None
            self._offset_us = at_us - self.wall_us()
        self._latest_us = 0 if frozen else at_us
        self._wake_sleepers()

    def _wake_sleepers(self) -> None:
        """All of them, earliest deadline first: those not due yet must set a new timer."""
        for sleeper in sorted(self._sleepers, key=lambda one: one.deadline_us):
            if not sleeper.loop.is_closed():
                sleeper.wake()

    @contextmanager
    def _registered(self, sleeper: _Sleeper) -> Iterator[None]:
        self._sleepers.append(sleeper)
        try:
            yield
        finally:
            self._sleepers.remove(sleeper)


def _is_time(at_us: object) -> bool:
    return type(at_us) is int and 0 <= at_us <= LATEST_US


def _checked_us(at_us: int) -> int:
    if isinstance(at_us, bool) or not isinstance(at_us, int):
        raise ClockError(f"A time is a whole number, not {at_us!r}.")
    if not _is_time(at_us):
        raise ClockError(
            f"The time {at_us} us is outside the calendar.",
            hint=f"Times run from 0 (1970) to {LATEST_US} (New Year of 9999), in microseconds.",
        )
    return at_us


def _span_us(span: int | timedelta) -> int:
    if isinstance(span, timedelta):
        span_us = span // timedelta(microseconds=1)
    elif isinstance(span, int) and not isinstance(span, bool):
        span_us = span * US_PER_S
    else:
        raise ClockError(
            f"A span of time is a whole number of seconds or a timedelta, not {span!r}.",
            hint="Use timedelta(milliseconds=...) for parts of a second.",
        )
    if span_us < 0:
        raise ClockError(f"A span of time cannot be negative: {span!r}.")
    return span_us
