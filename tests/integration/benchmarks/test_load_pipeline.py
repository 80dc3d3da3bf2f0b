"""A server of known delays through the whole pipeline: Locust, generator, recorder, a leg's folder.

Its percentiles are known beforehand, those of a server that stands still for two seconds among them
(issue 8; style 4.2, coordinated omission).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.driver import Driver, Load
from benchmarks.leg import Kind, Leg, Outcome, Phase, read_histograms, read_samples, write_leg
from benchmarks.orders import Order, Places
from benchmarks.recorder import decode
from benchmarks.schedule import Arrivals
from mock_rails.core.clock import Clock
from mock_rails.server import Host

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = Clock()
PER_S = 50
DURATION_S = 4
DELAY_MS = 20
STALL_MS = 2_000
STALL_AFTER = 50
"""Requests, and so a second."""


class Server:
    """Answers after a delay; with a stall, everybody who comes in those two seconds waits for its
    end."""

    def __init__(self, *, stalls: bool) -> None:
        self.stalls = stalls
        self.asked = 0
        self.until_ns = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked += 1
        if self.stalls and self.asked == STALL_AFTER:
            self.until_ns = CLOCK.monotonic_ns() + STALL_MS * 1_000_000
        left_ms = max(0, self.until_ns - CLOCK.monotonic_ns()) // 1_000_000
        await CLOCK.wall_sleep(timedelta(milliseconds=DELAY_MS + left_ms))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def measured(server: Server, *, workers: int = 0, duration_s: float, users: int) -> Load:
    order = Order(
        number=1, operation="free", users=users, duration_s=duration_s, per_s=PER_S, seed="1",
        arrivals=Arrivals.CONSTANT, warm_up=0,
    )  # fmt: skip
    async with Host(server) as host:

        def drive() -> Load:
            with Driver(workers=workers) as driver:
                return driver.run(order, Places(api_url=host.url, rpc_url=""), lambda what: None)

        return await asyncio.to_thread(drive)


def due_us(duration_s: float) -> list[int]:
    return [round(number * 1e6 / PER_S) for number in range(round(PER_S * duration_s))]


async def test_a_stall_of_two_seconds_is_seen_by_everybody_whose_moment_was_in_it(
    tmp_path: Path,
) -> None:
    server = Server(stalls=True)
    # Few users: most of those who wait have not even been sent when the stall ends.
    load = await measured(server, duration_s=DURATION_S, users=8)
    leg = Leg(1, "free", Kind.SINGLE, 0, PER_S, 8, load.duration_s, counts=load.recorder.counts())
    place = write_leg(tmp_path, leg, load.recorder.encoded(), load.recorder.samples)

    samples = list(read_samples(place))
    assert [one.due_us for one in samples] == due_us(DURATION_S)
    assert leg.counts[Outcome.OK] == len(samples) == server.asked
    total = decode(read_histograms(place)[Phase.TOTAL][Outcome.OK])

    def percentile_ms(percent: float) -> float:
        return float(total.get_value_at_percentile(percent)) / 1_000

    # A hundred of the two hundred were due in the stall, each 20 ms after the one before: the n-th
    # longest latency is at least two seconds less 20 ms for each of those before it.
    for percent in (60, 75, 90, 99):
        n = len(samples) * (1 - percent / 100)
        least_ms = STALL_MS + DELAY_MS - 20 * n
        assert least_ms - 5 <= percentile_ms(percent) < least_ms + 700  # what had heaped up
    assert percentile_ms(20) < 200  # who came before it was served at once
    # Who looks only at what was sent finds eight slow requests, one for each user.
    service = decode(read_histograms(place)[Phase.SERVICE][Outcome.OK])
    assert service.get_value_at_percentile(90) / 1_000 < 700
    # Locust's own statistics, and so its page, say the same as ours to three digits.
    assert load.locust["requests"] == len(samples)
    assert load.locust["p99_ms"] == pytest.approx(percentile_ms(99), rel=0.02)


async def test_a_master_and_two_workers_measure_what_one_would_without_loss() -> None:
    server = Server(stalls=False)
    load = await measured(server, workers=2, duration_s=2, users=6)
    recorder = load.recorder
    # Both shares together are the schedule, each moment once.
    assert sorted(one.due_us for one in recorder.samples) == due_us(2)
    assert server.asked == len(recorder.samples) == recorder.counts()[Outcome.OK]
    # The merged histogram counts each sample in its own bucket.
    for encoded, of in (
        (recorder.encoded()[Phase.TOTAL], lambda one: one.ended_us - one.due_us),
        (recorder.encoded()[Phase.SERVICE], lambda one: one.ended_us - one.started_us),
    ):
        found = decode(encoded[Outcome.OK])
        assert found.get_total_count() == len(recorder.samples)
        alone = decode(encoded[Outcome.OK])
        alone.reset()
        for one in recorder.samples:
            alone.record_value(of(one))
        assert alone.encode() == found.encode()
    assert recorder.percentile_us(Phase.SERVICE, 1) >= DELAY_MS * 1_000
    assert load.locust["requests"] == len(recorder.samples)
    # Locust's own report of it says the same.
    assert f'"num_requests": {len(recorder.samples)}' in load.page
