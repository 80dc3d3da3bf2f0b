"""Our client against a merchant that is mppx and nothing else, on our chain.

Charge, session (v2) and SSE, as mppx's own client would do them (facts, protocol 2.5-2.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.addresses import PATH_USD
from sandbox.chain import TempoRpc, token_balance
from sandbox.client.client import PaidClient
from sandbox.client.wallet import Wallet
from tests.interop.node_support import running_chain, running_mppx_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.client.budget import Budget

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

PAYER = 1
CHARGE = 50_000
REQUEST = 10_000
TOKEN = 1_000


class World:
    """One chain, one mppx merchant, and what both are worth to us."""

    def __init__(self, chain: dict[str, Any], merchant: dict[str, Any]) -> None:
        self.rpc_url: str = chain["url"]
        self.url: str = merchant["url"]
        self.tokens: list[str] = merchant["tokens"]
        self.recipient = bytes.fromhex(merchant["recipient"][2:])

    def client(self, state: Path | None = None, budget: Budget | None = None) -> PaidClient:
        """A client of a funded development account."""
        return PaidClient(Wallet.dev(PAYER), budget, rpc_url=self.rpc_url, state=state)

    async def earned(self) -> int:
        """What the merchant holds."""
        async with TempoRpc(self.rpc_url) as rpc:
            return await token_balance(rpc, PATH_USD, self.recipient)


@pytest.fixture(scope="module")
def world(packages: None) -> Iterator[World]:
    with running_chain() as chain, running_mppx_server(chain) as merchant:
        yield World(chain, merchant)


async def test_a_charge_is_one_payment_and_its_receipt_names_it(world: World) -> None:
    before = await world.earned()
    async with world.client() as client:
        seen = set()
        for _ in range(2):
            response = await client.get(f"{world.url}/quote")
            assert (response.status_code, response.json()) == (200, {"quote": 42})
            paid = response.extensions["mpp"]
            assert (paid.method, paid.receipt["status"]) == ("tempo/charge", "success")
            seen.add(paid.receipt["reference"])
        assert client.ledger.tally().spent == 2 * CHARGE
    assert len(seen) == 2
    assert await world.earned() == before + 2 * CHARGE


async def test_a_session_pays_for_many_requests_and_settles_once(world: World) -> None:
    async with world.client() as client:
        spent = []
        for _ in range(4):
            response = await client.get(f"{world.url}/search")
            assert response.status_code == 200, response.text
            spent.append(int(response.extensions["mpp"].receipt["spent"]))
        assert spent == [REQUEST * n for n in (1, 2, 3, 4)]
        (channel,) = client.sessions.channels()
        (ended,) = await client.sessions.close_all()
        assert ended.error is None
    async with TempoRpc(world.rpc_url) as rpc:
        found = await rpc.call("eth_getTransactionReceipt", f"0x{ended.channel.closed_tx.hex()}")
    assert found["status"] == "0x1"
    assert channel.deposit == 5 * REQUEST


async def test_a_session_that_outgrows_its_deposit_is_topped_up(world: World) -> None:
    async with world.client() as client:
        for _ in range(8):
            response = await client.get(f"{world.url}/search")
            assert response.status_code == 200, response.text
        (channel,) = client.sessions.channels()
        assert channel.deposit > 5 * REQUEST
        assert int(response.extensions["mpp"].receipt["spent"]) == 8 * REQUEST


async def test_a_client_that_starts_again_goes_on_with_its_channel(
    world: World, tmp_path: Path
) -> None:
    from sandbox.client.session import SessionSettings

    ids = set()
    for number in (1, 2):
        settings = SessionSettings(close_on_exit=number == 2)
        async with PaidClient(
            Wallet.dev(2), rpc_url=world.rpc_url, state=tmp_path, session=settings
        ) as client:
            response = await client.get(f"{world.url}/search")
            receipt = response.extensions["mpp"].receipt
            assert int(receipt["spent"]) == number * REQUEST
            ids.add(receipt["channelId"])
    assert len(ids) == 1


async def test_a_client_that_has_forgotten_everything_finds_its_channel(world: World) -> None:
    from sandbox.client.session import SessionSettings

    keep = SessionSettings(close_on_exit=False)
    async with PaidClient(Wallet.dev(3), rpc_url=world.rpc_url, session=keep) as client:
        first = await client.get(f"{world.url}/search")
    async with PaidClient(Wallet.dev(3), rpc_url=world.rpc_url) as client:
        found = await client.sessions.resume(f"{world.url}/search")
        assert found is not None
        again = await client.get(f"{world.url}/search")
        receipt = again.extensions["mpp"].receipt
        assert receipt["channelId"] == first.extensions["mpp"].receipt["channelId"]
        assert int(receipt["spent"]) == 2 * REQUEST


async def test_an_event_stream_is_paid_as_it_is_read(world: World) -> None:
    async with world.client() as client:
        async with client.stream(f"{world.url}/complete") as events:
            read = [data async for data in events]
        assert read == world.tokens
        assert events.receipt is not None
        assert int(events.receipt["spent"]) == len(world.tokens) * TOKEN
        (channel,) = client.sessions.channels()
        assert channel.deposit >= len(world.tokens) * TOKEN
