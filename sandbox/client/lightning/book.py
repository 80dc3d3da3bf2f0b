"""What a payer over Lightning must not forget: its sessions, and what was paid for in vain.

A SQLite file, or memory where there is no place for one. A session is written down before its
deposit is paid, so that a run which is killed at any moment leaves behind what the next one needs
to look the payment up and to use, or close, the session. A charge is written down when its client
ends and no server has answered for it; whoever asks for the same next takes it, and shows it
instead of paying again. No preimage is in it: the node that has paid knows it.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sandbox.client.errors import ClientError
from sandbox.client.lightning.record import SessionRecord, from_json, to_json
from sandbox.client.sqlite_file import open_file

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = "lightning.sqlite3"

_APPLICATION: Final = 0x4D50504C
"""`MPPL`: how the file says whose it is."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, wallet TEXT NOT NULL, record TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS purchases (
    hash TEXT PRIMARY KEY, wallet TEXT NOT NULL, place TEXT NOT NULL, record TEXT NOT NULL
) WITHOUT ROWID;
"""
_SAVE: Final = "INSERT OR REPLACE INTO sessions (id, wallet, record) VALUES (?, ?, ?)"
_LOAD: Final = "SELECT record FROM sessions WHERE wallet = ?"
_LOAD_ALL: Final = "SELECT record FROM sessions"
_KEEP: Final = "INSERT OR REPLACE INTO purchases (hash, wallet, place, record) VALUES (?, ?, ?, ?)"
_TAKE: Final = (
    "DELETE FROM purchases WHERE hash ="
    " (SELECT min(hash) FROM purchases WHERE wallet = ? AND place = ?) RETURNING record"
)
_OWNER_ONLY: Final = 0o600


class BookError(ClientError):
    """The book on disk is not one, or holds a record that cannot be read."""

    code = "lightning-book"
    title = "The book of Lightning payments cannot be used"


class LightningBook:
    """One wallet's part of the file in a directory. Several processes may use it."""

    def __init__(self, state: Path | None, wallet: bytes) -> None:
        self._wallet = wallet.hex()
        self._file: sqlite3.Connection | None = None
        if state is not None:
            path = state / FILE_NAME
            self._file = open_file(path, application=_APPLICATION, schema=_SCHEMA, error=BookError)
            path.chmod(_OWNER_ONLY)  # it says where was bought what

    # -- sessions ---------------------------------------------------------------------------------

    def load(self) -> list[SessionRecord]:
        """Every session in the order of opening."""
        return self._found(_LOAD, self._wallet)

    def load_all(self) -> list[SessionRecord]:
        """The same of every wallet that keeps its book here: for who wants to look."""
        return self._found(_LOAD_ALL)

    def save(self, record: SessionRecord) -> None:
        """Write a session down; it is on disk when this returns, and survives a kill."""
        self._write(_SAVE, record.id.hex(), self._wallet, json.dumps(to_json(record)))

    # -- charges ----------------------------------------------------------------------------------

    def keep(self, payment_hash: bytes, place: str, record: dict[str, Any]) -> None:
        """Remember a charge that was paid, or may have been, and that nobody has answered for."""
        self._write(_KEEP, payment_hash.hex(), self._wallet, place, json.dumps(record))

    def take(self, place: str) -> dict[str, Any] | None:
        """One that was for this place, if there is one; nobody else gets it then."""
        if self._file is None:
            return None
        try:
            row = self._file.execute(_TAKE, (self._wallet, place)).fetchone()
            found = None if row is None else json.loads(row[0])
        except (sqlite3.Error, ValueError) as error:
            raise _unreadable(error) from error
        return found if isinstance(found, dict) else None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _found(self, statement: str, *values: str) -> list[SessionRecord]:
        if self._file is None:
            return []
        try:
            rows = self._file.execute(statement, values).fetchall()
            found = [from_json(json.loads(text)) for (text,) in rows]
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            raise _unreadable(error) from error
        return sorted(found, key=lambda one: (one.opened_at_s, one.id))

    def _write(self, statement: str, *values: str) -> None:
        if self._file is None:
            return
        try:
            self._file.execute(statement, values)
        except sqlite3.Error as error:
            raise BookError(
                f"The book of Lightning payments cannot be written: {error}."
            ) from error


def _unreadable(error: Exception) -> BookError:
    return BookError(f"The book of Lightning payments cannot be read: {error}.")
