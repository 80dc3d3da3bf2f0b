"""The devnet's side of its workers: starts them, keeps their clocks right, hears what they did."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import orjson

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from mock_rails.core.rail import RailContext
    from sandbox.workers.orders import Orders

_LOG: Final = logging.getLogger("sandbox.workers")

_START_S: Final = 30
_STOP_S: Final = 10
_CLOCK_POLL: Final = timedelta(milliseconds=20)
_LONGEST_LINE: Final = 1 << 20


class WorkerFailed(SandboxError):
    """A merchant process ended before it was told to."""

    code = "worker-failed"
    title = "A merchant process ended"


class Crew:
    """The merchant processes of one devnet."""

    def __init__(
        self, listener: socket.socket, orders: Sequence[Orders], context: RailContext
    ) -> None:
        self._listener = listener
        self._orders = orders
        self._context = context
        self._processes: list[asyncio.subprocess.Process] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._serving = 0
        """How many are up, while they are meant to be."""
        self._told = 0
        """How often they were told the time."""
        self._last = orders[0].clock
        self._behind: set[int] = set()
        """Who has not yet said that it goes by the time that was told last."""
        self._echo = asyncio.Event()

    def trouble(self) -> str | None:
        """Which workers have ended though nobody told them to, if any."""
        gone = [
            str(order.number)
            for order, process in zip(self._orders, self._processes, strict=True)
            if process.returncode is not None
        ]
        return f"merchant process {', '.join(gone)} ended" if gone else None

    async def start(self) -> None:
        """Start them all; they serve when this returns."""
        try:
            for order in self._orders:
                self._processes.append(await self._spawn(order))
            async with asyncio.timeout(_START_S):
                await asyncio.gather(*map(self._ready, self._processes))
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise WorkerFailed("The merchant processes did not start in time.") from None
            raise
        self._serving = len(self._processes)
        for order, process in zip(self._orders, self._processes, strict=True):
            self._tasks.append(asyncio.create_task(self._hear(order.number, process)))
        self._tasks.append(asyncio.create_task(self._keep_time()))

    async def tell_time(self) -> None:
        """Tell them the time, if it was moved, and wait until all of them go by it."""
        self._tell_time()
        try:
            async with asyncio.timeout(_STOP_S):
                while self._behind:
                    self._echo.clear()
                    await self._echo.wait()
        except TimeoutError:
            raise WorkerFailed(
                "The clock was moved, and not all merchant processes have taken that over."
            ) from None

    async def stop(self) -> None:
        """End their input, let them finish what they do, and hear the last of it."""
        self._serving = 0
        if self._tasks:
            clock = self._tasks.pop()
            clock.cancel()
            with suppress(asyncio.CancelledError):
                await clock
        await asyncio.gather(*map(_end, self._processes))
        await asyncio.gather(*self._tasks)
        self._tasks.clear()

    async def _spawn(self, order: Orders) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sandbox.workers",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._listener.fileno(),),
            limit=_LONGEST_LINE,
        )
        _say(process, order.to_line())
        return process

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise WorkerFailed("A merchant process did not start.", hint="Its words are above.")

    async def _hear(self, number: int, process: asyncio.subprocess.Process) -> None:
        """Add its journal to ours; an exchange's name there says whose it is."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if not line.endswith(b"\n"):
                break  # it died while it said this
            event = orjson.loads(line)
            if "heard" in event:
                if event["heard"] == self._told:
                    self._caught_up(number)
                continue
            exchange = event["exchange"] and f"w{number}-{event['exchange']}"
            self._context.journal.append(event["rail"], event["kind"], event["data"], exchange)
        self._caught_up(number)  # nobody waits for one that has ended
        if self._serving:
            self._miss(number)

    def _miss(self, number: int) -> None:
        """One has died. What it had accepted is in the store; the others serve on."""
        self._serving -= 1
        if self._serving:
            _LOG.error("Merchant process %d ended; %d serve on.", number, self._serving)
            return
        _LOG.error("Merchant process %d ended, the last one: the paid API is closed.", number)
        self._listener.close()  # or clients would wait for somebody to take their calls

    async def _keep_time(self) -> None:
        """Tell them when somebody moves, stops or resumes the clock, be it by the chain's RPC."""
        while True:
            await self._context.clock.wall_sleep(_CLOCK_POLL)
            self._tell_time()

    def _tell_time(self) -> None:
        now = self._context.clock.snapshot()
        if now == self._last:
            return
        self._last = now
        self._told += 1
        living = zip(self._orders, self._processes, strict=True)
        self._behind = {one.number for one, process in living if process.returncode is None}
        for process in self._processes:
            _say(process, orjson.dumps({"clock": now, "number": self._told}) + b"\n")

    def _caught_up(self, number: int) -> None:
        self._behind.discard(number)
        self._echo.set()


def _say(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdin is not None
    if process.returncode is None:
        process.stdin.write(line)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
