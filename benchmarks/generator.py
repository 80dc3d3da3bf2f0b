"""Sends requests when they are due, and measures them: one event loop in a thread of its own.

Open: each request has its moment, whatever became of those before. A user asks for one thing at a
time, as an agent does, so that a request whose users are all waiting waits for the first that is
free; its latency counts from its moment all the same. Closed: users ask as fast as they are served.

The lag is what the generator itself was late: from the moment when a request was due and a user
free until it was sent. It is asyncio's own loop over select(), whose timers go by the microsecond;
epoll's go by the millisecond. What is left is the loop being busy with another request, and the
system giving the processor to somebody else. How late a loop is that has nothing to do is measured
before anything is asked (`lag_at_rest_us`): no request can be sent with less.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from selectors import SelectSelector
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks.leg import Outcome, Phase, Sample
from benchmarks.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from concurrent.futures import Future

    from mock_rails.core.clock import Clock

_NS_PER_US: Final = 1_000
_US_PER_S: Final = 1_000_000
_REASONS: Final = 8
"""Different reasons of failures that are told."""
_ALONE: Final = 8
"""Customers whose first request is timed; with more, a leg's beginning would take too long."""
_REST_TIMERS: Final = 200
_REST_US: Final = 1_500
"""From one timer to the next, long enough for the processor to be given away."""


class Asked(Protocol):
    """Whoever can be asked for one request at a time."""

    async def request(self) -> Mapping[Phase, int]:
        """Make one; its phases. Raises if it was not served."""
        ...


@dataclass(slots=True)
class Taken:
    """What was measured since the last time that somebody took it."""

    samples: list[Sample] = field(default_factory=list)
    lags_us: list[int] = field(default_factory=list)
    openings_us: list[int] = field(default_factory=list)
    """What first requests took, of customers who made them one after the other."""

    def recorder(self) -> Recorder:
        """The same, counted."""
        recorder = Recorder()
        recorder.add(self.samples, self.lags_us)
        recorder.add_openings(self.openings_us)
        return recorder


