"""Virtual time: an event loop that never waits, a clock that reads it, libraries that believe it.

When nothing is ready the loop jumps to its next timer, so that a client's patience of half a minute
costs nothing, and what happens depends on no machine's speed (style 1.2, item 7). Every task
belongs to the program that started it (`OWNER`), so that one program can be killed alone.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import US_PER_S, Clock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from contextvars import Context
    from datetime import tzinfo

BEGIN_US: Final = 1_767_225_600 * US_PER_S
"""What the wall shows as a world begins: New Year of 2026."""

OWNER: ContextVar[str] = ContextVar("owner", default="world")
"""The program that the present task belongs to."""

_RESOLUTION_S: Final = 1e-6
_SWEEP: Final = 256


class StalledError(Exception):
    """Nothing is ready and nobody waits for a time: the world would stand still for ever."""


class _NoWaiting(selectors.DefaultSelector):
    """A selector that moves the loop's time instead of waiting."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now; if nothing is, the time passes at once."""
        if timeout is None:
            raise StalledError("nothing is ready, and nobody waits for a time")
        if timeout > 0:
            self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without sockets, whose time passes only when everybody waits for it."""

    def __init__(self) -> None:
        self._passing = _NoWaiting()
        super().__init__(self._passing)
        self._clock_resolution = _RESOLUTION_S
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._complaints: list[str] = []
        self.set_task_factory(self._own)
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self._passing.now_s

    def call_soon_threadsafe(
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        """There is but one thread, and no socket by which to wake it."""
        return self.call_soon(callback, *args, context=context)

    def tasks_of(self, owner: str) -> list[asyncio.Task[Any]]:
        """The tasks of a program that have not ended, oldest first."""
        return [task for task, one in self._tasks.items() if one == owner and not task.done()]

    def _own(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, context=context)
        owner = OWNER.get() if context is None else context.get(OWNER, OWNER.get())
        self._tasks[task] = owner
        if len(self._tasks) % _SWEEP == 0:
            self._tasks = {
                one: who for one, who in self._tasks.items() if not one.done() or _is_unseen(one)
            }
        return task

    def errors(self) -> list[str]:
        """What no program caught, and what tasks have ended with that nobody has asked for."""
        unseen = [one for one in self._tasks if one.done() and _is_unseen(one)]
        return [*self._complaints, *(_first_of(one.exception()) for one in unseen)]

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._complaints.append(f"{context['message']}: {_first_of(context.get('exception'))}")


def _is_unseen(task: asyncio.Task[Any]) -> bool:
    """Whether it has failed, and nobody knows. asyncio itself says so only when the collector
    comes, which may be in another world."""
    is_unseen: bool = task._log_traceback  # type: ignore[attr-defined] # CPython's own mark
    return is_unseen


def _first_of(error: BaseException | None) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error)


class VirtualClock(Clock):
    """The sandbox's clock, whose wall is a loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        super().__init__()

    def wall_us(self) -> int:
        """New Year, and what has passed since the loop began."""
        return BEGIN_US + round(self._loop.time() * US_PER_S)

    def monotonic_ns(self) -> int:
        """The same: what is computed takes no time."""
        return self.wall_us() * 1_000


@contextmanager
def libraries_go_by(clock: Clock) -> Iterator[None]:
    """While this lasts, pympp and our own look at the wall see the clock's.

    pympp takes no clock, so each of its modules is shown another `time` and `datetime`.
    """
    broadcast: Any = import_module("sandbox.chain.broadcast")
    told: dict[str, Any] = {"time": _Time(clock), "datetime": _calendar(clock)}
    changed: list[tuple[Any, str, Any]] = [(broadcast, "_WALL", broadcast._WALL)]
    for name, module in tuple(sys.modules.items()):
        if name == "mpp" or name.startswith("mpp."):
            for word in told:
                found = vars(module).get(word)
                if found is datetime or getattr(found, "__name__", "") == "time":
                    changed.append((module, word, found))
    try:
        for module, word, _ in changed:
            setattr(module, word, told.get(word, clock))
        yield
    finally:
        for module, word, before in changed:
            setattr(module, word, before)


class _Time:
    """The module `time`, as far as it tells the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        """Seconds since 1970."""
        return self._clock.wall_us() / US_PER_S

    def monotonic(self) -> float:
        """Seconds since some time."""
        return self._clock.wall_us() / US_PER_S


def _calendar(clock: Clock) -> type[datetime]:
    class Told(datetime):
        """A calendar whose present is the clock's."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Told:
            """The clock's date."""
            return cls.fromtimestamp(clock.wall_us() / US_PER_S, tz)

    return Told
