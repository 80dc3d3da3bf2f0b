"""A client that pays over Lightning is killed at any moment, and the next one goes on.

Facts: lightning 1.5, 2.5. What a run has begun stands in the state directory before its node hears
of it. After some kills the last run looks everything up and closes what is open: then what its
ledger says was spent is what its node has paid, to the satoshi.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.core.clock import Clock
from mock_rails.core.seeds import Seeds
from sandbox.client import Budget, LightningWallet, PaidClient
from sandbox.lightning import LndNode
from tests.integration.sandbox.test_up import ROOT, up

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.sandbox.test_up import Process

KILLS = 5
LONGEST_MS = 400

CLIENT = """
import asyncio, sys
from pathlib import Path
from mock_rails.core.errors import SandboxError
from sandbox.client import Budget, LightningWallet, PaidClient
from sandbox.lightning import LndNode

async def main(api, url, macaroon, state):
    budget = Budget(total=100_000, allowed_currencies=["sat"])
    async with LndNode(url, macaroon) as node, PaidClient(
        lightning=LightningWallet(node), lightning_budget=budget, state=Path(state)
    ) as client:
        while True:
            for path in ("quote", "search?q=voucher", "quote", "search?q=channel"):
                try:
                    print((await client.get(f"{api}/lightning/{path}")).status_code, flush=True)
                except SandboxError as error:
                    print(type(error).__name__, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_after_kills_the_ledger_is_what_the_node_has_paid(tmp_path: Path) -> None:
    moments = Seeds("kills").stream("test.moments")
    clock = Clock()
    with up() as devnet:
        lnd = devnet.info["lightning"]["lnd"]["payer"]
        before_sat = balance_sat(lnd)
        for _ in range(KILLS):
            with running(devnet, tmp_path) as process:
                assert process.stdout is not None
                # The first may have to be told what became of a payment that a kill interrupted.
                said = [process.stdout.readline().strip() for _ in range(2)]
                assert "200" in said, "it goes on"
                span = timedelta(milliseconds=moments.integer(0, LONGEST_MS))
                await clock.wall_sleep(span)
                process.kill()
        async with (
            LndNode(lnd["url"], lnd["macaroons"]["admin"]) as node,
            PaidClient(
                lightning=LightningWallet(node),
                lightning_budget=Budget(total=100_000, allowed_currencies=["sat"]),
                state=tmp_path,
            ) as client,
        ):
            assert await client.reconcile() == ()
            outcomes = await client.lightning_sessions.close_all()
            assert [error for _, error in outcomes if error is not None] == []
            assert len(outcomes) <= 1, "one session serves all runs"
            tally = client.lightning_ledger.tally()
        assert tally.reserved == 0
        assert tally.spent == before_sat - balance_sat(lnd) > 0


def running(devnet: Process, state: Path) -> subprocess.Popen[str]:
    """A client that pays for one thing after another until it is killed."""
    lnd = devnet.info["lightning"]["lnd"]["payer"]
    arguments = (devnet.api, lnd["url"], lnd["macaroons"]["admin"], str(state))
    command = [sys.executable, "-c", CLIENT, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def balance_sat(lnd: dict[str, Any]) -> int:
    """What the payer's node has in its channels."""
    headers = {"Grpc-Metadata-macaroon": lnd["macaroons"]["admin"]}
    answer = httpx.get(f"{lnd['url']}/v1/balance/channels", headers=headers)
    return int(answer.raise_for_status().json()["balance"])
