"""The journal: append-only, bounded, followed live, and without secrets when read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core import BadInput, Clock, Event, Journal, SnapshotError
from mock_rails.core.plain import REDACTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return Journal(clock, capacity=4)


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next `count` events of a follower."""
    return [await asyncio.wait_for(anext(events), 1) for _ in range(count)]


# -- writing and reading ---------------------------------------------------------------------------


def test_an_event_has_an_offset_the_sandboxs_time_and_its_values(clock: Clock) -> None:
    journal = Journal(clock)
    assert journal.append("tempo", "block.sealed", {"number": 1}) == 1
    clock.advance(5)
    assert journal.append("stripe", "webhook.sent", exchange="x-1") == 2
    assert journal.read() == [
        Event(1, clock.now_us() - 5_000_000, "tempo", "block.sealed", None, {"number": 1}),
        Event(2, clock.now_us(), "stripe", "webhook.sent", "x-1", {}),
    ]


def test_an_empty_journal_says_where_it_would_begin(journal: Journal) -> None:
    assert (journal.first_offset, journal.last_offset) == (1, 0)
    assert journal.read() == []


def test_the_oldest_events_are_dropped(journal: Journal) -> None:
    for number in range(10):
        journal.append("tempo", "n", {"number": number})
    assert (journal.first_offset, journal.last_offset) == (7, 10)
    assert [event.data["number"] for event in journal.read()] == [6, 7, 8, 9]
    assert [event.offset for event in journal.read(after=2)] == [7, 8, 9, 10]
    assert [event.offset for event in journal.read(after=8)] == [9, 10]
    assert journal.read(after=10) == []
    assert journal.read(after=99) == []


def test_reading_selects_and_limits(clock: Clock) -> None:
    journal = Journal(clock)
    for number in range(6):
        journal.append("tempo", "even" if number % 2 == 0 else "odd", exchange=f"x-{number // 3}")
    assert [e.offset for e in journal.read(kind="even")] == [1, 3, 5]
    assert [e.offset for e in journal.read(exchange="x-1")] == [4, 5, 6]
    assert [e.offset for e in journal.read(kind="even", exchange="x-1")] == [5]
    assert [e.offset for e in journal.read(after=1, limit=2, kind="even")] == [3, 5]
    assert journal.read(limit=0) == []
    with pytest.raises(BadInput):
        journal.read(limit=-1)


def test_lines_are_json_each(journal: Journal) -> None:
    journal.append("tempo", "payment.made", {"to": b"\x01\x02", "amount_base_units": 2**200})
    journal.append("tempo", "text", {"memo": "two\nlines, ünïcode"})
    lines = list(journal.lines())
    assert all("\n" not in line for line in lines)
    assert json.loads(lines[0])["data"] == {"to": "0x0102", "amount_base_units": str(2**200)}
    assert json.loads(lines[1])["data"] == {"memo": "two\nlines, ünïcode"}
    assert [json.loads(line)["offset"] for line in journal.lines(after=1)] == [2]


@pytest.mark.parametrize("capacity", [0, -1, 1.5, True, None])
def test_a_capacity_is_a_positive_number(clock: Clock, capacity: Any) -> None:
    with pytest.raises(BadInput):
        Journal(clock, capacity)


def test_secrets_are_not_read(journal: Journal) -> None:
    journal.append(
        "stripe",
        "request.received",
        {"headers": {"Authorization": "Bearer sk", "Accept": "*/*"}, "payer_private_key": b"\x01"},
    )
    (event,) = journal.read()
    assert event.data == {
        "headers": {"Authorization": REDACTED, "Accept": "*/*"},
        "payer_private_key": REDACTED,
    }
    assert "sk" not in next(journal.lines())


# -- following -------------------------------------------------------------------------------------


async def test_a_follower_gets_the_past_and_then_the_news(journal: Journal) -> None:
    journal.append("tempo", "one")
    journal.append("tempo", "two")
    events = journal.follow(after=1)
    assert [event.kind for event in await take(events, 1)] == ["two"]
    waiting = asyncio.create_task(take(events, 2))
    await asyncio.sleep(0)
    journal.append("tempo", "three")
    await asyncio.sleep(0.01)
    journal.append("tempo", "four")
    assert [event.kind for event in await waiting] == ["three", "four"]
    await events.aclose()


async def test_a_follower_in_this_thread_hears_of_another(journal: Journal) -> None:
    events = journal.follow()
    waiting = asyncio.create_task(take(events, 1))
    await asyncio.sleep(0.01)
    thread = threading.Thread(target=journal.append, args=("tempo", "from afar"))
    thread.start()
    assert [event.kind for event in await waiting] == ["from afar"]
    thread.join()
    await events.aclose()


async def test_a_slow_follower_goes_on_at_the_oldest_event_kept(journal: Journal) -> None:
    events = journal.follow()
    journal.append("tempo", "n")
    assert [event.offset for event in await take(events, 1)] == [1]
    for _ in range(10):
        journal.append("tempo", "n")
    assert [event.offset for event in await take(events, 4)] == [8, 9, 10, 11]
    await events.aclose()


async def test_a_follower_that_stops_is_forgotten(journal: Journal) -> None:
    journal.append("tempo", "one")
    async with contextlib.aclosing(journal.follow()) as events:
        await take(events, 1)
        assert len(journal._followers) == 1
    assert journal._followers == []


# -- watching --------------------------------------------------------------------------------------


def test_a_watcher_is_told_of_its_kind_until_it_ends(journal: Journal) -> None:
    told: list[int] = []
    unwatch = journal.watch("block.sealed", lambda: told.append(journal.last_offset))
    journal.append("tempo", "block.sealed")
    journal.append("tempo", "payment.made")
    journal.append("tempo", "block.sealed")
    unwatch()
    unwatch()
    journal.append("tempo", "block.sealed")
    assert told == [1, 3]


# -- going on from a snapshot ----------------------------------------------------------------------


def test_a_new_journal_goes_on_after_a_snapshots_offset(journal: Journal) -> None:
    journal.continue_after(41)
    assert journal.read() == []
    assert (journal.first_offset, journal.last_offset) == (42, 41)
    assert journal.append("tempo", "n") == 42
    assert [event.offset for event in journal.read()] == [42]


def test_offsets_are_never_used_twice(journal: Journal) -> None:
    journal.append("tempo", "n")
    journal.append("tempo", "n")
    journal.continue_after(1)
    assert journal.append("tempo", "n") == 3
    assert len(journal.read()) == 3


@pytest.mark.parametrize("offset", [-1, "1", None, True])
def test_an_offset_is_a_whole_number(journal: Journal, offset: Any) -> None:
    with pytest.raises(SnapshotError):
        journal.continue_after(offset)