class Generator:
    """The customers of one leg, and what comes of their requests."""

    def __init__(self, customers: Sequence[Asked], clock: Clock, patience_s: float) -> None:
        self._clock = clock
        self._patience_us = round(patience_s * _US_PER_S)
        self._customers = customers
        self._began_ns = 0
        self._taken = Taken()
        self._last_us = 0
        self._is_stopped = False
        self._timer: asyncio.Future[None] | None = None
        self.reasons: Counter[str] = Counter()
        """Why requests failed, and how often."""

    @property
    def duration_s(self) -> float:
        """From the beginning to the last answer so far."""
        return self._last_us / _US_PER_S

    def take(self) -> Taken:
        """What was measured since the last call; callable from another thread."""
        taken, self._taken = self._taken, Taken()
        return taken

    def stop(self) -> None:
        """Send nothing more; what is under way is waited for. Called in the loop's thread."""
        self._is_stopped = True
        if self._timer is not None and not self._timer.done():
            self._timer.set_result(None)

    async def warm_up(self, requests: int) -> None:
        """Let every customer make some requests that nobody counts; raises if one fails. Of some
        customers the first is timed, while nobody else asks."""
        alone = self._customers[: _ALONE if requests else 0]
        for customer in alone:
            began_ns = self._clock.monotonic_ns()
            await customer.request()
            took_us = (self._clock.monotonic_ns() - began_ns) // _NS_PER_US
            self._taken.openings_us.append(took_us)

        async def one(customer: Asked, left: int) -> None:
            for _ in range(left):
                await customer.request()

        async with asyncio.TaskGroup() as tasks:
            for number, customer in enumerate(self._customers):
                tasks.create_task(one(customer, requests - (number < len(alone))))

    async def run_open(self, due_us: Sequence[int], began_ns: int) -> None:
        """Send each request at its moment after the beginning, and wait for the last answer."""
        self._began_ns = began_ns
        self._idle = deque((customer, 0) for customer in self._customers)
        self._freed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for at_us in due_us:
                await self._until(at_us)
                if self._is_stopped:
                    break
                while not self._idle:
                    left_us = at_us + self._patience_us - self._now_us()
                    if left_us <= 0:
                        break
                    self._freed.clear()
                    with suppress(TimeoutError):
                        await _within(self._freed.wait(), left_us)
                if not self._idle:  # it waited for its turn until nobody waits any longer
                    now_us = self._now_us()
                    self._keep(Sample(at_us, now_us, now_us, Outcome.TIMEOUT))
                    continue
                customer, free_us = self._idle.popleft()
                tasks.create_task(self._serve(customer, at_us, free_us))

    async def run_closed(self, duration_s: float, began_ns: int) -> None:
        """Let all customers ask as fast as they are served."""
        self._began_ns = began_ns
        self._idle = deque()
        self._freed = asyncio.Event()
        await self._until(0)
        end_us = round(duration_s * _US_PER_S)

        async def one(customer: Asked) -> None:
            while (now_us := self._now_us()) < end_us and not self._is_stopped:
                await self._serve(customer, now_us, now_us)

        await asyncio.gather(*(one(customer) for customer in self._customers))

    async def _serve(self, customer: Asked, due_us: int, free_us: int) -> None:
        started_us = self._now_us()
        self._taken.lags_us.append(started_us - max(due_us, free_us))
        phases: Mapping[Phase, int] = {}
        outcome = Outcome.OK
        try:
            phases = await _within(
                customer.request(), max(1, due_us + self._patience_us - started_us)
            )
        except TimeoutError:
            outcome = Outcome.TIMEOUT
        except Exception as error:  # whatever it was, it is a request that failed
            outcome = Outcome.FAILED
            self._note(error)
        ended_us = self._now_us()
        self._keep(Sample(due_us, started_us, ended_us, outcome, phases))
        self._idle.append((customer, ended_us))
        self._freed.set()

    def _keep(self, sample: Sample) -> None:
        self._taken.samples.append(sample)
        self._last_us = max(self._last_us, sample.ended_us)

    def _note(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:200]
        if reason in self.reasons or len(self.reasons) < _REASONS:
            self.reasons[reason] += 1
        else:
            self.reasons["others"] += 1

    def _now_us(self) -> int:
        return (self._clock.monotonic_ns() - self._began_ns) // _NS_PER_US

    async def _until(self, at_us: int) -> None:
        """Wait in real time."""
        if (left_us := at_us - self._now_us()) > 0:
            self._timer = asyncio.get_running_loop().create_future()
            await _until_timer(left_us, self._timer)


async def lag_at_rest_us(clock: Clock) -> int:
    """How late this loop's timers are (p99) while it has nothing else to do."""
    late_us = []
    for _ in range(_REST_TIMERS):
        due_ns = clock.monotonic_ns() + _REST_US * _NS_PER_US
        await _until_timer(_REST_US, asyncio.get_running_loop().create_future())
        late_us.append((clock.monotonic_ns() - due_ns) // _NS_PER_US)
    return max(0, sorted(late_us)[int(0.99 * _REST_TIMERS)])


async def _until_timer(left_us: int, over: asyncio.Future[None]) -> None:
    timer = over.get_loop().call_later(left_us / _US_PER_S, _end, over)
    try:
        await over
    finally:
        timer.cancel()


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


async def _within(work: Coroutine[Any, Any, Any], left_us: int) -> Any:
    async with asyncio.timeout(left_us / _US_PER_S):
        return await work


class LoopThread:
    """An event loop in a thread of its own; used as a block."""

    def __init__(self) -> None:
        self._loop = asyncio.SelectorEventLoop(SelectSelector())
        self._thread = Thread(target=self._loop.run_forever, name="generator", daemon=True)

    def __enter__(self) -> LoopThread:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run something there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)
