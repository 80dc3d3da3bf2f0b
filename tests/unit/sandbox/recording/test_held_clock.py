"""The wall that a recording holds: who waits in real time waits for it, too."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sandbox.recording.held_clock import HeldClock

START_US = 1_800_000_000_000_000


async def waiting(clock: HeldClock, *spans_s: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(clock.wall_sleep(one)) for one in spans_s]
    await clock.yield_to_loop()
    return tasks


async def test_who_waits_a_minute_wakes_when_the_wall_is_said_to_show_it() -> None:
    clock = HeldClock(START_US)
    clock.begin()
    (minute, hour) = await waiting(clock, 60, 3_600)
    assert clock.due_wall_us() == START_US + 60_000_000
    clock.hold(START_US + 60_000_000)
    await asyncio.wait_for(minute, 5)
    assert not hour.done()
    assert clock.due_wall_us() == START_US + 3_600_000_000
    clock.let_go()
    await asyncio.wait_for(hour, 5)
    assert clock.due_wall_us() is None


async def test_a_frozen_sandbox_does_not_keep_those_who_wait_in_real_time() -> None:
    clock = HeldClock(START_US)
    clock.begin()
    clock.freeze()
    sleeper = asyncio.ensure_future(clock.sleep(5))
    (minute,) = await waiting(clock, 60)
    assert clock.due_wall_us() == START_US + 60_000_000
    for task in (sleeper, minute):
        task.cancel()
    await asyncio.wait({sleeper, minute})


async def test_a_wall_that_was_let_go_goes_on_from_where_it_stood() -> None:
    clock = HeldClock(START_US)
    await clock.wall_sleep(timedelta(0))  # nothing has begun: this is real
    clock.begin()
    clock.hold(START_US + 7)
    assert (clock.wall_us(), clock.monotonic_ns()) == (START_US + 7, (START_US + 7) * 1_000)
    clock.let_go()
    first = clock.wall_us()
    await clock.wall_sleep(timedelta(milliseconds=2))
    assert clock.wall_us() > first >= START_US + 7
