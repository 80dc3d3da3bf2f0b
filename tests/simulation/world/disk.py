"""Where the merchants of a world keep their books, and what a kill leaves of them.

In some worlds that is memory, written out and read back as a disk would keep it; in others it is a
SQLite file, of which a kill leaves what was committed: the file and its write-ahead log as they lie
there at that instant, and no word of a connection that was closed in good order.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sandbox.server.stores import MemoryStore, SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from mock_rails.core.clock import Clock
    from sandbox.server.stores import Store

_FILES: Final = ("", "-wal")
"""SQLite's shared-memory file is made anew from these."""


class Disk:
    """The merchants' disk: a folder for SQLite's files, or None to keep all in memory."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._path: Path | None = None
        self._lives = 0

    async def empty(self) -> Store:
        """The store of the merchants' first life."""
        self._path = self._next()
        return await self._opened()

    async def left_by(self, store: Store) -> Store:
        """Take a store away from merchants that are killed; what they have left, as a store."""
        if isinstance(store, MemoryStore):
            kept = MemoryStore(self._clock)
            kept.restore(store.snapshot())
            store.is_closed = True
            return kept
        before, self._path = self._path, self._next()
        assert before is not None
        assert self._path is not None
        for end in _FILES:
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{before}{end}", f"{self._path}{end}")
        await store.close()
        return await self._opened()

    def _next(self) -> Path | None:
        self._lives += 1
        return None if self._folder is None else self._folder / f"{self._lives}.sqlite3"

    async def _opened(self) -> Store:
        if self._path is None:
            return MemoryStore(self._clock)
        return await SqliteStore.open(self._path, self._clock)
