"""What a lenient profile lets pass, one by one, and that the journal says so (facts 4.2, 4.7)."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.lightning.bolt11 import decode
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.lnd.lenient import Deviation
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MACAROON = "Grpc-Metadata-macaroon"


class Shop:
    """A merchant's and a payer's LND."""

    def __init__(self, rail: Lightning, merchant: httpx.AsyncClient, payer: httpx.AsyncClient):
        self.rail = rail
        self.merchant = merchant
        self.payer = payer

    def tolerated(self) -> list[str]:
        """What the journal says that was let pass."""
        events = self.rail.context.journal.read()
        return [one.data["deviation"] for one in events if one.kind == "lightning.tolerated"]

    async def invoice(self, **more: Any) -> str:
        answer = await self.merchant.post("/v1/invoices", json={"value": "100", **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["payment_request"])


@asynccontextmanager
async def shop(profile: str) -> AsyncIterator[Shop]:
    rail = Lightning(settings=LightningSettings(lnd_profile=profile))

    def client(node: str) -> httpx.AsyncClient:
        api = LndApi(rail, node)
        transport = httpx.ASGITransport(api)
        return httpx.AsyncClient(
            transport=transport, base_url="http://lnd", headers={MACAROON: api.macaroon()}
        )

    async with client("merchant") as merchant, client("payer") as payer:
        yield Shop(rail, merchant, payer)


async def no_macaroon(world: Shop) -> httpx.Response:
    return await world.payer.get("/v1/getinfo", headers={MACAROON: "00"})


async def unknown_field(world: Shop) -> httpx.Response:
    return await world.merchant.post("/v1/invoices", json={"value": "1", "memos": "x"})


async def base64_hash(world: Shop) -> httpx.Response:
    hashed = decode(await world.invoice()).payment_hash
    return await world.merchant.get(f"/v1/invoice/{base64.urlsafe_b64encode(hashed).decode()}")


async def no_fee_limit(world: Shop) -> httpx.Response:
    asked = {"payment_request": await world.invoice(), "no_inflight_updates": True}
    return await world.payer.post("/v2/router/send", json=asked)


async def removed_call(world: Shop) -> httpx.Response:
    asked = {"payment_request": await world.invoice()}
    return await world.payer.post("/v1/channels/transactions", json=asked)


CASES = {
    Deviation.MACAROON_CODE: (no_macaroon, '"code":2', '"code":16'),
    Deviation.UNKNOWN_FIELD: (unknown_field, "unknown field", "payment_request"),
    Deviation.BASE64_HASH: (base64_hash, "encoding/hex", '"state":"OPEN"'),
    Deviation.NO_FEE_LIMIT: (no_fee_limit, "NO_ROUTE", "SUCCEEDED"),
    Deviation.REMOVED_CALL: (removed_call, "Not Found", '"payment_error":""'),
}


@pytest.mark.parametrize("deviation", Deviation)
async def test_each_deviation_is_refused_or_passes_and_is_journalled(deviation: Deviation) -> None:
    ask, refusal, success = CASES[deviation]
    async with shop("0.21") as strict:
        assert refusal in (await ask(strict)).text
        assert strict.tolerated() == []
    async with shop("0.21+lenient") as lenient:
        assert success in (await ask(lenient)).text
        assert lenient.tolerated() == [deviation]


async def test_a_lenient_node_is_strict_about_all_else() -> None:
    """It says the same version, and what is no client's habit stays an error."""
    async with shop("0.20+lenient") as world:
        info = (await world.payer.get("/v1/getinfo")).json()
        assert info["version"].startswith("0.20.0-beta")
        again = {"payment_request": await world.invoice(), "fee_limit_sat": "5"}
        assert (await world.payer.post("/v2/router/send", json=again)).status_code == 200
        assert (await world.payer.post("/v2/router/send", json=again)).status_code == 409
        nested = {"value": "1", "route_hints": [{"hops": []}]}
        assert (await world.merchant.post("/v1/invoices", json=nested)).status_code == 400
        assert (await world.merchant.get("/v1/invoice/nonsense")).status_code == 500
        assert world.tolerated() == []
