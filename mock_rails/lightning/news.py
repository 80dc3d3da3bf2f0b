"""News of invoices and payments, for whoever waits for an outcome or follows one (facts: 4.3).

A follower that does not read misses what comes after a while: it costs the others nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    _Listener = tuple[asyncio.Queue[Any], Callable[[Any], Any]]

_BACKLOG: Final = 10_000


def _itself(value: Any) -> Any:
    return value


class News:
    """Who listens to what."""

    def __init__(self) -> None:
        self._listeners: dict[Hashable, list[_Listener]] = {}

    def tell(self, topic: Hashable, value: Any) -> None:
        """Give a value to those who listen."""
        for queue, view in self._listeners.get(topic, ()):
            if not queue.full():
                queue.put_nowait(view(value))

    @contextmanager
    def listening(
        self, topic: Hashable, view: Callable[[Any], Any] = _itself
    ) -> Iterator[asyncio.Queue[Any]]:
        """A queue of what is told from now on. What is told of goes on changing: whoever wants it
        as it was when it was told passes a view, which is taken at once."""
        queue: asyncio.Queue[Any] = asyncio.Queue(_BACKLOG)
        listener = (queue, view)
        listeners = self._listeners.setdefault(topic, [])
        listeners.append(listener)
        try:
            yield queue
        finally:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(topic, None)
