"""A small SQLite file of the client's: its own, or none at all."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.client.errors import ClientError

_PATIENCE_S: Final = 5


def open_file(
    path: Path, *, application: int, schema: str, error: type[ClientError]
) -> sqlite3.Connection:
    """Open or make it; every statement is a transaction of its own unless one is begun.

    Raises `error` where that cannot be done, or the file is another program's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(
            path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as failure:
        raise error(f"The book {path} cannot be opened: {failure}.") from failure
    try:
        _prepare(file, application, schema, error)
    except (sqlite3.Error, error) as failure:
        file.close()
        raise error(f"The book {path} cannot be used: {failure}.") from failure
    return file


def _prepare(
    file: sqlite3.Connection, application: int, schema: str, error: type[ClientError]
) -> None:
    (found,) = file.execute("PRAGMA application_id").fetchone()
    (tables,) = file.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if found != application and (found or tables):
        raise error("it belongs to another program")
    # A kill loses nothing in this mode; a power cut may lose the last changes.
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.execute(f"PRAGMA application_id = {application}")
    file.executescript(schema)
