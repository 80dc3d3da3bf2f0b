"""Our client pays released mppx servers: a charge, a proof of nothing, a session with a top-up.

Nothing is patched but URLs (issue, Interop). The session is v2, the only one of mppx's server.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.client.client import PaidClient
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, payment_of
from sandbox.client.session import ChannelState
from sandbox.client.wallet import Wallet
from tests.interop.node_support import HERE, INSTALL_TIMEOUT_S, TOPIC_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

PAYER = Wallet.dev(1)
REALM = "interop.example"
REQUEST = 10_000
CHARGE = 50_000

pytestmark = [pytest.mark.node, pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)]


@asynccontextmanager
async def shop(rpc: Host) -> AsyncIterator[dict[str, str]]:
    """mppx merchants on this chain, by what they ask for."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "paid_client_shop.mjs",
        cwd=HERE,
        env={**os.environ, "RPC_URL": rpc.url, "WS_URL": rpc.ws_url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def made_by(response: httpx.Response) -> PaymentMade:
    assert response.status_code == 200, response.text
    assert response.json() == {"quote": 42}
    made = payment_of(response)
    assert isinstance(made, PaymentMade)
    return made


async def test_our_client_pays_mppx_servers(packages: None) -> None:
    async with Host(TempoApi(Chain())) as rpc, shop(rpc) as urls:
        async with PaidClient(PAYER, rpc_url=rpc.url, trusted_realms=[REALM]) as client:
            charged = made_by(await client.get(urls["charge"]))
            assert (charged.method, charged.attempts) == ("tempo/charge", 1)
            assert client.ledger.tally() == Tally(CHARGE, 0)

            assert made_by(await client.get(urls["nothing"])).attempts == 1
            assert client.ledger.tally() == Tally(CHARGE, 0)

            paid = [made_by(await client.get(urls["session"])) for _ in range(7)]
            assert {one.method for one in paid} == {"tempo/session"}
            assert len({one.channel_id for one in paid}) == 1
            # All but the first go with the request, under the first one's challenge.
            assert {one.attempts for one in paid} == {1}
            assert len({one.challenge_id for one in paid}) == 1
            assert (paid[-1].receipt or {})["spent"] == str(7 * REQUEST)
            [channel] = client.sessions.channels()
            assert channel.deposit > 5 * REQUEST  # topped up after the fifth
            assert client.ledger.tally() == Tally(CHARGE + 7 * REQUEST, 0)
        [channel] = client.sessions.channels()
        assert (channel.state, channel.captured) == (ChannelState.CLOSED, 7 * REQUEST)
