"""However it is used, every store does what a dictionary and a clock would do.

Random calls go to all backends at once and to a model of a few lines; answers and what is left must
agree. Redis takes part where it is installed.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core import Clock
from sandbox.server.stores import MemoryStore, RedisStore, SqliteStore
from sandbox.server.stores.codec import Packer
from tests.unit.sandbox.server.stores.redis_server import running_redis
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.server.stores import Store
    from tests.unit.sandbox.server.stores.redis_server import RedisServer

START_S = 1_000_000

KEYS = st.sampled_from(["a", "ab", "b", "a*", "é", "nul\0", "\U0010ffff"]) | st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=3
)
PREFIXES = st.sampled_from(["", "a", "ab", "*", "é", "\U0010ffff"])
NOTES = st.text(max_size=5)
SPANS_S = st.none() | st.integers(1, 20)

CALLS = st.one_of(
    st.tuples(st.just("set"), KEYS, st.builds(Tally, st.integers(), NOTES)),
    st.tuples(st.just("add"), KEYS, st.integers(-5, 5)),
    st.tuples(st.just("drop"), KEYS),
    st.tuples(st.just("fail"), KEYS),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("scan"), PREFIXES),
    st.tuples(st.just("mark"), KEYS, NOTES.filter(lambda n: n.isprintable()), SPANS_S),
    st.tuples(st.just("put"), KEYS, NOTES.filter(lambda n: n.isprintable()), SPANS_S),
    st.tuples(st.just("unmark"), KEYS),
    st.tuples(st.just("marked"), KEYS),
    st.tuples(st.just("advance"), st.integers(0, 10)),
)


class Refused(Exception):
    """What a failing change raises."""


def change_of(call: tuple[Any, ...]) -> Callable[[Tally | None], Tally | None]:
    """The change that a call makes to a record."""

    def change(before: Tally | None) -> Tally | None:
        match call:
            case ("set", _, tally):
                return tally
            case ("add", _, amount):
                return Tally(amount if before is None else before.count + amount)
            case ("fail", _):
                raise Refused
            case _:
                return None

    return change


@dataclass
class Model:
    """What the stores should do, as plainly as it can be said."""

    clock: Clock
    records: dict[str, Tally] = field(default_factory=dict)
    marks: dict[str, tuple[str, int | None]] = field(default_factory=dict)

    def live(self, key: str) -> str | None:
        value, end_s = self.marks.get(key, (None, None))
        return None if end_s is not None and end_s <= self.clock.now_s() else value

    def answer(self, call: tuple[Any, ...]) -> Any:
        match call:
            case ("set" | "add" | "drop" | "fail", key, *_):
                after = change_of(call)(self.records.get(key))
                self.records.pop(key, None)
                if after is not None:
                    self.records[key] = after
                return after
            case ("get", key):
                return self.records.get(key)
            case ("scan", prefix):
                return [pair for pair in sorted(self.records.items()) if pair[0].startswith(prefix)]
            case ("mark" | "put" as verb, key, value, span_s):
                if verb == "mark" and self.live(key) is not None:
                    return False
                self.marks[key] = (value, span_s and self.clock.now_s() + span_s)
                return True if verb == "mark" else None
            case ("unmark", key):
                self.marks.pop(key, None)
                return None
            case ("marked", key):
                return self.live(key)
        raise AssertionError(call)


async def answer_of(store: Store, clock: Clock, call: tuple[Any, ...]) -> Any:
    """The same from a store."""
    tallies, replays = store.records("tallies", TallyCodec()), store.replays()
    match call:
        case ("set" | "add" | "drop" | "fail", key, *_):
            return await tallies.update(key, change_of(call))
        case ("get", key):
            return await tallies.get(key)
        case ("scan", prefix):
            return [pair async for pair in tallies.scan(prefix)]
        case ("mark" | "put" as verb, key, value, span_s):
            put = replays.put_if_absent if verb == "mark" else replays.put
            end_s = span_s and clock.now_s() + span_s
            return await put(key, value, expires_at_s=end_s)
        case ("unmark", key):
            return await replays.delete(key)
        case ("marked", key):
            return await replays.get(key)
    raise AssertionError(call)


@pytest.fixture(scope="module")
def redis_or_none() -> Iterator[RedisServer | None]:
    """A Redis, or None where there is none: the others are compared all the same."""
    try:
        server = running_redis()
        entered = server.__enter__()
    except pytest.skip.Exception:
        yield None
        return
    try:
        yield entered
    finally:
        server.__exit__(None, None, None)


async def compare(calls: list[tuple[Any, ...]], path: Path, redis: RedisServer | None) -> None:
    """Make the calls on everything."""
    clock = Clock.frozen(START_S)
    model = Model(clock)
    async with AsyncExitStack() as stack:
        stores: list[Store] = [MemoryStore(clock), await SqliteStore.open(path, clock)]
        if redis is not None:
            redis.admin.flushall()
            stores.append(await RedisStore.open(redis.url, clock))
        for store in stores:
            stack.push_async_callback(store.close)
        for call in [*calls, ("scan", "")]:
            if call[0] == "advance":
                clock.advance(call[1])
            elif call[0] == "fail":
                for store in stores:
                    with pytest.raises(Refused):
                        await answer_of(store, clock, call)
            else:
                expected = model.answer(call)
                for store in stores:
                    assert await answer_of(store, clock, call) == expected, type(store).__name__
        for key in model.marks:
            for store in stores:
                assert await store.replays().get(key) == model.live(key)


@given(calls=st.lists(CALLS, max_size=25))
def test_all_stores_do_what_the_model_does(
    calls: list[tuple[Any, ...]], redis_or_none: RedisServer | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(calls, Path(folder, "store.db"), redis_or_none))


class PlainCodec:
    """Records that are JSON already."""

    def encode(self, record: Any) -> Any:
        return record

    def decode(self, document: Any) -> Any:
        return document


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_every_json_value_comes_back_as_it_was(record: Any) -> None:
    packer = Packer("anything", PlainCodec())
    text = packer.pack(record)
    assert text
    assert packer.unpack("a", text) == record
    assert packer.unpack("a", text.encode()) == record
