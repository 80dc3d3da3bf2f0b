"""What happened, in order: an append-only list of events with offsets.

Every rail writes its effects here, so that one payment can be followed across rails under its
exchange id, a page can resume a stream at the last offset it saw, and a failing test can print what
led to it. Appending is on the hot path of every payment: it stores a tuple and does nothing else.
JSON is made, and secrets are taken out, when somebody reads.

The journal is bounded. The oldest events are dropped; `first_offset` says where it now begins.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.core.errors import BadInput, SnapshotError
from mock_rails.core.plain import EMPTY, to_plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from mock_rails.core.clock import Clock

DEFAULT_CAPACITY: Final = 10_000
"""Events kept: enough for a long debugging session, about 5 MB."""


class Event(NamedTuple):
    """One thing that happened. `data` is plain JSON with the secrets taken out."""

    offset: int
    """Position in the journal, counted from 1 and never reused."""
    at_us: int
    """Sandbox time."""
    rail: str
    """Who says so: `tempo`, `stripe`, `lightning`, or `sandbox`."""
    kind: str
    """What it is, as `noun.verb`: `block.sealed`, `webhook.sent`."""
    exchange: str | None
    """The paid request it belongs to, where there is one."""
    data: Mapping[str, Any]
    """The values, named with their units."""

    def to_json(self) -> str:
        """The event as one line of JSON."""
        return json.dumps(self._asdict(), separators=(",", ":"), ensure_ascii=False)


@dataclass(eq=False, slots=True)
class _Follower:
    """One reader that waits for news, and the event loop it waits in."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event
    told: bool = False

    def tell(self) -> None:
        """Wake it once; callable from any thread, free while it is already awake."""
        if not self.told and not self.loop.is_closed():
            self.told = True
            self.loop.call_soon_threadsafe(self.news.set)


class Journal:
    """The events of one sandbox, newest last, at most `capacity` of them."""

    def __init__(self, clock: Clock, capacity: int = DEFAULT_CAPACITY) -> None:
        if type(capacity) is not int or capacity < 1:
            raise BadInput(f"A journal keeps at least one event, not {capacity!r}.")
        self.capacity = capacity
        self._now_us = clock.now_us
        # A ring: the event at offset n lies at n % capacity, whatever has been dropped before it.
        self._ring: list[Event | None] = [None] * capacity
        self._last = 0
        self._begin = 1
        self._followers: list[_Follower] = []
        self._watchers: dict[str, list[Callable[[], None]]] = {}

    @property
    def last_offset(self) -> int:
        """The offset of the newest event; 0 before the first."""
        return self._last

    @property
    def first_offset(self) -> int:
        """The offset of the oldest event still kept; one past the newest if there is none."""
        return max(self._begin, self._last - self.capacity + 1)

    # -- writing ----------------------------------------------------------------------------------

    def append(
        self,
        rail: str,
        kind: str,
        data: Mapping[str, Any] = EMPTY,
        exchange: str | None = None,
    ) -> int:
        """Add an event and return its offset.

        `data` is kept as it is, so the caller must not change it afterwards. It may hold bytes and
        big integers: they become JSON when they are read.
        """
        self._last = offset = self._last + 1
        self._ring[offset % self.capacity] = Event(
            offset, self._now_us(), rail, kind, exchange, data
        )
        if kind in self._watchers:
            for told in tuple(self._watchers[kind]):
                told()
        if self._followers:
            for follower in self._followers:
                follower.tell()
        return offset

    def continue_after(self, offset: int) -> None:
        """Let the next event come after `offset`, as when a run goes on from a snapshot. Offsets
        are never reused: a journal that is already further stays where it is."""
        if type(offset) is not int or offset < 0:
            raise SnapshotError(f"The journal's offset must be a whole number, not {offset!r}.")
        if offset > self._last:
            self._ring = [None] * self.capacity
            self._last = offset
            self._begin = offset + 1

    # -- reading ----------------------------------------------------------------------------------

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        *,
        kind: str | None = None,
        exchange: str | None = None,
    ) -> list[Event]:
        """The events past the offset `after`, oldest first, of one kind or exchange if given. A
        reader that fell behind starts at `first_offset`."""
        if limit is not None and limit < 0:
            raise BadInput(f"Cannot read {limit} events.")
        found: list[Event] = []
        for offset in range(max(after + 1, self.first_offset), self._last + 1):
            if limit is not None and len(found) >= limit:
                break
            event = self._ring[offset % self.capacity]
            if event is None or (kind is not None and event.kind != kind):
                continue
            if exchange is not None and event.exchange != exchange:
                continue
            found.append(event._replace(data=to_plain(event.data)))
        return found

    def lines(self, after: int = 0) -> Iterator[str]:
        """The events past `after` as lines of JSON, without line ends."""
        return (event.to_json() for event in self.read(after))

    async def follow(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """The events past `after` and then every new one, until the reader closes the generator
        (`contextlib.aclosing`)."""
        with self._following() as follower:
            while True:
                follower.told = False
                follower.news.clear()
                batch = self.read(after, _BATCH)
                for event in batch:
                    after = event.offset
                    yield event
                if not batch:
                    await follower.news.wait()

    @contextmanager
    def _following(self) -> Iterator[_Follower]:
        follower = _Follower(asyncio.get_running_loop(), asyncio.Event())
        self._followers.append(follower)
        try:
            yield follower
        finally:
            self._followers.remove(follower)

    # -- watching ---------------------------------------------------------------------------------

    def watch(self, kind: str, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told` at once whenever an event of this kind is added; returns what ends that."""
        self._watchers.setdefault(kind, []).append(told)

        def unwatch() -> None:
            watchers = self._watchers.get(kind, [])
            if told in watchers:
                watchers.remove(told)
            if not watchers:
                self._watchers.pop(kind, None)

        return unwatch


_BATCH: Final = 256
"""Events a follower takes at once, so that a slow one does not copy the whole journal."""
