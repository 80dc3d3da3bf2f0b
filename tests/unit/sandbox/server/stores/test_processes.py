"""Several server processes on one store, and processes that are killed in the midst of a change."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.server.stores import SqliteStore
from tests.architecture.project import ROOT
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec
from tests.unit.sandbox.server.stores.worker import opened

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = 4
TIMES = 250
KILLS = 20
LONGEST_LIFE_S = 0.05

Process = subprocess.Popen[str]


@pytest.fixture(params=["sqlite", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of a store that processes can share."""
    if request.param == "sqlite":
        return str(tmp_path / "shared.db")
    return str(request.getfixturevalue("redis_server").url)


def start(where: str, times: int) -> Process:
    """A worker, not yet told to begin."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.sandbox.server.stores.worker", where, str(times)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def begin(process: Process) -> None:
    """Wait until it has opened the store, and let it count."""
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


async def test_processes_lose_no_update_of_each_other(where: str) -> None:
    workers = [start(where, TIMES) for _ in range(PROCESSES)]
    for worker in workers:
        begin(worker)
    counts = []
    for worker in workers:
        output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0
        counts += [int(line) for line in output.split()]
    assert sorted(counts) == list(range(1, PROCESSES * TIMES + 1))
    store = await opened(where)
    assert await store.records("tallies", TallyCodec()).get("shared") == Tally(PROCESSES * TIMES)
    await store.close()


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_it_acknowledged(where: str) -> None:
    """Each round kills one process at a random moment and opens the store again. What it said it
    had done is there; at most the one change that it was killed in is there without being said."""
    moments = random.Random("moments of death")
    before = 0
    for _ in range(KILLS):
        worker = start(where, 0)
        begin(worker)
        assert worker.stdout is not None
        first = worker.stdout.readline()
        await asyncio.sleep(moments.uniform(0, LONGEST_LIFE_S))
        worker.kill()
        # Not `communicate`: with a timeout it forgets what was read along with the first line.
        with worker:
            output = worker.stdout.read()
        whole_lines = (first + output).rpartition("\n")[0].split()
        acknowledged = int(whole_lines[-1])
        assert acknowledged > before

        store = await opened(where)
        tally = await store.records("tallies", TallyCodec()).get("shared")
        assert tally is not None
        assert tally.count in {acknowledged, acknowledged + 1}
        replays = store.replays()
        for number in range(before + 1, acknowledged + 1):
            assert not await replays.put_if_absent(f"mark {number}", "again")
        assert await replays.get(f"mark {acknowledged + 2}") is None
        await store.close()
        before = tally.count


async def test_processes_that_open_a_new_file_at_once_agree_on_it(tmp_path: Path) -> None:
    """Each of them finds no tables; one makes them."""
    where = str(tmp_path / "new.db")
    workers = [start(where, 1) for _ in range(PROCESSES)]
    for worker in workers:
        begin(worker)
    for worker in workers:
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    store = await opened(where)
    assert isinstance(store, SqliteStore)
    assert await store.records("tallies", TallyCodec()).get("shared") == Tally(PROCESSES)
    await store.close()
