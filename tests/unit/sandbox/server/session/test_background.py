"""Work beside the requests: once at a time under a name, and never lost."""

from __future__ import annotations

import asyncio

from mock_rails.core import Clock, Journal
from sandbox.server.session.background import Background


async def test_a_name_runs_once_at_a_time() -> None:
    background, go_on, runs = Background(None), asyncio.Event(), []

    async def work() -> None:
        runs.append(1)
        await go_on.wait()

    first = background.start("settle", work)
    assert background.start("settle", work) is first
    await asyncio.sleep(0)
    go_on.set()
    await background.join()
    assert runs == [1]


async def test_what_is_started_as_the_last_one_ends_runs_too() -> None:
    """A charge may make a settlement due in the very turn in which the last one came to its end."""
    background, runs = Background(None), []

    async def work() -> None:
        runs.append(1)
        if len(runs) == 1:  # before anybody is told that this has ended
            asyncio.get_running_loop().call_soon(background.start, "settle", work)

    background.start("settle", work)
    for _ in range(5):
        await asyncio.sleep(0)
    await background.join()
    assert runs == [1, 1]
    assert background.start("settle", work) is not None
    await background.join()
    assert runs == [1, 1, 1]


async def test_what_fails_is_noted_without_what_it_was_given() -> None:
    journal = Journal(Clock.frozen(0))
    background = Background(journal)

    async def fails() -> None:
        raise ValueError("a key, perhaps")

    assert await background.start(("settle", b"\x01"), fails) is None
    (event,) = journal.read()
    assert event.data == {"task": "settle 01", "error": "ValueError", "detail": None}
