"""The store of several machines: one Redis database that all server processes share.

A collection is one Redis hash. An update reads a field, applies `change`, and sets the field by a
script only if it still holds what was read; otherwise it begins again with what is there now.
Within one process updates of the same key queue instead of racing, so it takes other processes to
make one begin again. How long an acknowledged change lives is Redis's configuration (`appendonly`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from weakref import WeakValueDictionary

from sandbox.server.stores.codec import Packer
from sandbox.server.stores.errors import StoreBusy
from sandbox.server.stores.keys import (
    checked_key,
    checked_name,
    checked_prefix,
)
from sandbox.server.stores.records import RecordStore
from sandbox.server.stores.redis_link import RedisLink, Script
from sandbox.server.stores.replays import SWEEP, ReplayStore, check_mark
from sandbox.server.stores.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.stores.codec import Codec

T = TypeVar("T")

ATTEMPTS: Final = 500
"""Each failed attempt means that another process got its own change in."""

_PAGE: Final = 256
_PURGE_PAGE: Final = 1_000

# In these scripts the empty text stands for nothing: no JSON text is empty, nor is a Unix time.
# A hash field that is absent reads as false.

_COMPARE_AND_SET: Final = Script("""
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found ~= (ARGV[2] ~= '' and ARGV[2]) then return {0, found} end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return {1, false}
""")

_LIVE: Final = Script("""
local end_s = redis.call('ZSCORE', KEYS[2], ARGV[1])
if end_s and tonumber(end_s) <= tonumber(ARGV[2]) then return false end
return redis.call('HGET', KEYS[1], ARGV[1])
""")

_SWEEP: Final = """
local dead = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(dead) do
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
end
"""

_PURGE: Final = Script(_SWEEP + "return #dead")

_MARK: Final = Script(
    _SWEEP
    + """
local key, value, end_s, always = ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'
if not always and redis.call('HEXISTS', KEYS[1], key) == 1 then
  local until_s = redis.call('ZSCORE', KEYS[2], key)
  if not until_s or tonumber(until_s) > tonumber(ARGV[1]) then return 0 end
end
redis.call('HSET', KEYS[1], key, value)
if end_s == '' then redis.call('ZREM', KEYS[2], key)
else redis.call('ZADD', KEYS[2], end_s, key) end
return 1
"""
)

_UNMARK: Final = Script("""
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])
""")


class RedisStore(Store):
    """Records and marks in one Redis database; made by `open`."""

    def __init__(self, link: RedisLink, clock: Clock) -> None:
        self._link = link
        self._collections: dict[str, _Locks] = {}
        self._replays = _Replays(self, link, clock)

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Clock,
        *,
        namespace: str = "mpp-sandbox",
        connections: int = 16,
        timeout_s: int = 5,
    ) -> RedisStore:
        """Connect to `redis://...` or `unix://...`.

        Stores with the same `namespace` share everything, others nothing. At most `connections`
        are open at once; each command may take `timeout_s`.
        """
        link = await RedisLink.open(
            url, namespace=namespace, connections=connections, timeout_s=timeout_s
        )
        return cls(link, clock)

    def records(self, name: str, codec: Codec[T]) -> RecordStore[T]:
        """The collection of this name."""
        locks = self._collections.setdefault(checked_name(name), _Locks())
        return _Records(self, self._link, name, codec, locks)

    def replays(self) -> ReplayStore:
        """The replay marks."""
        return self._replays

    async def close(self) -> None:
        """Let go of the connections."""
        await self._link.close()


class _Locks:
    """A lock for each key that is being updated, and none for the others."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        """The key's lock; it lives as long as somebody holds or awaits it."""
        return self._held.setdefault(key, asyncio.Lock())


class _Records(RecordStore[T], Generic[T]):
    """One collection: one hash."""

    def __init__(
        self, store: RedisStore, link: RedisLink, name: str, codec: Codec[T], locks: _Locks
    ) -> None:
        self._store = store
        self._link = link
        self._hash = link.key("records", name)
        self._packer = Packer(name, codec)
        self._locks = locks

    async def get(self, key: str) -> T | None:
        text = await self._link.read("HGET", self._hash, checked_key(key))
        return None if text is None else self._packer.unpack(key, text)

    async def update(self, key: str, change: Callable[[T | None], T | None]) -> T | None:
        async with self._locks.of(checked_key(key)):
            found = await self._link.read("HGET", self._hash, key)
            for _ in range(ATTEMPTS):
                after = change(None if found is None else self._packer.unpack(key, found))
                text = b"" if after is None else self._packer.pack(after).encode()
                if text == (found or b""):
                    return after
                done, found = await self._link.run(
                    _COMPARE_AND_SET, [self._hash], key, found or b"", text
                )
                if done:
                    return after
        raise StoreBusy(
            f"Other processes changed {key!r} {ATTEMPTS} times while it was being updated.",
            hint="Too many processes write one record; send a channel's requests to one of them.",
        )

    async def scan(self, prefix: str = "") -> AsyncIterator[tuple[str, T]]:
        checked_prefix(prefix)
        names = [name.decode() for name in await self._link.read("HKEYS", self._hash)]
        keys = sorted(name for name in names if name.startswith(prefix))
        for first in range(0, len(keys), _PAGE):
            page = keys[first : first + _PAGE]
            texts = await self._link.read("HMGET", self._hash, *page)
            for key, text in zip(page, texts, strict=True):
                if text is not None:  # it may have been deleted since
                    yield key, self._packer.unpack(key, text)

    async def close(self) -> None:
        await self._store.close()


class _Replays(ReplayStore):
    """A hash of values, and a sorted set of ends for those that have one. Redis's own expiry is of
    no use here: it follows Redis's clock and not the sandbox's."""

    def __init__(self, store: RedisStore, link: RedisLink, clock: Clock) -> None:
        self._store = store
        self._link = link
        self._clock = clock
        self._keys = [link.key("replays"), link.key("replays", "ends")]

    async def get(self, key: str) -> str | None:
        answer = await self._link.ask(_LIVE, self._keys, checked_key(key), self._clock.now_s())
        return None if answer is None else bytes(answer).decode()

    async def put(self, key: str, value: str, *, expires_at_s: int | None = None) -> None:
        await self._set(key, value, expires_at_s, always=True)

    async def delete(self, key: str) -> None:
        await self._link.run(_UNMARK, self._keys, checked_key(key))

    async def put_if_absent(self, key: str, value: str, *, expires_at_s: int | None = None) -> bool:
        return await self._set(key, value, expires_at_s, always=False)

    async def purge(self) -> int:
        forgotten = 0
        now_s = self._clock.now_s()
        while count := int(await self._link.run(_PURGE, self._keys, now_s, _PURGE_PAGE)):
            forgotten += count
        return forgotten

    async def close(self) -> None:
        await self._store.close()

    async def _set(self, key: str, value: str, end_s: int | None, *, always: bool) -> bool:
        check_mark(key, value, end_s, self._clock)
        end = "" if end_s is None else end_s
        now_s = self._clock.now_s()
        answer = await self._link.run(_MARK, self._keys, now_s, SWEEP, key, value, end, int(always))
        return bool(answer)
