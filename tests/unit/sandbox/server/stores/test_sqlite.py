"""The SQLite store keeps the promises, survives what happens to files, and leaves others' alone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mock_rails.core import BadInput, Clock
from sandbox.server.stores import (
    RecordDamaged,
    SqliteStore,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreUnavailable,
)
from tests.architecture.project import ROOT
from tests.unit.sandbox.server.stores.records_compliance import RecordCompliance, keys_of
from tests.unit.sandbox.server.stores.replays_compliance import ReplayCompliance
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec, become, one_more

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path, clock: Clock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(path, clock)
    yield opened
    await opened.close()


class TestSqliteRecords(RecordCompliance):
    """The promises about records."""


class TestSqliteReplays(ReplayCompliance):
    """The promises about marks."""


def content(path: Path) -> bytes:
    """The file's bytes."""
    return path.read_bytes()


def neighbours(path: Path) -> list[str]:
    """The names of all files in its folder."""
    return sorted(one.name for one in path.parent.iterdir())


# -- the file --------------------------------------------------------------------------------------


async def test_everything_is_there_after_reopening(
    store: SqliteStore, path: Path, clock: Clock
) -> None:
    await store.records("tallies", TallyCodec()).update("a", become(Tally(2**200, "kept")))
    await store.replays().put_if_absent("used", "0xhash")
    await store.replays().put_if_absent("soon", "x", expires_at_s=clock.now_s() + 5)
    await store.close()
    clock.advance(5)
    again = await SqliteStore.open(path, clock)
    assert await again.records("tallies", TallyCodec()).get("a") == Tally(2**200, "kept")
    assert not await again.replays().put_if_absent("used", "x")
    assert await again.replays().get("soon") is None
    await again.close()


async def test_the_file_says_whose_it_is_and_is_alone_after_closing(
    store: SqliteStore, path: Path
) -> None:
    await store.records("tallies", TallyCodec()).update("a", one_more)
    assert neighbours(path) == ["store.db", "store.db-shm", "store.db-wal"]
    await store.close()
    assert neighbours(path) == ["store.db"]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA application_id").fetchone()[0].to_bytes(4) == b"MPPS"
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("power_safe", "synchronous"), [(False, 1), (True, 2)])
async def test_power_safe_waits_for_the_disk(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, power_safe: bool, synchronous: int
) -> None:
    connections = []
    connect = sqlite3.connect

    def watched(*args: object, **kwargs: object) -> sqlite3.Connection:
        connections.append(connect(*args, **kwargs))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", watched)
    store = await SqliteStore.open(path, clock, power_safe=power_safe)
    (connection,) = connections
    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    await store.close()


