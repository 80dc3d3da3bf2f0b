"""Records that somebody waits for: woken at once by a change in this process, and by a look every
100 ms at what another one did (facts: protocol 2.8)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.stores.records import RecordStore

T = TypeVar("T")

POLL_MS: Final = 100

_NS_PER_S: Final = 1_000_000_000


class WatchedRecords(Generic[T]):
    """One collection, by its records' hexadecimal ids."""

    def __init__(self, records: RecordStore[T], clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._waiting: defaultdict[bytes, set[asyncio.Event]] = defaultdict(set)

    async def get(self, identity: bytes) -> T | None:
        """The record of this id."""
        return await self._records.get(identity.hex())

    async def update(self, identity: bytes, change: Callable[[T | None], T | None]) -> T | None:
        """Replace a record by what `change` makes of it, as one step; wakes who waits for it."""
        after = await self._records.update(identity.hex(), change)
        if self._waiting and identity in self._waiting:
            for event in self._waiting[identity]:
                event.set()
        return after

    async def scan(self) -> AsyncIterator[T]:
        """All records."""
        async for _, record in self._records.scan():
            yield record

    async def wait_for(
        self, identity: bytes, ready: Callable[[T | None], bool], timeout_s: float
    ) -> bool:
        """Wait until the record is as wished, for so long in real time (somebody holds a socket
        open meanwhile); whether it is."""
        event = asyncio.Event()
        deadline_ns = self._clock.monotonic_ns() + int(timeout_s * _NS_PER_S)
        self._waiting[identity].add(event)
        try:
            while not ready(await self.get(identity)):
                if self._clock.monotonic_ns() >= deadline_ns:
                    return False
                await self._changed(event)
            return True
        finally:
            waiting = self._waiting[identity]
            waiting.discard(event)
            if not waiting:
                del self._waiting[identity]

    async def _changed(self, event: asyncio.Event) -> None:
        """Until the record was changed here, or it is time to look whether it was elsewhere."""
        alarm = asyncio.ensure_future(self._clock.wall_sleep(timedelta(milliseconds=POLL_MS)))
        change = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, change), return_when=asyncio.FIRST_COMPLETED)
        finally:
            event.clear()
            alarm.cancel()
            change.cancel()
