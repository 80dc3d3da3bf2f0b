"""The session inside pympp's own server, and a payer speaking HTTP to it (facts: protocol 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from mpp import Challenge, Credential, Receipt
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_rails.tempo.addresses import PATH_USD
from sandbox.server.session import session_method
from tests.unit.sandbox.server.session.support import make_world

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.methods.tempo_session import Payload
    from tests.unit.sandbox.server.session.support import Payer, World

SECRET = "a secret of the tests, 32 bytes or more"


def make_shop(world: World) -> httpx.AsyncClient:
    """An application that pympp guards."""
    method = session_method(
        world.server,
        amount=100,
        currency=PATH_USD,
        unit_type="request",
        suggested_deposit=1_000,
        chain_id=world.chain.chain_id,
    )
    mpp = Mpp(methods=[method], realm="shop.test", secret_key=SECRET)

    @pay(mpp["tempo/session"]())
    async def joke(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
        return JSONResponse({"paid": receipt.reference})

    app = Starlette(routes=[Route("/joke", joke, methods=["GET", "POST"])])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")


async def answer(
    shop: httpx.AsyncClient, payer: Payer, payload: Payload, method: str = "GET"
) -> httpx.Response:
    """Ask, be told the price, and pay it."""
    asked = await shop.request(method, "/joke")
    assert asked.status_code == 402
    challenge = Challenge.from_www_authenticate(asked.headers["www-authenticate"])
    sent = Credential(challenge.to_echo(), payload.to_json(), payer.credential(payload).source)
    return await shop.request(method, "/joke", headers={"authorization": sent.to_authorization()})


async def test_content_is_paid_by_open_and_voucher() -> None:
    async with make_world() as world, make_shop(world) as shop:
        payer = world.payer(world.offer())
        paid = await answer(shop, payer, await payer.make_open())
        assert paid.status_code == 200
        assert paid.json() == {"paid": "0x" + payer.id.hex()}
        receipt = Receipt.from_payment_receipt(paid.headers["payment-receipt"])
        assert receipt.reference == "0x" + payer.id.hex()

        paid = await answer(shop, payer, payer.make_voucher(200))
        assert paid.status_code == 200
        assert (await payer.record()).spent == 200


async def test_what_would_not_deliver_is_refused_before_anything_happens() -> None:
    async with make_world() as world, make_shop(world) as shop:
        payer = world.payer(world.offer())
        await answer(shop, payer, await payer.make_open())
        before = await payer.record()
        for payload, method in ((payer.make_close(100), "GET"), (payer.make_voucher(200), "POST")):
            refused = await answer(shop, payer, payload, method)
            assert refused.status_code >= 400
            assert "payment-receipt" not in refused.headers
        assert await payer.record() == before
