"""A server process in miniature: it counts in a shared store and says what was acknowledged.

    python -m tests.unit.sandbox.server.stores.worker WHERE TIMES

It opens the store, prints `ready`, waits for a line, and updates the record `shared` TIMES times,
putting a mark for each. After each it prints the count, and it counts on until it is killed when
TIMES is 0.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import TYPE_CHECKING

from mock_rails.core import Clock
from sandbox.server.stores import RedisStore, SqliteStore
from tests.unit.sandbox.server.stores.tally import TallyCodec, one_more

if TYPE_CHECKING:
    from sandbox.server.stores import Store


async def opened(where: str) -> Store:
    """The store at a Redis address or in a file."""
    if "://" in where:
        return await RedisStore.open(where, Clock())
    return await SqliteStore.open(where, Clock(), patience_ms=60_000)


def say(what: object) -> None:
    """Tell whoever started this; it is out before the next change begins."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def main(where: str, times: int) -> None:
    """Count."""
    store = await opened(where)
    tallies, replays = store.records("tallies", TallyCodec()), store.replays()
    say("ready")
    sys.stdin.readline()
    for _ in range(times) if times else itertools.count():
        tally = await tallies.update("shared", one_more)
        assert tally is not None
        assert await replays.put_if_absent(f"mark {tally.count}", "used")
        say(tally.count)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
