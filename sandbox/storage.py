"""Opens the place where merchants keep their channels, as a setting names it.

memory              this process, until it ends
sqlite:channels.db  this machine, across processes and restarts
redis://host/0      several machines; needs the extra `redis`
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.server.stores import MemoryStore, RedisStore, SqliteStore

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.stores import Store


async def open_store(name: str, clock: Clock) -> Store:
    """The store of this name, which `DevnetSettings.read` has checked."""
    if name == "memory":
        return MemoryStore(clock)
    kind, _, path = name.partition(":")
    if kind == "sqlite":
        return await SqliteStore.open(path, clock)
    return await RedisStore.open(name, clock)


def public_name(name: str) -> str:
    """The name as it may be shown: a Redis address without its user, password and options."""
    if name == "memory" or name.startswith("sqlite:"):
        return name
    parts = urlsplit(name)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
