"""The merchants' books keep to what a snapshot asks of a part: copy, restore, reset, refuse."""

from __future__ import annotations

import pytest

from mock_rails.core import snapshot
from mock_rails.core.clock import Clock
from mock_rails.core.errors import SnapshotError
from mock_rails.core.rail import Rail, RailContext
from sandbox.server.stores import MemoryStore
from sandbox.snapshots import Books

CONTEXT = RailContext.create(clock=Clock.frozen(1_767_225_600))


async def test_they_are_kept_before_a_store_is_there_and_after() -> None:
    books = Books()
    assert isinstance(books, Rail)
    store = MemoryStore(CONTEXT.clock)
    await store.replays().put("paid", "settled")
    first = Books()
    first.attach(MemoryStore(CONTEXT.clock))
    empty = first.snapshot()

    filled = {"version": 1, **store.snapshot()}
    books.restore(filled)
    assert books.snapshot() == filled
    attached = MemoryStore(CONTEXT.clock)
    books.attach(attached)
    assert await attached.replays().get("paid") == "settled"
    assert books.digest() == snapshot.digest(filled) != first.digest()
    books.reset()
    assert books.snapshot() == empty
    assert await attached.replays().get("paid") is None


async def test_a_snapshot_of_rails_alone_begins_them_anew() -> None:
    """As any rail that a snapshot does not know; and theirs is never dropped silently."""
    books = Books()
    store = MemoryStore(CONTEXT.clock)
    books.attach(store)
    await store.replays().put("paid", "settled")
    whole = snapshot.take(CONTEXT, [books])
    snapshot.apply(snapshot.take(CONTEXT, []), CONTEXT, [books])
    assert await store.replays().get("paid") is None
    with pytest.raises(SnapshotError, match="the rails merchants"):
        snapshot.apply(whole, CONTEXT, [])


@pytest.mark.parametrize("damaged", [None, {}, {"version": 2, "records": {}, "marks": {}}])
def test_what_is_no_books_is_refused(damaged: object) -> None:
    with pytest.raises(SnapshotError, match="no books of version 1"):
        Books().restore(damaged)
