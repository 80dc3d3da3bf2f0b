"""The clock: it follows the wall, obeys whoever steers it, and never runs backwards by itself."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from mock_rails.core import Clock, ClockError, SnapshotError
from mock_rails.core.clock import LATEST_US

NOON_S = 1_767_268_800
NOON_US = NOON_S * 1_000_000
HOUR_US = 3_600_000_000


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


# -- reading ---------------------------------------------------------------------------------------


def test_a_new_clock_shows_the_walls_time() -> None:
    before = time.time_ns() // 1_000
    now_us = Clock().now_us()
    assert before <= now_us <= time.time_ns() // 1_000


def test_units_are_rounded_down_from_one_reading() -> None:
    clock = Clock.frozen(NOON_S)
    clock.set_us(NOON_US + 1_999_999)
    assert clock.now_ms() == NOON_S * 1_000 + 1_999
    assert clock.now_s() == NOON_S + 1
    assert clock.utc() == datetime(2026, 1, 1, 12, 0, 1, 999_999, tzinfo=UTC)


def test_wall_time_ignores_steering() -> None:
    clock = Clock.frozen(NOON_S)
    clock.advance(timedelta(days=365))
    assert abs(clock.wall_s() - time.time()) < 2


def test_measuring_ignores_steering() -> None:
    clock = Clock.frozen(NOON_S)
    start_ns = clock.monotonic_ns()
    clock.advance(3600)
    assert 0 <= clock.monotonic_ns() - start_ns < 10_000_000_000


def test_stands_still_when_the_wall_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before_us = clock.now_us()
    monkeypatch.setattr(time, "time_ns", lambda: (before_us - HOUR_US) * 1_000)
    assert clock.now_us() == before_us


# -- steering --------------------------------------------------------------------------------------


def test_frozen_time_stands_and_resumed_time_runs_on_from_there() -> None:
    clock = Clock()
    clock.freeze()
    stood_us = clock.now_us()
    time.sleep(0.005)
    assert clock.is_frozen
    assert clock.now_us() == stood_us
    clock.resume()
    assert not clock.is_frozen
    assert stood_us <= clock.now_us() < stood_us + 2_000_000


def test_resuming_a_running_clock_changes_nothing() -> None:
    clock = Clock()
    document = clock.snapshot()
    clock.resume()
    assert clock.snapshot() == document


def test_advance_jumps_a_running_clock() -> None:
    clock = Clock()
    before_us = clock.now_us()
    clock.advance(timedelta(hours=1))
    assert HOUR_US <= clock.now_us() - before_us < HOUR_US + 2_000_000
    assert not clock.is_frozen


def test_advance_moves_a_frozen_clock_and_leaves_it_frozen() -> None:
    clock = Clock.frozen(NOON_S)
    clock.advance(60)
    clock.advance(timedelta(microseconds=1))
    assert clock.now_us() == NOON_US + 60_000_001
    assert clock.is_frozen


def test_set_goes_back_only_when_told_so() -> None:
    clock = Clock.frozen(NOON_S)
    with pytest.raises(ClockError, match="does not run backwards") as caught:
        clock.set_us(NOON_US - 1)
    assert caught.value.details == {"now_us": NOON_US, "asked_us": NOON_US - 1}
    assert clock.now_us() == NOON_US
    clock.set_us(NOON_US - 1, backwards=True)
    assert clock.now_us() == NOON_US - 1


def test_a_running_clock_set_back_runs_on_from_there() -> None:
    clock = Clock()
    there_us = clock.now_us() - HOUR_US
    clock.set_us(there_us, backwards=True)
    assert there_us <= clock.now_us() < there_us + 2_000_000


@pytest.mark.parametrize("span", [-1, timedelta(microseconds=-1), 1.5, True, "60", None])
def test_advance_refuses_what_is_no_span(span: object) -> None:
    clock = Clock.frozen(NOON_S)
    with pytest.raises(ClockError):
        clock.advance(span)  # type: ignore[arg-type]
    assert clock.now_us() == NOON_US


@pytest.mark.parametrize("at_us", [-1, LATEST_US + 1, 1.0, True, "now"])
def test_set_refuses_what_is_no_time(at_us: object) -> None:
    clock = Clock.frozen(NOON_S)
    with pytest.raises(ClockError):
        clock.set_us(at_us)  # type: ignore[arg-type]
    assert clock.now_us() == NOON_US


@pytest.mark.parametrize("at_s", [1.5, "0", True, -1, LATEST_US])
def test_a_clock_cannot_be_made_at_what_is_no_time(at_s: object) -> None:
    with pytest.raises(ClockError):
        Clock.frozen(at_s)  # type: ignore[arg-type]


# -- waiting ---------------------------------------------------------------------------------------


async def test_sleep_on_a_running_clock_takes_its_time() -> None:
    clock = Clock()
    before_us = clock.now_us()
    await clock.sleep(timedelta(milliseconds=20))
    assert clock.now_us() - before_us >= 20_000


async def test_a_sleeper_wakes_when_time_is_advanced_past_it() -> None:
    clock = Clock.frozen(NOON_S)
    sleeper = asyncio.create_task(clock.sleep(60))
    await settle()
    clock.advance(59)
    await settle()
    assert not sleeper.done()
    clock.advance(1)
    await asyncio.wait_for(sleeper, 1)


async def test_a_sleeper_on_a_running_clock_obeys_advance() -> None:
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(3600))
    await settle()
    clock.advance(3600)
    await asyncio.wait_for(sleeper, 1)


async def test_a_sleeper_wakes_when_time_is_restored_past_it() -> None:
    clock = Clock.frozen(NOON_S)
    sleeper = asyncio.create_task(clock.sleep(60))
    await settle()
    clock.restore({"frozen_at_us": NOON_US + 60_000_000})
    await asyncio.wait_for(sleeper, 1)


async def test_a_sleeper_follows_the_clock_from_frozen_to_running() -> None:
    clock = Clock.frozen(NOON_S)
    sleeper = asyncio.create_task(clock.sleep(timedelta(milliseconds=10)))
    await asyncio.sleep(0.03)
    assert not sleeper.done()
    clock.resume()
    await asyncio.wait_for(sleeper, 1)


async def test_a_frozen_clock_holds_a_sleeper_that_was_running() -> None:
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(timedelta(milliseconds=20)))
    await settle()
    clock.freeze()
    await asyncio.sleep(0.05)
    assert not sleeper.done()
    clock.advance(1)
    await asyncio.wait_for(sleeper, 1)


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = Clock.frozen(NOON_S)
    woken: list[int] = []

    async def wait(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as tasks:
        for seconds in (30, 10, 20):
            tasks.create_task(wait(seconds))
        await settle()
        clock.advance(60)
    assert woken == [10, 20, 30]


async def test_a_sleeper_is_woken_from_another_thread() -> None:
    clock = Clock.frozen(NOON_S)
    sleeper = asyncio.create_task(clock.sleep(60))
    await settle()
    thread = threading.Thread(target=clock.advance, args=(60,))
    thread.start()
    await asyncio.wait_for(sleeper, 1)
    thread.join()


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = Clock.frozen(NOON_S)
    sleeper = asyncio.create_task(clock.sleep(60))
    await settle()
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert not clock._sleepers


def test_a_sleeper_of_a_closed_loop_does_not_disturb_the_clock() -> None:
    clock = Clock.frozen(NOON_S)
    loop = asyncio.new_event_loop()
    sleeper = loop.create_task(clock.sleep(60))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    clock.advance(60)
    assert clock.now_s() == NOON_S + 60
    sleeper._log_destroy_pending = False  # type: ignore[attr-defined]  # abandoned on purpose


async def test_sleeping_no_time_lets_others_run() -> None:
    clock = Clock.frozen(NOON_S)
    ran: list[str] = []
    other = asyncio.create_task(_note(ran))
    await clock.sleep(0)
    assert ran == ["other"]
    await other


async def _note(ran: list[str]) -> None:
    ran.append("other")


async def test_yielding_lets_others_run_on_a_frozen_clock() -> None:
    clock = Clock.frozen(NOON_S)
    ran: list[str] = []
    other = asyncio.create_task(_note(ran))
    await clock.yield_to_loop()
    assert ran == ["other"]
    assert clock.now_us() == NOON_US
    await other


async def test_wall_sleep_takes_real_time_on_a_frozen_clock() -> None:
    clock = Clock.frozen(NOON_S)
    start_ns = clock.monotonic_ns()
    await clock.wall_sleep(timedelta(milliseconds=10))
    assert clock.monotonic_ns() - start_ns >= 9_000_000
    assert clock.now_us() == NOON_US


# -- snapshots -------------------------------------------------------------------------------------


def test_a_frozen_clock_is_restored_exactly() -> None:
    clock = Clock.frozen(NOON_S)
    document = clock.snapshot()
    clock.advance(60)
    clock.resume()
    clock.restore(document)
    assert clock.is_frozen
    assert clock.now_us() == NOON_US
    assert clock.snapshot() == document


def test_a_running_clock_is_restored_at_its_distance_from_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    clock.advance(timedelta(hours=1))
    document = clock.snapshot()
    tomorrow_ns = time.time_ns() + 24 * HOUR_US * 1_000
    monkeypatch.setattr(time, "time_ns", lambda: tomorrow_ns)
    other = Clock.frozen(NOON_S)
    other.restore(document)
    assert other.snapshot() == document
    assert abs(other.now_us() - (tomorrow_ns // 1_000 + HOUR_US)) < 2_000_000


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        {"frozen_at_us": "noon"},
        {"frozen_at_us": -1},
        {"frozen_at_us": True},
        {"frozen_at_us": 1, "offset_us": 1},
        {"offset_us": 1.5},
        {"offset_us": -LATEST_US},
        {"offset_us": LATEST_US},
    ],
)
def test_restore_refuses_what_is_no_clock(document: object) -> None:
    clock = Clock.frozen(NOON_S)
    with pytest.raises(SnapshotError):
        clock.restore(document)
    assert clock.snapshot() == {"frozen_at_us": NOON_US}
