"""pympp's charge method claims its transactions in our replay store, as it is, in every backend.

Two shops that share a store stand for two server processes. Facts: protocol 1.1, one delivery for
one credential; pympp refuses a used one by itself once its store remembers it.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp.client.transport import PaymentTransport
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_rails.core import Clock
from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.rail import Chain
from sandbox.server.stores import MemoryStore, RedisStore, SqliteStore, Store, StoreFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mpp import Credential, Receipt
    from starlette.requests import Request

    from sandbox.server.stores import ReplayStore

_KEYS = [account.key for account in derive_accounts(MNEMONIC, 3, path="m/44'/60'/4'/0")]
PAYER, SHOP, SPONSOR = (TempoAccount.from_key(f"0x{key.hex()}") for key in _KEYS)

Shop = httpx.ASGITransport


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def stores(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Store, Store]]:
    """Two views of one place: as two processes would open it, or just twice the same memory."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            first: Store = MemoryStore(Clock())
            second = first
        elif request.param == "sqlite":
            first = await SqliteStore.open(tmp_path / "shared.db", Clock())
            second = await SqliteStore.open(tmp_path / "shared.db", Clock())
        else:
            url = request.getfixturevalue("redis_server").url
            first = await RedisStore.open(url, Clock())
            second = await RedisStore.open(url, Clock())
        stack.push_async_callback(first.close)
        stack.push_async_callback(second.close)
        yield first, second


@dataclass(frozen=True, slots=True)
class Node:
    """A chain on a port, and the shops' connection to it."""

    url: str
    http: httpx.AsyncClient

    async def call(self, method: str, *params: str) -> Any:
        """One JSON-RPC call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.http.post(self.url, json=request)).json()["result"]


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A chain where payer and sponsor have money."""
    async with Host(TempoApi(Chain())) as host, httpx.AsyncClient() as http:
        node = Node(host.url, http)
        for account in (PAYER, SPONSOR):
            await node.call("tempo_fundAddress", account.address)
        yield node


def open_shop(node: Node, replays: ReplayStore, *, sponsored: bool) -> Shop:
    """A paid API whose pympp remembers used credentials in this store."""
    charge = tempo_server.charge(
        recipient=SHOP.address,
        chain_id=1337,
        rpc_url=node.url,
        fee_payer=SPONSOR if sponsored else None,
        http_client=node.http,
    )
    mpp = Mpp(methods=charge, realm="shop.example", secret_key="only for tests", store=replays)

    @pay(mpp.charge(amount="0.25", **({"fee_payer": True} if sponsored else {})))
    async def paid(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
        return JSONResponse({"sent": request.headers["Authorization"]})

    app = Starlette(routes=[Route("/paid", paid)])
    return httpx.ASGITransport(app, raise_app_exceptions=False)


async def buy(shop: Shop, node: Node) -> httpx.Response:
    """Pay for one request."""
    wallet = tempo_client.charge(account=PAYER, rpc_url=node.url)
    transport = PaymentTransport(methods=[wallet], inner=shop)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as http:
        return await http.get("/paid")


async def send(shop: Shop, authorization: str) -> httpx.Response:
    """Use a credential again."""
    async with httpx.AsyncClient(transport=shop, base_url="https://shop.example") as http:
        return await http.get("/paid", headers={"Authorization": authorization})


@pytest.mark.parametrize("sponsored", [False, True])
async def test_a_credential_is_good_once_in_all_processes_together(
    stores: tuple[Store, Store], node: Node, sponsored: bool
) -> None:
    here, there = (open_shop(node, store.replays(), sponsored=sponsored) for store in stores)
    paid = await buy(here, node)
    assert paid.status_code == 200, paid.text
    for shop in (here, there):
        again = await send(shop, paid.json()["sent"])
        assert again.status_code in {402, 403}
        assert again.json()["detail"].endswith("Transaction hash already used.")
    assert (await buy(there, node)).status_code == 200


async def fill(replays: ReplayStore) -> None:
    """Put marks until there is no room."""
    for number in range(1_000):
        try:
            await replays.put_if_absent(f"filler {number}", "x" * 100)
        except StoreFull:
            return
    pytest.fail("The store has no limit.")


async def test_a_store_that_is_full_takes_no_payment(tmp_path: Path, node: Node) -> None:
    """What cannot be remembered must not be sent to the chain."""
    store = await SqliteStore.open(tmp_path / "full.db", Clock(), limit_bytes=1)
    replays = store.replays()
    await fill(replays)
    before = await node.call("eth_blockNumber")
    refused = await buy(open_shop(node, replays, sponsored=False), node)
    assert refused.status_code == 500
    assert await node.call("eth_blockNumber") == before
    await store.close()
