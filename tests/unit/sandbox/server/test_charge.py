"""pympp's charge methods behind the gate: a real tempo charge on a chain, end to end.

Facts: protocol 2.2, and 1.5 for what is refused. The client is pympp's own transport.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Receipt
from mpp.client.transport import PaymentTransport
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server

from mock_rails.core import Clock
from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.rail import Chain
from sandbox.server.charge import charge_offers
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.support import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_KEYS = [account.key for account in derive_accounts(MNEMONIC, 2, path="m/44'/60'/5'/0")]
PAYER, SHOP = (TempoAccount.from_key(f"0x{key.hex()}") for key in _KEYS)
NODE = "http://chain.test"


@dataclass
class World:
    """A shop that takes a quarter dollar, a chain, and a payer with money on it."""

    shop: Shop
    client: httpx.AsyncClient
    node: httpx.AsyncClient

    async def call(self, method: str, *params: Any) -> Any:
        """Ask the chain."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.node.post(NODE, json=request)).json()["result"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """All of it in one process; only the payer's own client needs the chain on a port."""
    async with AsyncExitStack() as stack:
        api = TempoApi(Chain())
        host = await stack.enter_async_context(Host(api))
        node = httpx.AsyncClient(transport=httpx.ASGITransport(api))
        await stack.enter_async_context(node)
        clock = Clock()
        store = MemoryStore(clock)
        methods = tempo_server.charge(
            recipient=SHOP.address,
            chain_id=1337,
            rpc_url=NODE,
            http_client=node,
            store=store.replays(),
        )
        offers = charge_offers(methods, amount="0.25", description="one look")
        shop = await stack.enter_async_context(Shop(*offers, clock=clock, store=store))
        wallet = tempo_client.charge(account=PAYER, rpc_url=host.url)
        transport = PaymentTransport(methods=[wallet], inner=httpx.ASGITransport(shop.gate))
        client = httpx.AsyncClient(transport=transport, base_url="https://shop.test")
        await stack.enter_async_context(client)
        world = World(shop, client, node)
        await world.call("tempo_fundAddress", PAYER.address)
        yield world


async def test_pympps_client_pays_a_charge_and_gets_the_goods(world: World) -> None:
    answer = await world.client.get("/goods?q=cats")
    assert (answer.status_code, answer.text) == (200, "the goods")
    receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
    found = await world.call("eth_getTransactionReceipt", receipt.reference)
    assert found["status"] == "0x1"
    settlement = world.shop.app.scopes[0]["mpp"]
    assert settlement.amount == 250_000
    assert settlement.currency == world.shop.offers[0].request["currency"]
    assert settlement.payer == PAYER.address.lower()
    assert settlement.tx_hash == receipt.reference
    assert answer.headers["cache-control"] == "private"
    assert world.shop.kinds() == ["exchange.challenged", "exchange.paid", "exchange.delivered"]
