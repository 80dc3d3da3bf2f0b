"""News of invoices and payments, for whoever waits for an outcome or follows one (facts: 4.3).

A follower that does not read is dropped after a while, like a node's slow subscriber: it costs the
others nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

_BACKLOG: Final = 10_000


class News:
    """Who listens to what."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, list[asyncio.Queue[Any]]] = {}

    def tell(self, topic: Hashable, value: Any) -> None:
        """Give a value to those who listen."""
        for queue in self._queues.get(topic, ()):
            if not queue.full():
                queue.put_nowait(value)

    @contextmanager
    def listening(self, topic: Hashable) -> Iterator[asyncio.Queue[Any]]:
        """A queue of what is told from now on."""
        queue: asyncio.Queue[Any] = asyncio.Queue(_BACKLOG)
        queues = self._queues.setdefault(topic, [])
        queues.append(queue)
        try:
            yield queue
        finally:
            queues.remove(queue)
            if not queues:
                self._queues.pop(topic, None)
