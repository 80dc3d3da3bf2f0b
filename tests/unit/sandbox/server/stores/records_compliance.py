"""What every store promises about records, as a class that each backend's tests inherit."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mock_rails.core import BadInput
from sandbox.server.stores import StoreClosed
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, become, one_more

if TYPE_CHECKING:
    from sandbox.server.stores import RecordStore, Store

ODD_KEYS = [
    "a",
    " ",
    "a b",
    "nul\0inside",
    "line\nbreak",
    "*",
    "a[b]?*",
    "%_\\",
    "'; DROP TABLE records; --",
    "häuser/日本/\U0001f4b0",
    "k" * 1_024,
]
BAD_KEYS = ["", "k" * 1_025, "\ud800", b"bytes", 7, None]


async def keys_of(tallies: RecordStore[Tally], prefix: str = "") -> list[str]:
    """The keys of a scan, in its order."""
    return [key async for key, _ in tallies.scan(prefix)]


class RecordCompliance:
    """Give a fixture `store`, and let pytest find the tests."""

    @pytest.fixture
    def tallies(self, store: Store) -> RecordStore[Tally]:
        """An empty collection."""
        return store.records("tallies", TallyCodec())

    # -- one record -------------------------------------------------------------------------------

    async def test_what_was_never_written_is_none(self, tallies: RecordStore[Tally]) -> None:
        assert await tallies.get("a") is None

    async def test_an_update_returns_what_it_keeps(self, tallies: RecordStore[Tally]) -> None:
        seen = []

        def change(before: Tally | None) -> Tally:
            seen.append(before)
            return one_more(before)

        assert await tallies.update("a", change) == Tally(1)
        assert await tallies.update("a", change) == Tally(2)
        assert await tallies.get("a") == Tally(2)
        assert seen == [None, Tally(1)]

    async def test_none_deletes(self, tallies: RecordStore[Tally]) -> None:
        await tallies.update("a", one_more)
        await tallies.update("b", one_more)
        assert await tallies.update("a", become(None)) is None
        assert await tallies.get("a") is None
        assert await keys_of(tallies) == ["b"]
        assert await tallies.update("a", one_more) == Tally(1)

    async def test_deleting_nothing_is_fine(self, tallies: RecordStore[Tally]) -> None:
        assert await tallies.update("a", become(None)) is None
        assert await keys_of(tallies) == []

    @pytest.mark.parametrize("before", [None, Tally(5, "kept")])
    async def test_raising_leaves_the_record_untouched(
        self, tallies: RecordStore[Tally], before: Tally | None
    ) -> None:
        await tallies.update("a", become(before))
        problem = LookupError("this one")

        def change(_: Tally | None) -> Tally:
            raise problem

        with pytest.raises(LookupError) as caught:
            await tallies.update("a", change)
        assert caught.value is problem
        assert await tallies.get("a") == before
        assert await tallies.update("a", one_more) == one_more(before)

    async def test_an_update_may_change_nothing(self, tallies: RecordStore[Tally]) -> None:
        await tallies.update("a", become(Tally(3, "x")))
        assert await tallies.update("a", lambda before: before) == Tally(3, "x")
        assert await tallies.get("a") == Tally(3, "x")

    @pytest.mark.parametrize(
        "tally", [Tally(0), Tally(-1), Tally(2**256 - 1), Tally(2**64), Tally(1, 'é\0\ud800"\\')]
    )
    async def test_values_of_any_size_survive(
        self, tallies: RecordStore[Tally], tally: Tally
    ) -> None:
        await tallies.update("a", become(tally))
        assert await tallies.get("a") == tally

    # -- keys and collections ---------------------------------------------------------------------

    async def test_odd_keys_are_just_keys(self, tallies: RecordStore[Tally]) -> None:
        for number, key in enumerate(ODD_KEYS):
            await tallies.update(key, become(Tally(number, key)))
        for number, key in enumerate(ODD_KEYS):
            assert await tallies.get(key) == Tally(number, key)
        assert await keys_of(tallies) == sorted(ODD_KEYS)

    @pytest.mark.parametrize("key", BAD_KEYS)
    async def test_a_bad_key_is_refused(self, tallies: RecordStore[Tally], key: str) -> None:
        called = []
        with pytest.raises(BadInput, match="A key is a text of 1 to 1,024 Unicode characters"):
            await tallies.update(key, called.append)
        with pytest.raises(BadInput, match="A key is"):
            await tallies.get(key)
        if key != "":
            with pytest.raises(BadInput, match="A key is"):
                await keys_of(tallies, key)
        assert called == []
        assert await keys_of(tallies) == []

    async def test_collections_are_apart(self, store: Store) -> None:
        ours = store.records("ours", TallyCodec())
        theirs = store.records("theirs", TallyCodec())
        await ours.update("a", one_more)
        assert await theirs.get("a") is None
        await theirs.update("a", become(Tally(9)))
        await ours.update("a", become(None))
        assert await theirs.get("a") == Tally(9)
        assert await keys_of(ours) == []

    async def test_a_name_always_means_the_same_records(self, store: Store) -> None:
        await store.records("tallies", TallyCodec()).update("a", one_more)
        assert await store.records("tallies", TallyCodec()).get("a") == Tally(1)

    @pytest.mark.parametrize("name", ["", "Upper", "a:b", "1st", "x" * 65, None])
    def test_a_bad_name_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(BadInput, match="A collection's name is"):
            store.records(name, TallyCodec())

    # -- scanning ---------------------------------------------------------------------------------

    async def test_a_scan_gives_all_in_the_order_of_their_keys(
        self, tallies: RecordStore[Tally]
    ) -> None:
        written = {f"{number:03}": Tally(number) for number in range(600)}
        for key in sorted(written, reverse=True):
            await tallies.update(key, become(written[key]))
        assert [pair async for pair in tallies.scan()] == sorted(written.items())
        assert await keys_of(tallies, "25") == [f"25{digit}" for digit in range(10)]

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("a", ["a", "a%", "a*", "aa", "a\U0010ffff", "a\U0010ffffb"]),
            ("a*", ["a*"]),
            ("a%", ["a%"]),
            ("a\U0010ffff", ["a\U0010ffff", "a\U0010ffffb"]),
            ("c", []),
            ("aaa", []),
        ],
    )
    async def test_a_prefix_is_taken_literally(
        self, tallies: RecordStore[Tally], prefix: str, expected: list[str]
    ) -> None:
        for key in ["b", "a\U0010ffffb", "a\U0010ffff", "aa", "a*", "a%", "a", "A", "Z"]:
            await tallies.update(key, one_more)
        assert await keys_of(tallies, prefix) == expected

    async def test_what_stays_is_seen_once_while_others_come_and_go(
        self, tallies: RecordStore[Tally]
    ) -> None:
        staying = [f"{number:03}" for number in range(300)]
        for key in staying:
            await tallies.update(key, one_more)
            await tallies.update(f"{key}-goes", one_more)
        seen: Counter[str] = Counter()
        async for key, _ in tallies.scan():
            seen[key] += 1
            await tallies.update(key, one_more)
            await tallies.update(f"{key[:3]}-goes", become(None))
            await tallies.update(f"{key[:3]}-came", one_more)
        assert [seen[key] for key in staying] == [1] * 300
        assert max(seen.values()) == 1

    # -- races ------------------------------------------------------------------------------------

    async def test_a_thousand_concurrent_updates_lose_nothing(
        self, tallies: RecordStore[Tally]
    ) -> None:
        results = await asyncio.gather(*(tallies.update("a", one_more) for _ in range(1_000)))
        assert sorted(tally.count for tally in results if tally) == list(range(1, 1_001))
        assert await tallies.get("a") == Tally(1_000)

    async def test_concurrent_updates_of_many_records_do_not_mix(
        self, tallies: RecordStore[Tally]
    ) -> None:
        keys = [f"k{number % 50}" for number in range(500)]
        await asyncio.gather(*(tallies.update(key, one_more) for key in keys))
        assert [tally async for _, tally in tallies.scan()] == [Tally(10)] * 50

    async def test_a_failing_update_does_not_hinder_its_rivals(
        self, tallies: RecordStore[Tally]
    ) -> None:
        """Spending from a deposit of 100: exactly as many succeed as it pays for."""

        def spend(before: Tally | None) -> Tally:
            assert before is not None
            if before.count >= 100:
                raise OverflowError
            return one_more(before)

        await tallies.update("a", become(Tally(0)))
        results = await asyncio.gather(
            *(tallies.update("a", spend) for _ in range(300)), return_exceptions=True
        )
        assert sum(isinstance(one, OverflowError) for one in results) == 200
        assert await tallies.get("a") == Tally(100)

    # -- the end ----------------------------------------------------------------------------------

    async def test_a_closed_store_refuses(self, store: Store, tallies: RecordStore[Tally]) -> None:
        await tallies.update("a", one_more)
        await store.close()
        for attempt in (tallies.get("a"), tallies.update("a", one_more), keys_of(tallies)):
            with pytest.raises(StoreClosed, match="was closed"):
                await attempt
        await store.close()

    async def test_closing_a_collection_closes_the_store(self, store: Store) -> None:
        await store.records("tallies", TallyCodec()).close()
        with pytest.raises(StoreClosed):
            await store.replays().get("a")
