"""The Redis store keeps the promises, never does a change twice, and says when it cannot know."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from mock_rails.core import BadInput, Clock
from sandbox.server.stores import (
    RecordDamaged,
    RedisStore,
    StoreBusy,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreOutcomeUnknown,
    StoreUnavailable,
)
from tests.unit.sandbox.server.stores.records_compliance import RecordCompliance, keys_of
from tests.unit.sandbox.server.stores.redis_server import RedisServer, running_redis
from tests.unit.sandbox.server.stores.replays_compliance import ReplayCompliance
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, become, one_more

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HASH = "mpp-sandbox:records:tallies"


@pytest.fixture
async def store(redis_server: RedisServer, clock: Clock) -> AsyncIterator[RedisStore]:
    opened = await RedisStore.open(redis_server.url, clock)
    yield opened
    await opened.close()


class TestRedisRecords(RecordCompliance):
    """The promises about records."""


class TestRedisReplays(ReplayCompliance):
    """The promises about marks."""


# -- the database ----------------------------------------------------------------------------------


async def test_everything_is_there_after_reopening(
    store: RedisStore, redis_server: RedisServer, clock: Clock
) -> None:
    await store.records("tallies", TallyCodec()).update("a", become(Tally(2**200, "kept")))
    await store.replays().put_if_absent("used", "0xhash")
    await store.close()
    again = await RedisStore.open(redis_server.url, clock)
    assert await again.records("tallies", TallyCodec()).get("a") == Tally(2**200, "kept")
    assert not await again.replays().put_if_absent("used", "x")
    await again.close()


async def test_namespaces_are_apart(
    store: RedisStore, redis_server: RedisServer, clock: Clock
) -> None:
    await store.records("tallies", TallyCodec()).update("a", one_more)
    await store.replays().put_if_absent("a", "x")
    other = await RedisStore.open(redis_server.url, clock, namespace="other")
    assert await other.records("tallies", TallyCodec()).get("a") is None
    assert await other.replays().put_if_absent("a", "x")
    await other.close()


async def test_a_newer_schema_is_refused(redis_server: RedisServer, clock: Clock) -> None:
    redis_server.admin.set("mpp-sandbox:schema", "2")
    with pytest.raises(StoreForeign, match="knows version 1"):
        await RedisStore.open(redis_server.url, clock)
    assert redis_server.admin.keys() == [b"mpp-sandbox:schema"]
    assert redis_server.admin.get("mpp-sandbox:schema") == b"2"


async def test_a_cache_is_refused(redis_server: RedisServer, clock: Clock) -> None:
    """It would evict replay marks, and then a credential would pay twice."""
    redis_server.admin.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StoreForeign, match=r"maxmemory-policy allkeys-lru.*noeviction"):
        await RedisStore.open(redis_server.url, clock)
    assert redis_server.admin.keys() == []


async def test_a_full_redis_says_so_and_keeps_what_it_has(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    await tallies.update("a", become(Tally(5)))
    redis_server.admin.config_set("maxmemory", "1")
    with pytest.raises(StoreFull, match="no memory left"):
        await tallies.update("a", one_more)
    with pytest.raises(StoreFull):
        await store.replays().put_if_absent("mark", "x")
    assert await tallies.get("a") == Tally(5)
    redis_server.admin.config_set("maxmemory", "0")
    assert await store.replays().get("mark") is None
    assert await tallies.update("a", one_more) == Tally(6)


async def test_a_damaged_record_is_named_and_stays(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    redis_server.admin.hset(HASH, "a", "[1]")
    for attempt in (tallies.get("a"), tallies.update("a", one_more), keys_of(tallies)):
        with pytest.raises(RecordDamaged, match="'a' of 'tallies' cannot be read"):
            await attempt
    assert redis_server.admin.hget(HASH, "a") == b"[1]"


async def test_a_flushed_script_cache_is_no_hindrance(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    for expected in (1, 2):
        redis_server.admin.script_flush()
        assert await tallies.update("a", one_more) == Tally(expected)


# -- rivals ----------------------------------------------------------------------------------------


async def test_an_update_begins_again_when_another_process_was_faster(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    seen = []

    def change(before: Tally | None) -> Tally:
        seen.append(before)
        if len(seen) == 1:
            redis_server.admin.hset(HASH, "a", '{"count":10,"note":""}')
        if len(seen) == 2:
            redis_server.admin.hdel(HASH, "a")
        return one_more(before)

    assert await tallies.update("a", change) == Tally(1)
    assert seen == [None, Tally(10), None]
    assert await tallies.get("a") == Tally(1)


async def test_it_does_not_begin_again_for_ever(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    calls = 0

    def change(before: Tally | None) -> Tally:
        nonlocal calls
        calls += 1
        redis_server.admin.hset(HASH, "a", f'{{"count":{calls},"note":"rival"}}')
        return one_more(before)

    with pytest.raises(StoreBusy, match="500 times"):
        await tallies.update("a", change)
    assert calls == 500
    assert await tallies.get("a") == Tally(500, "rival")


# -- broken connections ----------------------------------------------------------------------------


@asynccontextmanager
async def losing_the_answer(
    server: RedisServer, command: bytes, clock: Clock
) -> AsyncIterator[RedisStore]:
    """A store that talks through a relay. The relay delivers everything, but hangs up instead of
    giving the answer to the first of these commands."""
    lost = asyncio.Event()
    relays: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_unix_connection(str(server.socket))
        try:
            while request := await reader.read(1 << 16):
                ahead.write(request)
                answer = await behind.read(1 << 16)
                if command in request and not lost.is_set():
                    lost.set()
                    return
                writer.write(answer)
        finally:
            for each in (ahead, writer):
                each.close()
                await each.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.add(asyncio.create_task(relay(reader, writer)))

    server.admin.script_flush()  # so that a script is sent as EVAL, after EVALSHA was not known
    socket = server.socket.with_name("relay.sock")
    listener = await asyncio.start_unix_server(accept, str(socket))
    store = await RedisStore.open(f"unix://{socket}", clock)
    try:
        yield store
        assert lost.is_set()
    finally:
        await store.close()
        listener.close()
        await asyncio.gather(*relays)


async def test_a_change_whose_answer_was_lost_is_unknown_and_not_repeated(
    redis_server: RedisServer, clock: Clock
) -> None:
    async with losing_the_answer(redis_server, b"EVAL\r\n", clock) as store:
        tallies = store.records("tallies", TallyCodec())
        calls = []

        def change(before: Tally | None) -> Tally:
            calls.append(before)
            return one_more(before)

        with pytest.raises(StoreOutcomeUnknown, match=r"connection to Redis .* failed"):
            await tallies.update("a", change)
        assert calls == [None]
        assert await tallies.get("a") == Tally(1)  # it had been made; the caller looks and sees
        assert await tallies.update("a", one_more) == Tally(2)


async def test_a_mark_whose_answer_was_lost_is_unknown(
    redis_server: RedisServer, clock: Clock
) -> None:
    """Not False, which would tell an honest payer that the credential was used before."""
    async with losing_the_answer(redis_server, b"EVAL\r\n", clock) as store:
        with pytest.raises(StoreOutcomeUnknown):
            await store.replays().put_if_absent("a", "mine")
        assert await store.replays().get("a") == "mine"


async def test_a_lost_read_changed_nothing(redis_server: RedisServer, clock: Clock) -> None:
    async with losing_the_answer(redis_server, b"HGET\r\n", clock) as store:
        called: list[object] = []
        with pytest.raises(StoreUnavailable) as caught:
            await store.records("tallies", TallyCodec()).update("a", called.append)
        assert not isinstance(caught.value, StoreOutcomeUnknown)
        assert called == []


async def test_connections_that_were_cut_while_idle_are_replaced(
    store: RedisStore, redis_server: RedisServer
) -> None:
    tallies = store.records("tallies", TallyCodec())
    await tallies.update("a", one_more)
    redis_server.admin.client_kill_filter(skipme=True)
    await asyncio.sleep(0.05)
    assert await tallies.update("a", one_more) == Tally(2)


async def test_a_server_that_is_gone(clock: Clock) -> None:
    with running_redis() as server:
        store = await RedisStore.open(server.url, clock)
        tallies = store.records("tallies", TallyCodec())
        await tallies.update("a", one_more)
    for attempt in (tallies.get("a"), tallies.update("a", one_more), store.replays().get("a")):
        with pytest.raises(StoreUnavailable) as caught:
            await attempt
        assert not isinstance(caught.value, StoreOutcomeUnknown)
    await store.close()
    with pytest.raises(StoreUnavailable, match=r"redis\.sock/0 failed"):
        await RedisStore.open(server.url, clock)


# -- wrong input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "store.db", "http://localhost", "redis://localhost:port/0"])
async def test_an_address_that_is_none(clock: Clock, url: str) -> None:
    with pytest.raises(BadInput, match="no address of a Redis database"):
        await RedisStore.open(url, clock)


@pytest.mark.parametrize(
    "options", [{"namespace": "A B"}, {"connections": 0}, {"timeout_s": 0}], ids=str
)
async def test_impossible_options_are_refused(clock: Clock, options: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        await RedisStore.open("redis://localhost", clock, **options)  # type: ignore[arg-type]


async def test_errors_do_not_tell_the_password(clock: Clock) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await RedisStore.open("redis://:hunter2@localhost:1/3", clock)
    assert "localhost:1/3" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "kind", ["OutOfMemoryError", "BusyLoadingError", "ConnectionError", "ResponseError"]
)
async def test_an_error_is_one_sentence_with_one_end(store: RedisStore, kind: str) -> None:
    from redis import exceptions

    with pytest.raises(StoreError) as caught, store._link._translating(StoreUnavailable):
        raise getattr(exceptions, kind)("the command was refused.")
    assert caught.value.detail.endswith("the command was refused.")


async def test_without_the_package_it_says_what_to_install(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StoreUnavailable, match=r"pip install 'mpp-sandbox\[redis\]'"):
        await RedisStore.open("redis://localhost", clock)
