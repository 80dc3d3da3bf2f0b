"""What every store promises about replay marks, as a class that each backend's tests inherit."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from mock_rails.core import BadInput
from sandbox.server.stores import StoreClosed
from sandbox.server.stores.replays import SWEEP
from tests.unit.sandbox.server.stores.records_compliance import BAD_KEYS, ODD_KEYS
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, one_more

if TYPE_CHECKING:
    from mock_rails.core import Clock
    from sandbox.server.stores import ReplayStore, Store

YEAR_S = 365 * 86_400


class ReplayCompliance:
    """Give fixtures `store` and `clock` (one that stands still), and let pytest find the tests."""

    @pytest.fixture
    def replays(self, store: Store) -> ReplayStore:
        """No marks yet."""
        return store.replays()

    # -- once -------------------------------------------------------------------------------------

    async def test_a_key_is_taken_once(self, replays: ReplayStore) -> None:
        assert await replays.get("0xabc") is None
        assert await replays.put_if_absent("0xabc", "first") is True
        assert await replays.put_if_absent("0xabc", "second") is False
        assert await replays.get("0xabc") == "first"
        assert await replays.put_if_absent("0xabd", "other") is True

    @pytest.mark.parametrize("expires", [False, True])
    async def test_of_200_concurrent_uses_one_succeeds(
        self, replays: ReplayStore, clock: Clock, expires: bool
    ) -> None:
        end_s = clock.now_s() + 60 if expires else None
        results = await asyncio.gather(
            *(replays.put_if_absent("a", f"{n}", expires_at_s=end_s) for n in range(200))
        )
        assert sum(results) == 1
        assert await replays.get("a") == f"{results.index(True)}"

    async def test_odd_keys_and_values(self, replays: ReplayStore) -> None:
        for key in ODD_KEYS:
            assert await replays.put_if_absent(key, f"value of {key}")
        assert await replays.put_if_absent("empty", "")
        assert not await replays.put_if_absent("empty", "x")
        for key in ODD_KEYS:
            assert await replays.get(key) == f"value of {key}"
        assert await replays.get("empty") == ""

    async def test_marks_and_records_do_not_meet(self, store: Store, replays: ReplayStore) -> None:
        tallies = store.records("replays", TallyCodec())
        await tallies.update("a", one_more)
        assert await replays.put_if_absent("a", "mark")
        assert await tallies.get("a") == Tally(1)

    async def test_put_replaces_and_delete_frees(self, replays: ReplayStore) -> None:
        await replays.put("a", "pending")
        assert not await replays.put_if_absent("a", "x")
        await replays.put("a", "0xhash")
        assert await replays.get("a") == "0xhash"
        await replays.delete("a")
        await replays.delete("a")
        assert await replays.get("a") is None
        assert await replays.put_if_absent("a", "again")

    # -- ends -------------------------------------------------------------------------------------

    async def test_a_mark_ends_when_the_clock_says_so(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        assert await replays.put_if_absent("a", "1", expires_at_s=clock.now_s() + 60)
        clock.advance(59)
        assert await replays.get("a") == "1"
        assert not await replays.put_if_absent("a", "2", expires_at_s=clock.now_s() + 999)
        clock.advance(1)
        assert await replays.get("a") is None
        assert await replays.put_if_absent("a", "3", expires_at_s=clock.now_s() + 60)
        assert await replays.get("a") == "3"

    async def test_a_mark_without_end_has_none(self, replays: ReplayStore, clock: Clock) -> None:
        await replays.put_if_absent("a", "1")
        clock.advance(100 * YEAR_S)
        assert not await replays.put_if_absent("a", "2")
        assert await replays.purge() == 0
        assert await replays.get("a") == "1"

    async def test_a_refused_mark_does_not_prolong_the_first(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        await replays.put_if_absent("a", "1", expires_at_s=clock.now_s() + 10)
        assert not await replays.put_if_absent("a", "2")
        clock.advance(10)
        assert await replays.get("a") is None

    async def test_put_sets_the_end_anew(self, replays: ReplayStore, clock: Clock) -> None:
        soon, later = clock.now_s() + 10, clock.now_s() + 20
        await replays.put_if_absent("to none", "1", expires_at_s=soon)
        await replays.put("to none", "2")
        await replays.put_if_absent("later", "1", expires_at_s=soon)
        await replays.put("later", "2", expires_at_s=later)
        await replays.put_if_absent("to some", "1")
        await replays.put("to some", "2", expires_at_s=soon)
        clock.advance(10)
        assert [await replays.get(key) for key in ("to none", "later", "to some")] == [
            "2",
            "2",
            None,
        ]
        clock.advance(10)
        assert [await replays.get(key) for key in ("to none", "later")] == ["2", None]

    async def test_a_key_freed_early_keeps_nothing_of_its_end(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        await replays.put_if_absent("a", "1", expires_at_s=clock.now_s() + 10)
        await replays.delete("a")
        await replays.put_if_absent("a", "2")
        clock.advance(10)
        assert await replays.purge() == 0
        assert await replays.get("a") == "2"

    async def test_purge_forgets_what_expired_and_nothing_else(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        now_s = clock.now_s()
        for number in range(1, 31):
            await replays.put_if_absent(f"k{number}", "x", expires_at_s=now_s + number)
        await replays.put_if_absent("stays", "x")
        clock.advance(20)
        assert await replays.purge() == 20
        assert await replays.purge() == 0
        assert [await replays.get(f"k{n}") for n in (20, 21, 30)] == [None, "x", "x"]
        assert await replays.get("stays") == "x"

    async def test_new_marks_sweep_out_expired_ones(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        """So that a server nobody purges does not grow for ever."""
        for number in range(100):
            await replays.put_if_absent(f"old{number}", "x", expires_at_s=clock.now_s() + 5)
        clock.advance(5)
        for number in range(10):
            await replays.put_if_absent(f"new{number}", "x")
        assert await replays.purge() == 100 - 10 * SWEEP

    async def test_a_key_is_free_at_its_end_even_before_it_is_swept_out(
        self, replays: ReplayStore, clock: Clock
    ) -> None:
        now_s = clock.now_s()
        for number in range(5 * SWEEP):
            await replays.put_if_absent(f"earlier{number}", "x", expires_at_s=now_s + 1)
        await replays.put_if_absent("a", "1", expires_at_s=now_s + 5)
        clock.advance(5)
        assert await replays.get("a") is None
        assert await replays.put_if_absent("a", "2", expires_at_s=now_s + 9)
        assert await replays.get("a") == "2"
        assert await replays.purge() == 5 * SWEEP - SWEEP
        clock.advance(4)
        assert await replays.purge() == 1

    # -- wrong input ------------------------------------------------------------------------------

    @pytest.mark.parametrize("late_s", [0, -1, -YEAR_S])
    async def test_an_end_that_has_come_is_refused(
        self, replays: ReplayStore, clock: Clock, late_s: int
    ) -> None:
        """Such a mark would let every use pass."""
        end_s = clock.now_s() + late_s
        for attempt in (
            replays.put_if_absent("a", "1", expires_at_s=end_s),
            replays.put("a", "1", expires_at_s=end_s),
            replays.put_if_absent_until("a", "1", end_s),
        ):
            with pytest.raises(BadInput, match="would protect nothing"):
                await attempt
        assert await replays.get("a") is None

    @pytest.mark.parametrize("end", [4e9, "4000000000", True])
    async def test_an_end_is_a_whole_number(self, replays: ReplayStore, end: int) -> None:
        with pytest.raises(BadInput, match="whole number of Unix seconds"):
            await replays.put_if_absent("a", "1", expires_at_s=end)
        assert await replays.get("a") is None

    @pytest.mark.parametrize("key", BAD_KEYS)
    async def test_a_bad_key_is_refused(self, replays: ReplayStore, key: str) -> None:
        for attempt in (
            replays.get(key),
            replays.put(key, "1"),
            replays.put_if_absent(key, "1"),
            replays.delete(key),
        ):
            with pytest.raises(BadInput, match="A key is"):
                await attempt

    @pytest.mark.parametrize("value", [None, 1, b"bytes", "\ud800", "x" * ((1 << 20) + 1)])
    async def test_a_bad_value_is_refused(self, replays: ReplayStore, value: str) -> None:
        for attempt in (replays.put("a", value), replays.put_if_absent("a", value)):
            with pytest.raises(BadInput, match="A value is a text"):
                await attempt
        assert await replays.get("a") is None

    # -- as pympp's store -------------------------------------------------------------------------

    async def test_it_is_a_store_for_pympp(self, replays: ReplayStore) -> None:
        from mpp.store import ExpiringStore

        assert isinstance(replays, ExpiringStore)

    async def test_pympp_ends_are_rounded_up(self, replays: ReplayStore, clock: Clock) -> None:
        end = clock.now_s() + 9.25
        assert await replays.put_if_absent_until("a", "1", end) is True
        assert await replays.put_if_absent_until("a", "2", end) is False
        clock.advance(9)
        assert await replays.get("a") == "1"
        clock.advance(1)
        assert await replays.get("a") is None

    @pytest.mark.parametrize("end", [math.inf, math.nan, -math.inf])
    async def test_pympp_ends_are_finite(self, replays: ReplayStore, end: float) -> None:
        with pytest.raises(BadInput, match="finite Unix time"):
            await replays.put_if_absent_until("a", "1", end)
        assert await replays.get("a") is None

    # -- the end ----------------------------------------------------------------------------------

    async def test_a_closed_store_refuses_marks(self, store: Store, replays: ReplayStore) -> None:
        await replays.close()
        for attempt in (
            replays.get("a"),
            replays.put("a", "1"),
            replays.put_if_absent("a", "1"),
            replays.delete("a"),
            replays.purge(),
        ):
            with pytest.raises(StoreClosed, match="was closed"):
                await attempt
        await store.close()
