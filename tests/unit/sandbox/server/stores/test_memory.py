"""The memory store keeps the promises, the records themselves, and no litter."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.stores.records_compliance import RecordCompliance
from tests.unit.sandbox.server.stores.replays_compliance import ReplayCompliance
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, become

if TYPE_CHECKING:
    from mock_rails.core import Clock


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


class TestMemoryRecords(RecordCompliance):
    """The promises about records."""


class TestMemoryReplays(ReplayCompliance):
    """The promises about marks."""


async def test_it_keeps_the_objects_themselves(store: MemoryStore) -> None:
    tallies = store.records("tallies", TallyCodec())
    tally = Tally(1)
    assert await tallies.update("a", become(tally)) is tally
    assert await tallies.get("a") is tally
    async for _, record in tallies.scan():
        assert record is tally


async def test_a_key_set_and_freed_for_ever_leaves_no_litter(
    store: MemoryStore, clock: Clock
) -> None:
    """Its ends lie far in the future, so nothing would sweep them."""
    replays = store.replays()

    async def use(times: int) -> None:
        for number in range(times):
            end_s = clock.now_s() + 1_000_000 + number
            await replays.put_if_absent("a", "x", expires_at_s=end_s)
            await replays.delete("a")

    def allocated() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    await use(1_000)
    before = allocated()
    await use(5_000)
    assert allocated() - before < 1_000
