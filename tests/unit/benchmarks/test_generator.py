"""The generator keeps to its schedule whatever the server does (style 4.2, open schedules)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from benchmarks.generator import Generator, lag_at_rest_us
from benchmarks.leg import Outcome, Phase
from benchmarks.recorder import decode
from benchmarks.schedule import Arrivals, draw
from mock_rails.core.clock import Clock
from mock_rails.core.seeds import Seeds

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCK = Clock()


class Slow:
    """A customer of a server that answers after a while, and once stands still."""

    def __init__(self, took_ms: int = 1, fails: bool = False) -> None:
        self.took = timedelta(milliseconds=took_ms)
        self.fails = fails
        self.asked = 0

    async def request(self) -> Mapping[Phase, int]:
        self.asked += 1
        await CLOCK.wall_sleep(self.took)
        if self.fails:
            raise ValueError("no such goods")
        return {Phase.PAID: 7}


class Opening(Slow):
    """One that keeps how many asked at the same time as its first request."""

    now = 0

    def __init__(self) -> None:
        super().__init__(took_ms=20)
        self.most = 0

    async def request(self) -> Mapping[Phase, int]:
        Opening.now += 1
        self.most = self.most or Opening.now
        try:
            return await super().request()
        finally:
            Opening.now -= 1


def constant(per_s: float, duration_s: float) -> list[int]:
    stream = Seeds(1).stream("x")
    return draw(Arrivals.CONSTANT, per_s=per_s, duration_s=duration_s, stream=stream)


async def run(generator: Generator, due_us: list[int]) -> list[tuple[int, Outcome]]:
    await generator.run_open(due_us, CLOCK.monotonic_ns())
    return [(one.due_us, one.outcome) for one in generator.take().samples]


async def test_each_moment_of_the_schedule_has_its_request() -> None:
    due = constant(200, 0.1)
    generator = Generator([Slow() for _ in range(4)], CLOCK, 5)
    done = await run(generator, due)
    assert sorted(done) == [(at, Outcome.OK) for at in due]
    assert generator.take().samples == []  # they were taken


async def test_who_waits_for_a_free_user_has_waited_since_his_moment() -> None:
    generator = Generator([Slow(took_ms=50)], CLOCK, 5)
    await generator.run_open([0, 0, 0], CLOCK.monotonic_ns())
    taken = generator.take()
    waited = sorted(one.ended_us - one.due_us for one in taken.samples)
    assert waited[2] >= 3 * 50_000  # the third stood behind two others
    assert max(taken.lags_us) < 100_000  # and that was not the generator's fault


async def test_patience_ends_for_those_who_ask_and_for_those_who_wait_to() -> None:
    slow = Slow(took_ms=10_000)
    done = await run(Generator([slow], CLOCK, 0.1), [0, 0])
    assert done == [(0, Outcome.TIMEOUT), (0, Outcome.TIMEOUT)]


async def test_failures_are_counted_with_their_reasons() -> None:
    generator = Generator([Slow(fails=True)], CLOCK, 5)
    assert await run(generator, [0, 1]) == [(0, Outcome.FAILED), (1, Outcome.FAILED)]
    assert dict(generator.reasons) == {"ValueError: no such goods": 2}


async def test_users_without_a_schedule_ask_as_fast_as_they_are_served() -> None:
    customers = [Slow(), Slow()]
    generator = Generator(customers, CLOCK, 5)
    await generator.run_closed(0.1, CLOCK.monotonic_ns())
    samples = generator.take().samples
    assert all(one.asked > 5 for one in customers)
    assert len(samples) == sum(one.asked for one in customers)
    assert {one.phases_us[Phase.PAID] for one in samples} == {7}


async def test_warming_up_is_not_counted_and_fails_loudly() -> None:
    generator = Generator([Slow()], CLOCK, 5)
    await generator.warm_up(3)
    assert generator.take().samples == []
    with pytest.raises(ValueError, match="no such goods"):
        await Generator([Slow(fails=True)], CLOCK, 5).warm_up(1)


async def test_first_requests_are_timed_one_after_the_other_and_are_no_part_of_the_leg() -> None:
    """Nine customers of 20 ms: the first eight open alone, so that none waits for another."""
    customers = [Opening() for _ in range(9)]
    generator = Generator(customers, CLOCK, 5)
    await generator.warm_up(2)
    assert [one.asked for one in customers] == [2] * 9
    assert [one.most for one in customers[:8]] == [1] * 8
    await generator.run_open([0], CLOCK.monotonic_ns())
    recorder = generator.take().recorder()
    opening = decode(recorder.encoded()[Phase.OPENING][Outcome.OK])
    assert opening.get_total_count() == 8
    assert opening.get_min_value() >= 19_000
    assert recorder.counts()[Outcome.OK] == 1
    assert not generator.take().openings_us


async def test_who_does_not_warm_up_opens_nothing() -> None:
    generator = Generator([Slow()], CLOCK, 5)
    await generator.warm_up(0)
    assert Phase.OPENING not in generator.take().recorder().encoded()


async def test_a_loop_at_rest_is_hardly_late() -> None:
    assert 0 <= await lag_at_rest_us(CLOCK) < 1_000_000


async def test_what_interrupts_the_generator_ends_its_requests() -> None:
    running = asyncio.create_task(
        Generator([Slow(took_ms=60_000)], CLOCK, 60).run_open([0], CLOCK.monotonic_ns())
    )
    await CLOCK.wall_sleep(timedelta(milliseconds=20))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_generator_that_is_stopped_sends_nothing_more_and_waits_for_what_is_under_way() -> (
    None
):
    generator = Generator([Slow(took_ms=50), Slow()], CLOCK, 5)
    running = asyncio.create_task(generator.run_open([0, 60_000_000], CLOCK.monotonic_ns()))
    await CLOCK.wall_sleep(timedelta(milliseconds=20))
    generator.stop()
    await running
    assert [(one.due_us, one.outcome) for one in generator.take().samples] == [(0, Outcome.OK)]
