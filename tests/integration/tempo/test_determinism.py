"""Same seed and same calls: the same blocks, byte for byte, in any process (DESIGN 2.4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mock_rails.tempo.addresses import PATH_USD
from tests.integration.tempo.desk import SHOP, Desk, make_chain, tour

ROOT = Path(__file__).parents[3]

SCRIPT = """
import asyncio, json
from tests.integration.tempo.desk import Desk, make_chain, tour
from tests.integration.tempo.test_determinism import busy_hour, story
print(json.dumps(story(asyncio.run(busy_hour()))))
"""


async def busy_hour() -> Desk:
    """Everything the tour does, then the faucet, concurrent senders, time and a way back."""
    import asyncio

    desk = Desk(make_chain("seed"))
    tour(desk)
    desk.chain.faucet(SHOP)
    payments = [desk.sign(who, desk.transfer(PATH_USD, SHOP, who)).raw for who in range(10)]
    await asyncio.gather(*[desk.chain.submit_and_wait(raw) for raw in payments])
    taken = desk.chain.take_snapshot()
    desk.chain.context.clock.advance(7)
    desk.send(1, desk.transfer(PATH_USD, SHOP, 1))
    desk.chain.revert_to(taken)
    desk.send(2, desk.transfer(PATH_USD, SHOP, 2))
    desk.chain.mine(3, 5)
    return desk


def story(desk: Desk) -> dict[str, Any]:
    """What two processes are compared by."""
    chain = desk.chain
    blocks = [chain.history.by_number(number) for number in range(chain.head.number + 1)]
    return {
        "blocks": [block.hash.hex() for block in blocks if block],
        "receipts": [block.receipts_root.hex() for block in blocks if block],
        "transactions": [block.transactions_root.hex() for block in blocks if block],
        "state": chain.digest(),
        "journal": [event.kind for event in chain.context.journal.read()],
    }


def told_by_another_process(hash_seed: str) -> dict[str, Any]:
    """The story, from a process whose sets and dictionaries are hashed in another order."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def test_two_processes_make_the_same_blocks() -> None:
    here = story(await busy_hour())
    assert len(here["blocks"]) > 20
    assert len(set(here["blocks"])) == len(here["blocks"])
    for hash_seed in ("1", "2"):
        assert told_by_another_process(hash_seed) == here


async def test_a_reset_chain_tells_the_same_story() -> None:
    """Going back to genesis forgets everything that could make a difference."""
    desk = await busy_hour()
    blocks = story(desk)["blocks"]
    chain = desk.chain
    chain.context.clock.restore(make_chain().context.clock.snapshot())
    chain.set_automine(False)
    chain.impersonate_all = True
    chain.engine.next_timestamp_s = 5_000_000_000
    chain.engine.base_fee_override = 7
    chain.reset()
    assert chain.automine
    assert not chain.impersonate_all
    tour(Desk(chain))
    assert [chain.history.by_number(at).hash.hex() for at in range(16)] == blocks[:16]  # type: ignore[union-attr]


@pytest.mark.parametrize("change", ["amount", "order", "time", "chain id"])
def test_other_calls_make_other_blocks(change: str) -> None:
    """That equal hashes mean something."""
    hashes = []
    for changed in (False, True):
        settings = {"chain_id": 42_431} if changed and change == "chain id" else {}
        desk = Desk(make_chain(**settings))
        if changed and change == "time":
            desk.chain.context.clock.advance(1)
        senders = (2, 1) if changed and change == "order" else (1, 2)
        for who in senders:
            amount = 6 if changed and change == "amount" else 5
            desk.send(who, desk.transfer(PATH_USD, SHOP, amount))
        hashes.append(desk.chain.head.hash)
    assert hashes[0] != hashes[1]
