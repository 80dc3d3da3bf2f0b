"""The store of one machine: a SQLite file that several server processes share.

The rules of sharing, waiting and surviving are `SqliteFile`'s; this is what is kept in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from sandbox.server.stores.codec import Packer
from sandbox.server.stores.keys import (
    checked_key,
    checked_name,
    checked_prefix,
)
from sandbox.server.stores.records import RecordStore
from sandbox.server.stores.replays import SWEEP, ReplayStore, check_mark
from sandbox.server.stores.sqlite_file import SqliteFile
from sandbox.server.stores.store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mock_rails.core.clock import Clock
    from sandbox.server.stores.codec import Codec

T = TypeVar("T")

PATIENCE_MS: Final = 5_000
_PAGE: Final = 256

_GET: Final = "SELECT value FROM records WHERE collection = ? AND key = ?"
_SET: Final = (
    "INSERT INTO records (value, collection, key) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET value = excluded.value"
)
_DROP: Final = "DELETE FROM records WHERE collection = ? AND key = ?"
_SCAN: Final = (
    f"SELECT key, value FROM records WHERE collection = ? AND key {{}} ? ORDER BY key LIMIT {_PAGE}"
)

_LIVE: Final = "SELECT value FROM replays WHERE key = ? AND ifnull(expires_at_s > ?, TRUE)"
_MARK: Final = (
    "INSERT INTO replays (key, value, expires_at_s) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET value = excluded.value, expires_at_s = excluded.expires_at_s"
)
_MARK_IF_DEAD: Final = f"{_MARK} WHERE replays.expires_at_s <= ?"
_UNMARK: Final = "DELETE FROM replays WHERE key = ?"
_SWEEP: Final = (
    "DELETE FROM replays WHERE key IN"
    f" (SELECT key FROM replays WHERE expires_at_s <= ? ORDER BY expires_at_s LIMIT {SWEEP})"
)
_PURGE: Final = "DELETE FROM replays WHERE expires_at_s <= ?"


class SqliteStore(Store):
    """Records and marks in one file; made by `open`."""

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        self._file = file
        self._replays = _Replays(self, file, clock)

    @classmethod
    async def open(
        cls,
        path: Path | str,
        clock: Clock,
        *,
        patience_ms: int = PATIENCE_MS,
        limit_bytes: int | None = None,
        power_safe: bool = False,
    ) -> SqliteStore:
        """Open the file at `path`, or make it.

        `patience_ms` is how long a call waits for other processes before StoreBusy, `limit_bytes`
        how large the file may grow before StoreFull. `power_safe` makes each change wait for the
        disk, so that it survives a power cut and not only a kill.
        """
        file = await SqliteFile.open(
            path, clock, patience_ms=patience_ms, limit_bytes=limit_bytes, power_safe=power_safe
        )
        return cls(file, clock)

    def records(self, name: str, codec: Codec[T]) -> RecordStore[T]:
        """The collection of this name."""
        return _Records(self, self._file, checked_name(name), codec)

    def replays(self) -> ReplayStore:
        """The replay marks."""
        return self._replays

    async def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Records(RecordStore[T], Generic[T]):
    """One collection: the rows of `records` with its name."""

    def __init__(self, store: SqliteStore, file: SqliteFile, name: str, codec: Codec[T]) -> None:
        self._store = store
        self._file = file
        self._name = name
        self._packer = Packer(name, codec)

    async def get(self, key: str) -> T | None:
        rows = await self._file.read(_GET, (self._name, checked_key(key)))
        return self._packer.unpack(key, rows[0][0]) if rows else None

    async def update(self, key: str, change: Callable[[T | None], T | None]) -> T | None:
        row = (self._name, checked_key(key))

        def work(connection: sqlite3.Connection) -> T | None:
            found = connection.execute(_GET, row).fetchone()
            after = change(None if found is None else self._packer.unpack(key, found[0]))
            if after is None:
                connection.execute(_DROP, row)
                return None
            text = self._packer.pack(after)
            if found is None or found[0] != text:
                connection.execute(_SET, (text, *row))
            return after

        return await self._file.write(work)

    async def scan(self, prefix: str = "") -> AsyncIterator[tuple[str, T]]:
        # Page by page, so that no reader keeps the write-ahead log from being folded in. Keys that
        # share a prefix stand together, and nothing with it stands before it.
        rows = await self._file.read(_SCAN.format(">="), (self._name, checked_prefix(prefix)))
        while rows:
            for key, text in rows:
                if not key.startswith(prefix):
                    return
                yield key, self._packer.unpack(key, text)
            rows = await self._file.read(_SCAN.format(">"), (self._name, rows[-1][0]))

    async def close(self) -> None:
        await self._store.close()


class _Replays(ReplayStore):
    """The rows of `replays`."""

    def __init__(self, store: SqliteStore, file: SqliteFile, clock: Clock) -> None:
        self._store = store
        self._file = file
        self._clock = clock

    async def get(self, key: str) -> str | None:
        rows = await self._file.read(_LIVE, (checked_key(key), self._clock.now_s()))
        return rows[0][0] if rows else None

    async def put(self, key: str, value: str, *, expires_at_s: int | None = None) -> None:
        await self._set(_MARK, key, value, expires_at_s)

    async def delete(self, key: str) -> None:
        values = (checked_key(key),)
        await self._file.write(lambda connection: connection.execute(_UNMARK, values))

    async def put_if_absent(self, key: str, value: str, *, expires_at_s: int | None = None) -> bool:
        return await self._set(_MARK_IF_DEAD, key, value, expires_at_s, self._clock.now_s())

    async def purge(self) -> int:
        values = (self._clock.now_s(),)
        return await self._file.write(lambda one: one.execute(_PURGE, values).rowcount)

    async def close(self) -> None:
        await self._store.close()

    async def _set(self, sql: str, key: str, value: str, end_s: int | None, *more: int) -> bool:
        """Set a mark and sweep a few expired ones; whether it was set."""
        check_mark(key, value, end_s, self._clock)
        row = (key, value, end_s, *more)
        now = (self._clock.now_s(),)

        def work(connection: sqlite3.Connection) -> bool:
            connection.execute(_SWEEP, now)
            return connection.execute(sql, row).rowcount == 1

        return await self._file.write(work)
