"""What the gate remembers: channel records with an atomic update, and single-use replay marks.

pympp's own stores can put and get but not read, change and write as one step, which is what keeps
`spent` and `accepted` right when requests race (facts: protocol 2.3, G8). A `Store` is a place; it
hands out record stores and a replay store, and there are three of them behind one interface:

    MemoryStore(clock)                      one process, forgets at exit
    await SqliteStore.open(path, clock)     several processes of one machine, survives a kill
    await RedisStore.open(url, clock)       several machines; needs the extra `redis`

    channels = store.records("channels", ChannelCodec())
    await channels.update(channel_id, lambda channel: channel.spend(price))
    mpp = Mpp.create(..., store=store.replays())
"""

from sandbox.server.stores.codec import Codec
from sandbox.server.stores.errors import (
    RecordDamaged,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreOutcomeUnknown,
    StoreUnavailable,
)
from sandbox.server.stores.memory import MemoryStore
from sandbox.server.stores.records import RecordStore
from sandbox.server.stores.redis import RedisStore
from sandbox.server.stores.replays import ReplayStore
from sandbox.server.stores.sqlite import SqliteStore
from sandbox.server.stores.store import Store

__all__ = [
    "Codec",
    "MemoryStore",
    "RecordDamaged",
    "RecordStore",
    "RedisStore",
    "ReplayStore",
    "SqliteStore",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreError",
    "StoreForeign",
    "StoreFull",
    "StoreOutcomeUnknown",
    "StoreUnavailable",
]
