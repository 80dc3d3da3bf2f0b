"""One SQLite file as this process holds it: opening, one short transaction at a time, its errors.

The file is in write-ahead mode with one connection per process, used from the event loop's thread.
A transaction takes the write lock at its beginning (BEGIN IMMEDIATE), so what it read cannot have
changed when it writes, and it holds no `await`, so it lasts microseconds. Where another process has
the lock, this one waits in the event loop, which goes on, and not inside SQLite, which would not.

What a transaction committed is in the operating system's hands: killing any process at any moment
loses nothing and leaves no half of a change. A power cut may take the last few changes with it,
unless the file was opened `power_safe`, which waits for the disk at each one.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mock_rails.core.errors import BadInput
from sandbox.server.stores.errors import (
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock

R = TypeVar("R")

APPLICATION_ID: Final = 0x4D505053
"""`MPPS`, in the file's header: `file` and SQLite's tools show whose file it is."""

SCHEMA_VERSION: Final = 1

_TABLES: Final = (
    "CREATE TABLE records (collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (collection, key)) WITHOUT ROWID",
    "CREATE TABLE replays (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at_s INTEGER)"
    " WITHOUT ROWID",
    "CREATE INDEX replays_by_end ON replays (expires_at_s) WHERE expires_at_s IS NOT NULL",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_FIRST_PAUSE_US: Final = 200
_LONGEST_PAUSE_US: Final = 10_000

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_OURS: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_OUT_OF_REACH: Final = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


class SqliteFile:
    """The file's one connection in this process; made by `open`."""

    def __init__(self, path: Path | str, clock: Clock, patience_ms: int) -> None:
        self.path = Path(path).absolute()  # a later chdir must not make it another file
        self._clock = clock
        self._patience_ms = patience_ms
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None

    @classmethod
    async def open(
        cls,
        path: Path | str,
        clock: Clock,
        *,
        patience_ms: int,
        limit_bytes: int | None,
        power_safe: bool,
    ) -> SqliteFile:
        """Open the file, or make it; one that is not ours is refused and stays as it is."""
        if str(path) in {"", ":memory:"}:
            raise BadInput("A SQLite store needs a file.", hint="Use MemoryStore to keep nothing.")
        if patience_ms < 0 or (limit_bytes is not None and limit_bytes <= 0):
            raise BadInput("patience_ms cannot be negative, nor limit_bytes zero or less.")
        self = cls(path, clock, patience_ms)
        try:
            self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
            await self._prepare(limit_bytes, power_safe=power_safe)
        except sqlite3.Error as error:
            self.close()
            raise self._translated(error) from error
        except BaseException:
            self.close()
            raise
        return self

    async def read(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """All rows of one query."""
        return await self._patiently(lambda: self._open().execute(sql, values).fetchall())

    async def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run `work` in a transaction of its own. What it raises undoes what it did."""
        return await self._patiently(lambda: self._transact(work))

    def close(self) -> None:
        """Let go of the file. The last process to do so folds the write-ahead log into it."""
        if self._connection is not None and os.getpid() == self._process:
            self._connection.close()
            self._connection = None

    # -- inside -----------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreClosed(f"The store {self.path} was closed.")
        if os.getpid() != self._process:
            raise StoreClosed(
                f"The store {self.path} was opened by another process.",
                hint="Open it after the fork: a SQLite connection cannot be shared.",
            )
        return self._connection

    def _transact(self, work: Callable[[sqlite3.Connection], R]) -> R:
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise
        return result

    async def _patiently(self, action: Callable[[], R]) -> R:
        """Do it, again and again while others hold the file; nothing is open in between."""
        gives_up_ns: int | None = None
        pause_us = _FIRST_PAUSE_US
        while True:
            try:
                return action()
            except sqlite3.Error as error:
                now_ns = self._clock.monotonic_ns()
                if gives_up_ns is None:
                    gives_up_ns = now_ns + self._patience_ms * 1_000_000
                if _primary_code(error) not in _BUSY or now_ns >= gives_up_ns:
                    raise self._translated(error) from error
            await self._clock.wall_sleep(timedelta(microseconds=pause_us))
            pause_us = min(2 * pause_us, _LONGEST_PAUSE_US)

    async def _prepare(self, limit_bytes: int | None, *, power_safe: bool) -> None:
        """Check whose file it is before anything is written; then make the tables if it is new."""
        if not await self._patiently(lambda: self._is_ours(self._open())):
            await self.write(self._make_tables)
        ((mode,),) = await self.read("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise StoreUnavailable(
                f"{self.path} cannot have a write-ahead log; its journal is {mode!r}.",
                hint="Put it on a local disk: network drives lack the shared memory it needs.",
            )
        await self.read(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        if limit_bytes is not None:
            ((page_bytes,),) = await self.read("PRAGMA page_size")
            await self.read(f"PRAGMA max_page_count = {max(1, limit_bytes // page_bytes)}")

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        if not self._is_ours(connection):  # another process may have been faster
            for statement in _TABLES:
                connection.execute(statement)

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether it has our tables; False for an empty file, StoreForeign for any other."""
        ((application,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        if (application, version, tables) == (0, 0, 0):
            return False
        if application != APPLICATION_ID:
            raise StoreForeign(
                f"{self.path} is a SQLite database of another program; it was left alone.",
                hint="Name a file that does not exist yet, or one that this program made.",
            )
        if version != SCHEMA_VERSION:
            raise StoreForeign(
                f"{self.path} has the schema version {version}; this program knows version "
                f"{SCHEMA_VERSION}. It was left alone.",
                hint="Use the version of mpp-sandbox that wrote it, or another file.",
                details={"found": version, "expected": SCHEMA_VERSION},
            )
        return True

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = _primary_code(error)
        if code in _BUSY:
            return StoreBusy(
                f"Other processes held {self.path} for {self._patience_ms} ms.",
                hint="Is a tool keeping a transaction open in it?",
            )
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(
                f"There is no room left for {self.path}: {error}.",
                hint="Free some of the disk, or raise limit_bytes if one was set.",
            )
        if code in _NOT_OURS:
            return StoreForeign(f"{self.path} is not a sound SQLite database: {error}.")
        if code == sqlite3.SQLITE_IOERR:
            return StoreUnavailable(
                f"{self.path} cannot be read or written: {error}.",
                hint="Is its disk full or gone, or the file as large as it may be?",
            )
        if code in _OUT_OF_REACH:
            return StoreUnavailable(
                f"{self.path} cannot be used: {error}.",
                hint="Does its folder exist, and may this user write there?",
            )
        return StoreError(f"SQLite refused to work on {self.path}: {error}.")


def _primary_code(error: sqlite3.Error) -> int | None:
    """The kind of error without its variety; None where Python and not SQLite complained."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
