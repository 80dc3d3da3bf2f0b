"""One generator process's part of a leg: its customers, its share of the schedule, its processor.

Everything that touches customers happens in the event loop's thread; what is here is called from
the thread of whoever steers it, and answers with futures.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from benchmarks.generator import Generator, LoopThread, Taken
from benchmarks.operations import OPERATIONS, Customer
from benchmarks.schedule import draw, share
from mock_rails.core.seeds import Seeds

if TYPE_CHECKING:
    from concurrent.futures import Future

    from benchmarks.orders import Order, Places
    from mock_rails.core.clock import Clock

_OPENING: Final = 8
"""Customers that open at the same time."""

_NO_GC_S: Final = 60
"""Legs up to so long are not interrupted by the collector; what they leave behind is bounded."""


class Member:
    """The customers of this process."""

    def __init__(self, loop: LoopThread, places: Places, clock: Clock) -> None:
        import psutil  # type: ignore[import-untyped]

        self._loop = loop
        self._places = places
        self._clock = clock
        self._process = psutil.Process()
        self._stack = AsyncExitStack()
        self._generator: Generator | None = None
        self._cpu_s = 0.0
        self._since_ns = 0
        self.busy = 0.0
        """The share of one core that the last leg took here."""

    def open(self, order: Order, count: int, who: str) -> Future[Any]:
        """Open so many customers and let them warm up. `who` keeps their keys apart from those of
        other processes."""
        return self._loop.submit(self._open(order, count, who))

    def begin(self, order: Order, part: int, parts: int, at_wall_us: int) -> Future[Any]:
        """Run this process's share of the leg, beginning at a moment that all know."""
        return self._loop.submit(self._run(order, part, parts, at_wall_us))

    def stop(self) -> Future[Any]:
        """Send nothing more: the leg ends with what is under way."""
        return self._loop.submit(self._stop())

    def close(self) -> Future[Any]:
        """Close the customers and what they have open."""
        return self._loop.submit(self._close())

    def take(self) -> Taken:
        """What was measured since the last time."""
        return Taken() if self._generator is None else self._generator.take()

    @property
    def duration_s(self) -> float:
        """From the leg's beginning to the last answer."""
        return 0.0 if self._generator is None else self._generator.duration_s

    @property
    def reasons(self) -> dict[str, int]:
        """Why requests of the last leg failed."""
        return {} if self._generator is None else dict(self._generator.reasons)

    async def _open(self, order: Order, count: int, who: str) -> None:
        operation = OPERATIONS[order.operation]
        gate = asyncio.Semaphore(_OPENING)
        async with AsyncExitStack() as stack:
            customers = [
                Customer(
                    operation, self._places, f"{order.seed} {order.number} {who} {n}", self._clock
                )
                for n in range(count)
            ]

            async def enter(customer: Customer) -> None:
                async with gate:
                    await stack.enter_async_context(customer)

            await asyncio.gather(*map(enter, customers))
            self._generator = Generator(customers, self._clock, order.patience_s)
            await self._generator.warm_up(order.warm_up)
            self._stack = stack.pop_all()
        gc.collect()  # now, and not while it is measured

    async def _run(self, order: Order, part: int, parts: int, at_wall_us: int) -> None:
        assert self._generator is not None
        began_ns = self._clock.monotonic_ns() + (at_wall_us - self._clock.wall_us()) * 1_000
        self._measure()
        if order.duration_s <= _NO_GC_S:
            gc.disable()
        try:
            if order.per_s is None:
                await self._generator.run_closed(order.duration_s, began_ns)
            else:
                stream = Seeds(order.seed).stream(f"bench.arrivals.{order.number}")
                due_us = draw(
                    order.arrivals, per_s=order.per_s, duration_s=order.duration_s, stream=stream
                )
                await self._generator.run_open(share(due_us, part, parts), began_ns)
        finally:
            gc.enable()
            self._measure()

    async def _stop(self) -> None:
        if self._generator is not None:
            self._generator.stop()

    async def _close(self) -> None:
        await self._stack.aclose()

    def _measure(self) -> None:
        """The processor time since the last call, as a share."""
        times = self._process.cpu_times()
        now_s, now_ns = times.user + times.system, self._clock.monotonic_ns()
        if self._since_ns:
            self.busy = (now_s - self._cpu_s) * 1e9 / max(1, now_ns - self._since_ns)
        self._cpu_s, self._since_ns = now_s, now_ns
