"""Work that no request waits for: settlements that are due, chain reads ahead of time, the watch.

A task that fails says so in the journal and takes nobody with it. What must not be done twice at
once has a name, and a second start under a running name joins the first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mock_rails.core.journal import Journal

RAIL = "session"
"""Under which name the journal has a session server's events."""


class Background:
    """The background tasks of one server."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._tasks: dict[object, asyncio.Task[Any]] = {}

    def start(
        self, name: object, work: Callable[[], Coroutine[Any, Any, Any]]
    ) -> asyncio.Task[Any]:
        """Run it, unless it runs; the task that does."""
        running = self._tasks.get(name)
        if running is not None and not running.done():
            return running
        task = asyncio.ensure_future(self._run(name, work))
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._forget(name, ended))
        return task

    def runs(self, name: object) -> bool:
        """Whether the task of this name is under way."""
        return name in self._tasks

    def note(self, kind: str, **data: Any) -> None:
        """Write an event into the journal, where there is one."""
        if self._journal is not None:
            self._journal.append(RAIL, kind, data)

    async def join(self) -> None:
        """Wait until nothing runs any more."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))

    async def join_one(self, name: object) -> None:
        """Wait until the task of this name has ended, if there is one."""
        if (task := self._tasks.get(name)) is not None:
            await asyncio.wait((task,))

    async def cancel(self, *names: object) -> None:
        """End these tasks now."""
        tasks = [self._tasks[name] for name in names if name in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cancel_all(self) -> None:
        """End all of them now."""
        await self.cancel(*self._tasks)

    def _forget(self, name: object, ended: asyncio.Task[Any]) -> None:
        if self._tasks.get(name) is ended:  # and not the one that was started since
            del self._tasks[name]

    async def _run(self, name: object, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return await work()
        except Exception as error:
            # The class and, of our own errors, the sentence: others may hold what they were given.
            told = error.detail if isinstance(error, SandboxError) else None
            self.note("task.failed", task=_shown(name), error=type(error).__name__, detail=told)
            return None


def _shown(name: object) -> str:
    parts = name if isinstance(name, tuple) else (name,)
    return " ".join(one.hex() if isinstance(one, bytes) else str(one) for one in parts)
