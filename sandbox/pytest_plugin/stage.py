"""The devnet that the tests of a process share, in a thread of its own, and its isolation.

A test has an event loop of its own, or none, so that the devnet lives in another thread: its loop
goes on from test to test, whichever way they are written, and serves a test that waits for an
answer. Before each test everything becomes again what it was at the start: the clock, randomness,
the faults, all rails and the merchants' books by one snapshot, and the merchants themselves as if
they had just been started on it, for what they remember besides is in no snapshot.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import anyio
from anyio.from_thread import start_blocking_portal

from mock_rails.core import snapshot
from sandbox.control import faults
from sandbox.portless import HOST, TestedDevnet
from sandbox.pytest_plugin.marks import SEED, Wanted
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from anyio.from_thread import BlockingPortal

_T = TypeVar("_T")

__tracebackhide__ = True
"""pytest's word: a failing test shows its own code, not how it is carried to the devnet."""

_PARTS: Final = frozenset({Part.RAILS, Part.MERCHANTS})
_TURNS: Final = 24
"""Turns of the loop in which those who slept until now do what is due."""


class Stage:
    """One devnet and the thread that it lives in."""

    def __init__(self, *, ports: bool) -> None:
        settings = DevnetSettings(seed=SEED, host="127.0.0.1" if ports else HOST, only=_PARTS)
        if ports:
            settings = DevnetSettings(seed=SEED).with_free_ports()
        self.devnet = TestedDevnet(settings, ports=ports)
        self.switchboard = self.devnet.switchboard
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._thread: int | None = None
        self._base: dict[str, Any] = {}

    # -- lifetime ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the devnet and remember how it began."""
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
        try:
            self.call(self._start)
        except BaseException:
            self._stack.close()
            raise

    def stop(self) -> None:
        """Close it. What the last test left is dropped first: nobody waits for its settlement."""
        with self._stack:
            self.call(self._stop)

    async def _start(self) -> None:
        self._thread = threading.get_ident()
        await self.devnet.start()
        self._base = snapshot.take(self.devnet.context, self.devnet.parts)

    async def _stop(self) -> None:
        snapshot.apply(self._base, self.devnet.context, self.devnet.parts)
        await self.switchboard.aclose()
        await self.devnet.stop()

    # -- isolation --------------------------------------------------------------------------------

    def begin(self, wanted: Wanted) -> int:
        """Become what a test wants; the journal's offset at which it begins.

        Raises `FaultError` where a fault that is wanted does not exist.
        """
        return self.call(partial(self._begin, wanted))

    async def _begin(self, wanted: Wanted) -> int:
        devnet, context = self.devnet, self.devnet.context
        assert devnet.chain is not None
        assert devnet.merchants is not None
        assert devnet.books is not None
        self.switchboard.clear()
        context.faults.clear()
        devnet.books.reset()
        await devnet.merchants.stop(refund=False)  # without books there is nothing to settle
        devnet.chain.impersonated.clear()
        devnet.chain.impersonate_all = False
        devnet.chain.set_block_time(None)
        devnet.chain.set_automine(True)
        snapshot.apply(self._base, context, devnet.parts)
        if wanted.seed != SEED:
            context.seeds.restore({"seed": wanted.seed, "streams": {}})
        await devnet.renew_merchants()
        if wanted.block_time_ms is not None:
            devnet.chain.set_block_time(wanted.block_time_ms)
        begins = context.journal.last_offset
        for fault in wanted.faults:
            faults.arm(context, fault)
        return begins

    # -- crossing over ----------------------------------------------------------------------------

    @overload
    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T: ...

    @overload
    def call(self, function: Callable[..., _T], *args: Any) -> _T: ...

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in the devnet's thread, and wait for what it returns."""
        if threading.get_ident() == self._thread:
            raise RuntimeError("The devnet's own thread cannot wait for itself.")
        return self._opened.call(function, *args)

    async def acall(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """The same for whoever has an event loop, be it asyncio's or trio's, or the devnet's own:
        a test's application that is mounted there asks the chain, too."""
        if threading.get_ident() == self._thread:
            return await function(*args)
        future = self._opened.start_task_soon(function, *args)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return await anyio.to_thread.run_sync(_result, future, abandon_on_cancel=True)
        return await asyncio.wrap_future(future)

    def entering(self, manager: AbstractAsyncContextManager[_T]) -> AbstractContextManager[_T]:
        """An asynchronous block of the devnet's thread, for a block that waits."""
        return self._opened.wrap_async_context_manager(manager)

    async def catch_up(self) -> None:
        """Let those who slept until now do what is due."""
        for _ in range(_TURNS):
            await self.devnet.context.clock.yield_to_loop()

    @property
    def _opened(self) -> BlockingPortal:
        if self._portal is None:
            raise RuntimeError("The devnet has not started.")
        return self._portal


def _result(future: Future[_T]) -> _T:
    return future.result()


class Stages:
    """The devnets of a process: one without ports, and one with them for tests that want some."""

    def __init__(self) -> None:
        self._stages: dict[bool, Stage] = {}

    def get(self, *, ports: bool) -> Stage:
        """The one that is wanted, started when it is first."""
        stage = self._stages.get(ports)
        if stage is None:
            stage = Stage(ports=ports)
            stage.start()
            self._stages[ports] = stage
        return stage

    def stop(self) -> None:
        """Close all."""
        with ExitStack() as stack:
            while self._stages:
                stack.callback(self._stages.popitem()[1].stop)
