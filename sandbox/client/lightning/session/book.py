"""The payer's book of Lightning sessions: a SQLite file, or memory where there is no place for one.

A session is written down before its deposit is paid, so that a run which is killed at any moment
leaves behind what the next one needs to look the payment up and to use, or close, the session.
Several processes may use a book: the last to write a session is believed, for what they write of it
differs in what is looked up anyway.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Final

from sandbox.client.errors import ClientError
from sandbox.client.lightning.session.record import SessionRecord, from_json, to_json
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
"""
_WRITE: Final = "INSERT OR REPLACE INTO sessions (id, wallet, record) VALUES (?, ?, ?)"
_READ: Final = "SELECT record FROM sessions WHERE wallet = ?"
_OWNER_ONLY: Final = 0o600


class SessionBookError(ClientError):
    """The book on disk is not one, or holds a record that cannot be read."""

    code = "session-book"
    title = "The book of Lightning sessions cannot be used"


class SessionBook:
    """One wallet's sessions."""

    def __init__(self, state: Path | None, wallet: bytes) -> None:
        self._wallet = wallet.hex()
        self._file: sqlite3.Connection | None = None
        if state is not None:
            path = state / FILE_NAME
            self._file = open_file(
                path, application=_APPLICATION, schema=_SCHEMA, error=SessionBookError
            )
            path.chmod(_OWNER_ONLY)  # it says where was bought what

    def load(self) -> list[SessionRecord]:
        """Every session in the order of opening."""
        if self._file is None:
            return []
        try:
            rows = self._file.execute(_READ, (self._wallet,)).fetchall()
            found = [from_json(json.loads(text)) for (text,) in rows]
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            raise SessionBookError(
                f"The book of Lightning sessions cannot be read: {error}."
            ) from error
        return sorted(found, key=lambda one: (one.opened_at_s, one.id))

    def save(self, record: SessionRecord) -> None:
        """Write a session down; it is on disk when this returns, and survives a kill."""
        if self._file is None:
            return
        try:
            text = json.dumps(to_json(record))
            self._file.execute(_WRITE, (record.id.hex(), self._wallet, text))
        except sqlite3.Error as error:
            raise SessionBookError(
                f"The book of Lightning sessions cannot be written: {error}."
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
