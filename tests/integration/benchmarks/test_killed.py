"""A benchmark that is killed leaves nothing behind: whoever waits for its word notices its end."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOCK = Clock()
LONGEST_S = 60
POLL = timedelta(milliseconds=100)
BEGINS = timedelta(seconds=5)
"""From when a leg is told of until it has begun, on a busy machine."""

AT_REST = """
from threading import Event
from benchmarks.driver import Driver
from benchmarks.fleet import Fleet
from mock_rails.core.clock import Clock
with Fleet(Clock(), seed="killed", sponsored=True), Driver(workers=2):
    print("ready", flush=True)
    Event().wait()
"""


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A benchmark that says how far it has come; what it starts ends with the test."""
    begun = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    parts: list[psutil.Process] = []
    try:
        yield begun
    finally:
        with suppress(psutil.NoSuchProcess):
            parts = psutil.Process(begun.pid).children(recursive=True)
        begun.kill()
        begun.communicate()
        end(parts)


def end(parts: list[psutil.Process]) -> None:
    """End them hard, those that are still there."""
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.kill()


def lives(part: psutil.Process) -> bool:
    """Whether it runs; one that has ended stays listed where nobody asks how."""
    try:
        return bool(part.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def left_by(killed: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """How many processes a benchmark had when it was killed, and which of them lived on."""
    parts = psutil.Process(killed.pid).children(recursive=True)
    try:
        killed.kill()
        until_ns = CLOCK.monotonic_ns() + LONGEST_S * 1_000_000_000
        while any(map(lives, parts)) and CLOCK.monotonic_ns() < until_ns:
            await CLOCK.wall_sleep(POLL)
        return len(parts), [" ".join(part.cmdline()) for part in parts if lives(part)]
    finally:
        end(parts)


def until(begun: subprocess.Popen[str], said: str) -> None:
    assert begun.stdout is not None
    heard = []
    for line in begun.stdout:
        if line.startswith(said):
            return
        heard.append(line)
    pytest.fail("".join(heard))


async def test_all_parts_end_with_it_sponsor_and_workers_too() -> None:
    with started("-c", AT_REST) as begun:
        until(begun, "ready")
        assert await left_by(begun) == (6, [])


async def test_a_leg_that_has_begun_ends_with_it(tmp_path: Path) -> None:
    asked = ["--intent", "free", "--rate", "20", "--duration", "600", "--out"]
    with started("-m", "sandbox.cli", "bench", *asked, str(tmp_path / "run")) as begun:
        until(begun, "leg 2")  # the warm-up is over
        await CLOCK.wall_sleep(BEGINS)
        assert await left_by(begun) == (3, [])
