"""pympp's charge method claims its transactions in our replay store, as it is, in every backend.

Two shops that share a store stand for two server processes. Facts: protocol 1.1, one delivery for
one credential; pympp refuses a used one by itself once its store remembers it.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from mpp import Credential, Receipt
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
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.requests import Request

    from sandbox.server.stores import ReplayStore

_KEYS = [account.key for account in derive_accounts(MNEMONIC, 3, path="m/44'/60'/4'/0")]
PAYER, SHOP, SPONSOR = (TempoAccount.from_key(f"0x{key.hex()}") for key in _KEYS)

Shop = httpx.ASGITransport
OpenShop = "Callable[[ReplayStore, bool], Shop]"


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
            url = request.getfixturevalue("shared_redis").url
            name = f"pympp-{abs(hash(str(tmp_path)))}"
            first = await RedisStore.open(url, Clock(), namespace=name)
            second = await RedisStore.open(url, Clock(), namespace=name)
        stack.push_async_callback(first.close)
        stack.push_async_callback(second.close)
        yield first, second


@pytest.fixture
async def rpc_url() -> AsyncIterator[str]:
    """A chain where payer and sponsor have money."""
    async with Host(TempoApi(Chain())) as host, httpx.AsyncClient() as http:
        for account in (PAYER, SPONSOR):
            call = {"jsonrpc": "2.0", "id": 1, "method": "tempo_fundAddress"}
            answer = await http.post(host.url, json={**call, "params": [account.address]})
            assert "error" not in answer.json()
        yield host.url


def open_shop(rpc_url: str, replays: ReplayStore, *, sponsored: bool) -> Shop:
    """A paid API whose pympp remembers used credentials in this store."""
    charge = tempo_server.charge(
        recipient=SHOP.address,
        chain_id=1337,
        rpc_url=rpc_url,
        fee_payer=SPONSOR if sponsored else None,
    )
    mpp = Mpp(methods=charge, realm="shop.example", secret_key="only for tests", store=replays)

    @pay(mpp.charge(amount="0.25", **({"fee_payer": True} if sponsored else {})))
    async def paid(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
        return JSONResponse({"sent": request.headers["Authorization"]})

    app = Starlette(routes=[Route("/paid", paid)])
    return httpx.ASGITransport(app, raise_app_exceptions=False)


async def buy(shop: Shop, rpc_url: str) -> httpx.Response:
    """Pay for one request."""
    wallet = tempo_client.charge(account=PAYER, rpc_url=rpc_url)
    transport = PaymentTransport(methods=[wallet], inner=shop)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as http:
        return await http.get("/paid")


async def send(shop: Shop, authorization: str) -> httpx.Response:
    """Use a credential again."""
    async with httpx.AsyncClient(transport=shop, base_url="https://shop.example") as http:
        return await http.get("/paid", headers={"Authorization": authorization})


@pytest.mark.parametrize("sponsored", [False, True])
async def test_a_credential_is_good_once_in_all_processes_together(
    stores: tuple[Store, Store], rpc_url: str, sponsored: bool
) -> None:
    here, there = (open_shop(rpc_url, store.replays(), sponsored=sponsored) for store in stores)
    paid = await buy(here, rpc_url)
    assert paid.status_code == 200, paid.text
    for shop in (here, there):
        again = await send(shop, paid.json()["sent"])
        assert again.status_code in {402, 403}
        assert again.json()["detail"].endswith("Transaction hash already used")
    assert (await buy(there, rpc_url)).status_code == 200


async def test_a_store_that_is_full_takes_no_payment(tmp_path: Path, rpc_url: str) -> None:
    """What cannot be remembered must not be sent to the chain."""
    store = await SqliteStore.open(tmp_path / "full.db", Clock(), limit_bytes=1)
    replays = store.replays()
    with pytest.raises(StoreFull):
        await replays.put_if_absent("x", "x" * 10_000)
    for number in range(200):
        try:
            await replays.put_if_absent(f"filler {number}", "x" * 300)
        except StoreFull:
            break
    refused = await buy(open_shop(rpc_url, replays, sponsored=False), rpc_url)
    assert refused.status_code >= 500
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    async with httpx.AsyncClient() as http:
        before = (await http.post(rpc_url, json=call)).json()["result"]
        assert (await buy(open_shop(rpc_url, replays, sponsored=False), rpc_url)).status_code >= 500
        assert (await http.post(rpc_url, json=call)).json()["result"] == before
    await store.close()
