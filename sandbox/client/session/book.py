"""The payer's book of channels: what must not be forgotten between two runs.

A voucher is written down before it is sent. A payer that comes back, even from a kill, so never
signs a total that contradicts one that the server has. The book is a SQLite file; without a place
for it, it lasts as long as the process.

Several processes may use a book. A change names the version it was made from, so the second of two
that sign for the same channel finds out before its voucher leaves, and works its total out anew.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Final

from sandbox.client.session.channel import PayerChannel, from_record, to_record
from sandbox.client.session.errors import BookDamagedError, StateInUseError
from sandbox.client.sqlite_file import open_file
from sandbox.methods.tempo_session import FieldError
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = "channels.sqlite3"

_APPLICATION: Final = 0x4D505042
"""`MPPB`: how the file says whose it is."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL
) WITHOUT ROWID;
"""
_INSERT: Final = "INSERT OR IGNORE INTO channels (version, record, id) VALUES (?, ?, ?)"
_READ: Final = "SELECT record FROM channels WHERE id = ?"
_UPDATE: Final = "UPDATE channels SET version = ?, record = ? WHERE id = ? AND version = ?"


class ChannelBook:
    """All channels of all wallets that use the same place."""

    def __init__(self, state: Path | None) -> None:
        self._kept: dict[bytes, PayerChannel] = {}
        self._file = (
            None
            if state is None
            else open_file(
                # A power cut may lose the last vouchers, which the server's snapshot then shows.
                state / FILE_NAME,
                application=_APPLICATION,
                schema=_SCHEMA,
                error=BookDamagedError,
            )
        )

    def load(self) -> list[PayerChannel]:
        """Every channel, as it was last written down."""
        if self._file is None:
            return list(self._kept.values())
        try:
            rows = self._file.execute("SELECT record FROM channels").fetchall()
            return [from_record(json.loads(text)) for (text,) in rows]
        except (sqlite3.Error, FieldError, ValueError) as error:
            raise BookDamagedError(f"The book of channels cannot be read: {error}.") from error

    def read(self, channel_id: bytes) -> PayerChannel | None:
        """One channel, as it was last written down, by whichever process."""
        if self._file is None:
            return self._kept.get(channel_id)
        try:
            row = self._file.execute(_READ, (to_hex(channel_id),)).fetchone()
            return None if row is None else from_record(json.loads(row[0]))
        except (sqlite3.Error, FieldError, ValueError) as error:
            raise BookDamagedError(f"The book of channels cannot be read: {error}.") from error

    def save(self, channel: PayerChannel) -> None:
        """Write a channel down; it is on disk when this returns, and survives a kill.

        `StateInUseError` if another process wrote the channel since we read it.
        """
        if self._file is None:
            self._kept[channel.id] = channel
            return
        record, key = json.dumps(to_record(channel)), to_hex(channel.id)
        try:
            if channel.version == 1:
                done = self._file.execute(_INSERT, (1, record, key))
            else:
                done = self._file.execute(
                    _UPDATE, (channel.version, record, key, channel.version - 1)
                )
        except sqlite3.Error as error:
            raise BookDamagedError(f"The book of channels cannot be written: {error}.") from error
        if done.rowcount != 1:
            raise StateInUseError(
                f"Channel {key} was changed by another process that uses the same book.",
                hint="Try again, or give each process a book of its own.",
            )

    def forget(self, channel_id: bytes) -> None:
        """A closed channel is not needed any more."""
        self._kept.pop(channel_id, None)
        if self._file is not None:
            try:
                self._file.execute("DELETE FROM channels WHERE id = ?", (to_hex(channel_id),))
            except sqlite3.Error as error:
                raise BookDamagedError(
                    f"The book of channels cannot be written: {error}."
                ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
