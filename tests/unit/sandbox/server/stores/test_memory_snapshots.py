"""The memory store as JSON values and back: what a devnet's snapshot holds of its merchants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.errors import SnapshotError
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, become

if TYPE_CHECKING:
    from mock_rails.core import Clock


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


async def fill(store: MemoryStore, clock: Clock) -> dict[str, Any]:
    """A record and two marks, as a document that went through a file."""
    await store.records("tallies", TallyCodec()).update("a", become(Tally(1)))
    await store.replays().put("for-ever", "x")
    await store.replays().put("soon", "y", expires_at_s=clock.now_s() + 10)
    return json.loads(json.dumps(store.snapshot()))


async def test_it_becomes_what_it_was(store: MemoryStore, clock: Clock) -> None:
    before = await fill(store, clock)
    tallies, replays = store.records("tallies", TallyCodec()), store.replays()
    await tallies.update("a", become(Tally(2)))
    await tallies.update("b", become(Tally(3)))
    await store.records("later", TallyCodec()).update("c", become(Tally(4)))
    await replays.put("for-ever", "z")
    store.restore(before)
    assert [(key, one) async for key, one in tallies.scan()] == [("a", Tally(1))]
    assert [key async for key, _ in store.records("later", TallyCodec()).scan()] == []
    assert await replays.get("for-ever") == "x"
    assert not await replays.put_if_absent("soon", "z")
    assert store.snapshot() == before


async def test_another_store_goes_on_with_it_collection_by_collection(
    store: MemoryStore, clock: Clock
) -> None:
    """Those that nobody has asked for yet are kept as they are."""
    before = await fill(store, clock)
    other = MemoryStore(clock)
    other.restore(before)
    assert other.snapshot() == before
    assert await other.records("tallies", TallyCodec()).get("a") == Tally(1)
    assert other.snapshot() == before


async def test_marks_end_as_they_would_have(store: MemoryStore, clock: Clock) -> None:
    before = await fill(store, clock)
    clock.advance(10)
    store.restore(before)
    assert await store.replays().get("soon") is None
    assert await store.replays().purge() == 1


async def test_it_can_be_read_after_it_was_closed(store: MemoryStore, clock: Clock) -> None:
    """A state file is written when everything has ended."""
    before = await fill(store, clock)
    await store.close()
    assert store.snapshot() == before


async def test_what_is_no_snapshot_changes_nothing(store: MemoryStore, clock: Clock) -> None:
    before = await fill(store, clock)
    marks, records = before["marks"], before["records"]
    for damaged in (
        {},
        {"records": records},
        {"records": records, "marks": marks, "more": 1},
        {"records": {"tallies": {"a": "no tally"}}, "marks": marks},
        {"records": {"tallies": ["a"]}, "marks": marks},
        {"records": {"tallies": {"": {"count": 1}}}, "marks": marks},
        {"records": {}, "marks": {"a": ["x"]}},
        {"records": {}, "marks": {"a": [1, None]}},
        {"records": {}, "marks": {"a": ["x", True]}},
    ):
        with pytest.raises(SnapshotError):
            store.restore(damaged)
    assert store.snapshot() == before