async def test_a_relative_path_stays_the_same_file(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = await SqliteStore.open("here.db", clock)
    monkeypatch.chdir("/")
    await store.records("tallies", TallyCodec()).update("a", one_more)
    await store.close()
    assert (tmp_path / "here.db").is_file()


@pytest.mark.parametrize("place", ["", ":memory:"])
async def test_it_wants_a_file(clock: Clock, place: str) -> None:
    with pytest.raises(BadInput, match="MemoryStore"):
        await SqliteStore.open(place, clock)


@pytest.mark.parametrize("options", [{"patience_ms": -1}, {"limit_bytes": 0}])
async def test_impossible_options_are_refused(
    path: Path, clock: Clock, options: dict[str, int]
) -> None:
    with pytest.raises(BadInput):
        await SqliteStore.open(path, clock, **options)
    assert neighbours(path) == []


async def test_a_place_that_cannot_be_opened(tmp_path: Path, clock: Clock) -> None:
    for place in (tmp_path / "missing" / "store.db", tmp_path):
        with pytest.raises(StoreUnavailable, match="Does its folder exist"):
            await SqliteStore.open(place, clock)


async def test_other_peoples_databases_are_left_alone(path: Path, clock: Clock) -> None:
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE kv (key, value)")
    before = content(path)
    with pytest.raises(StoreForeign, match="of another program"):
        await SqliteStore.open(path, clock)
    assert content(path) == before
    assert neighbours(path) == ["store.db"]


async def test_a_newer_schema_is_refused(store: SqliteStore, path: Path, clock: Clock) -> None:
    await store.close()
    with closing(sqlite3.connect(path)) as future:
        future.execute("PRAGMA user_version = 2")
    before = content(path)
    with pytest.raises(StoreForeign, match="schema version 2; this program knows version 1"):
        await SqliteStore.open(path, clock)
    assert content(path) == before


async def test_a_file_that_is_no_database_is_refused(path: Path, clock: Clock) -> None:
    with path.open("w") as file:
        file.write("Dear diary, " * 100)
    with pytest.raises(StoreForeign, match="not a sound SQLite database"):
        await SqliteStore.open(path, clock)
    assert content(path) == b"Dear diary, " * 100


# -- damage and full disks -------------------------------------------------------------------------


async def test_a_damaged_record_is_named_and_stays(store: SqliteStore, path: Path) -> None:
    tallies = store.records("tallies", TallyCodec())
    await tallies.update("a", one_more)
    with closing(sqlite3.connect(path, isolation_level=None)) as vandal:
        vandal.execute("UPDATE records SET value = ?", ('{"count": 1',))
    for attempt in (tallies.get("a"), tallies.update("a", one_more), keys_of(tallies)):
        with pytest.raises(RecordDamaged, match="'a' of 'tallies' cannot be read"):
            await attempt
    with closing(sqlite3.connect(path)) as witness:
        assert witness.execute("SELECT value FROM records").fetchall() == [('{"count": 1',)]


async def test_a_full_store_says_so_and_keeps_what_it_has(path: Path, clock: Clock) -> None:
    store = await SqliteStore.open(path, clock, limit_bytes=100_000)
    tallies, replays = store.records("tallies", TallyCodec()), store.replays()
    await tallies.update("counter", become(Tally(7)))
    kept = 10
    for number in range(kept):
        await tallies.update(f"big{number}", become(Tally(number, "x" * 5_000)))
    with pytest.raises(StoreFull, match="no room left") as caught:
        await tallies.update("big", become(Tally(0, "x" * 50_000)))
    assert caught.value.status == 507
    with pytest.raises(StoreFull):
        await tallies.update("counter", become(Tally(8, "x" * 50_000)))
    with pytest.raises(StoreFull):
        await replays.put_if_absent("mark", "x" * 50_000)
    assert await tallies.get("counter") == Tally(7)
    assert await replays.get("mark") is None
    assert await keys_of(tallies, "big") == sorted(f"big{n}" for n in range(kept))
    for number in range(kept):
        await tallies.update(f"big{number}", become(None))
    assert await tallies.update("counter", become(Tally(8, "x" * 50_000)))
    await store.close()
    assert len(content(path)) <= 100_000


REFUSED_BY_THE_DISK = """
import asyncio, resource, sys
from mock_rails.core import Clock
from sandbox.server.stores import SqliteStore, StoreUnavailable
from tests.unit.sandbox.server.stores.tally import *

async def main():
    store = await SqliteStore.open(sys.argv[1], Clock())
    tallies = store.records('tallies', TallyCodec())
    await tallies.update('a', become(Tally(5)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        await tallies.update('a', become(Tally(6, 'x' * 200_000)))
    except StoreUnavailable as error:
        print('refused:', error)
    assert await tallies.get('a') == Tally(5)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await tallies.update('a', one_more) == Tally(6)
    await store.close()

asyncio.run(main())
"""


def test_a_disk_that_refuses_to_write_loses_nothing(path: Path) -> None:
    """A real refusal of the operating system, in the middle of writing the log."""
    run = subprocess.run(
        [sys.executable, "-c", REFUSED_BY_THE_DISK, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("refused:")
    with closing(sqlite3.connect(path)) as witness:
        assert witness.execute("SELECT value FROM records").fetchall() == [
            ('{"count":6,"note":""}',)
        ]


# -- others at the file ----------------------------------------------------------------------------


async def test_it_waits_for_others_without_stopping_the_event_loop(
    store: SqliteStore, path: Path
) -> None:
    tallies = store.records("tallies", TallyCodec())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        update = asyncio.create_task(tallies.update("a", one_more))
        for _ in range(10):
            await asyncio.sleep(0.005)
        assert not update.done()
        assert await tallies.get("a") is None  # reading needs nobody's leave
        other.execute("COMMIT")
        assert await update == Tally(1)


async def test_it_does_not_wait_for_ever(path: Path, clock: Clock) -> None:
    store = await SqliteStore.open(path, clock, patience_ms=50)
    tallies = store.records("tallies", TallyCodec())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        called: list[object] = []
        with pytest.raises(StoreBusy, match="for 50 ms"):
            await tallies.update("a", called.append)
        assert called == []
        other.execute("COMMIT")
    assert await tallies.update("a", one_more) == Tally(1)
    await store.close()


async def test_a_scan_does_not_keep_the_log_from_being_folded_in(
    store: SqliteStore, path: Path
) -> None:
    """A slow reader between two pages holds nothing; a plain cursor would, as long as it reads."""
    tallies = store.records("tallies", TallyCodec())
    for number in range(300):
        await tallies.update(f"{number:03}", one_more)
    scan = tallies.scan()
    await anext(scan)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        blocked, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert blocked == 0
    assert len([key async for key, _ in scan]) == 299


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
async def test_a_forked_child_is_refused(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sharing a connection across a fork corrupts files; closing it there drops the parent's locks.
    Another process id plays the child: a real fork of this process would copy its threads."""
    tallies = store.records("tallies", TallyCodec())
    await tallies.update("a", one_more)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StoreClosed, match="Open it after the fork"):
            await tallies.update("a", one_more)
        await store.close()
    assert await tallies.update("a", one_more) == Tally(2)


async def test_another_thread_is_refused(store: SqliteStore) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(store.records("tallies", TallyCodec()).update("a", one_more))
        except StoreError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "can only be used in that same thread" in str(caught[0])
    assert await store.records("tallies", TallyCodec()).get("a") is None


async def test_an_unencodable_record_changes_nothing(store: SqliteStore) -> None:
    tallies = store.records("tallies", TallyCodec())
    await tallies.update("a", one_more)
    for bad in (float("nan"), b"bytes", {1, 2}):
        with pytest.raises(BadInput, match="does not encode as JSON"):
            await tallies.update("a", become(Tally(bad)))  # type: ignore[arg-type]
    assert await tallies.get("a") == Tally(1)
