"""The store of one process: dictionaries, nothing else.

It is the default and the hot path. It keeps the record objects themselves, so an update costs two
dictionary operations beyond `change`; it is atomic because nothing is awaited in between. One event
loop may use it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mock_rails.core.errors import SnapshotError
from sandbox.server.stores.errors import StoreClosed
from sandbox.server.stores.keys import (
    checked_key,
    checked_name,
    checked_prefix,
    checked_value,
)
from sandbox.server.stores.records import RecordStore
from sandbox.server.stores.replays import SWEEP, ReplayStore, check_mark
from sandbox.server.stores.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.stores.codec import Codec

T = TypeVar("T")


class MemoryStore(Store):
    """Records and marks that last as long as the process. Marks without an end pile up."""

    def __init__(self, clock: Clock) -> None:
        self._collections: dict[str, _Records[Any]] = {}
        self._waiting: dict[str, dict[str, Any]] = {}
        """Collections of a snapshot that nobody has asked for yet, as they were encoded."""
        self._replays = _Replays(self, clock)
        self.is_closed = False
        """Whether `close` was called."""

    def records(self, name: str, codec: Codec[T]) -> RecordStore[T]:
        """The collection of this name. The codec is for snapshots only."""
        found = self._collections.get(checked_name(name))
        if found is None:
            found = self._collections[name] = _Records(self, name, codec)
            found.restore(self._waiting.pop(name, {}))
        return found

    def replays(self) -> ReplayStore:
        """The replay marks."""
        return self._replays

    async def close(self) -> None:
        """Refuse all further use."""
        self.is_closed = True

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON values, also after `close`."""
        collections = dict(self._waiting)
        for name, records in self._collections.items():
            if kept := records.snapshot():
                collections[name] = kept
        return {
            "records": {name: collections[name] for name in sorted(collections)},
            "marks": self._replays.snapshot(),
        }

    def restore(self, document: object) -> None:
        """Become what `snapshot` told, or raise and stay as it was."""
        match document:
            case {"records": dict(collections), "marks": dict(marks), **rest} if not rest:
                pass
            case _:
                raise SnapshotError("The merchants' part must hold `records` and `marks`.")
        decoded = {
            name: records.decoded(collections.get(name, {}))
            for name, records in self._collections.items()
        }
        self._replays.restore(marks)
        for name, records in self._collections.items():
            records.replace(decoded[name])
        self._waiting = {
            name: records for name, records in collections.items() if name not in decoded
        }

    def check_open(self) -> None:
        """Raise StoreClosed after `close`."""
        if self.is_closed:
            raise StoreClosed("The memory store was closed.")


class _Records(RecordStore[T], Generic[T]):
    """One collection: a dictionary from keys to records."""

    def __init__(self, store: MemoryStore, name: str, codec: Codec[T]) -> None:
        self._store = store
        self._name = name
        self._codec = codec
        self._kept: dict[str, T] = {}

    async def get(self, key: str) -> T | None:
        self._store.check_open()
        return self._kept.get(checked_key(key))

    async def update(self, key: str, change: Callable[[T | None], T | None]) -> T | None:
        self._store.check_open()
        checked_key(key)
        after = change(self._kept.get(key))
        if after is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = after
        return after

    async def scan(self, prefix: str = "") -> AsyncIterator[tuple[str, T]]:
        checked_prefix(prefix)
        self._store.check_open()
        for key in sorted(key for key in self._kept if key.startswith(prefix)):
            self._store.check_open()
            record = self._kept.get(key)
            if record is not None:  # it may have been deleted since
                yield key, record

    async def close(self) -> None:
        await self._store.close()

    def snapshot(self) -> dict[str, Any]:
        return {key: self._codec.encode(self._kept[key]) for key in sorted(self._kept)}

    def decoded(self, document: Any) -> dict[str, T]:
        """The records in a snapshot's part; SnapshotError if they are not this collection's."""
        try:
            return {checked_key(key): self._codec.decode(one) for key, one in document.items()}
        except Exception as error:  # whatever a codec makes of what it did not write
            raise SnapshotError(
                f"The merchants' {self._name} in the snapshot cannot be read: {error!r}.",
                hint="Was it written by another version, or by hand?",
            ) from error

    def replace(self, kept: dict[str, T]) -> None:
        """Become these records."""
        self._kept = kept

    def restore(self, document: Any) -> None:
        self.replace(self.decoded(document))


class _Replays(ReplayStore):
    """Marks in a dictionary, and a heap of their ends so that the next to expire is at hand."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._marks: dict[str, tuple[str, int | None]] = {}
        self._ends: list[tuple[int, str]] = []  # may name marks that are gone or were set anew

    async def get(self, key: str) -> str | None:
        self._store.check_open()
        return self._live(checked_key(key))

    async def put(self, key: str, value: str, *, expires_at_s: int | None = None) -> None:
        self._store.check_open()
        check_mark(key, value, expires_at_s, self._clock)
        self._set(key, value, expires_at_s)

    async def delete(self, key: str) -> None:
        self._store.check_open()
        self._marks.pop(checked_key(key), None)

    async def put_if_absent(self, key: str, value: str, *, expires_at_s: int | None = None) -> bool:
        self._store.check_open()
        check_mark(key, value, expires_at_s, self._clock)
        if self._live(key) is not None:
            return False
        self._set(key, value, expires_at_s)
        return True

    async def purge(self) -> int:
        self._store.check_open()
        return self._sweep(len(self._ends))

    async def close(self) -> None:
        await self._store.close()

    def snapshot(self) -> dict[str, Any]:
        return {key: list(self._marks[key]) for key in sorted(self._marks)}

    def restore(self, document: Any) -> None:
        marks: dict[str, tuple[str, int | None]] = {}
        for key, mark in document.items():
            match mark:
                case [str(value), int() | None as end_s] if type(end_s) is not bool:
                    marks[checked_key(key)] = (checked_value(value), end_s)
                case _:
                    raise SnapshotError(f"The snapshot's mark {str(key)[:80]!r} cannot be read.")
        self._marks = marks
        self._rebuild_ends()

    def _live(self, key: str) -> str | None:
        mark = self._marks.get(key)
        if mark is None or (mark[1] is not None and mark[1] <= self._clock.now_s()):
            return None
        return mark[0]

    def _set(self, key: str, value: str, expires_at_s: int | None) -> None:
        self._sweep(SWEEP)
        self._marks[key] = (value, expires_at_s)
        if expires_at_s is not None:
            heapq.heappush(self._ends, (expires_at_s, key))
            if len(self._ends) > 2 * len(self._marks) + SWEEP:
                self._rebuild_ends()

    def _sweep(self, limit: int) -> int:
        """Look at up to `limit` ends that have come, and forget the marks that still have them."""
        now_s = self._clock.now_s()
        forgotten = 0
        while limit and self._ends and self._ends[0][0] <= now_s:
            end_s, key = heapq.heappop(self._ends)
            limit -= 1
            mark = self._marks.get(key)
            if mark is not None and mark[1] == end_s:
                del self._marks[key]
                forgotten += 1
        return forgotten

    def _rebuild_ends(self) -> None:
        """Drop the ends that no mark has: a key that is set and deleted for ever must not fill the
        memory until its end comes."""
        self._ends = [(end_s, key) for key, (_, end_s) in self._marks.items() if end_s is not None]
        heapq.heapify(self._ends)
