"""Lightning inside pympp's own server, and a payer speaking HTTP to it (facts: protocol 2.2).

pympp looks at the wall's clock, and so must the invoices here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential, Receipt
from mpp.server import Mpp, pay
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.methods.lightning_session import Status
from sandbox.server.lightning import charge_method, session_method
from tests.unit.sandbox.server.lightning.support import SECRET, opened

if TYPE_CHECKING:
    from mpp.server.method import ServerMethod
    from starlette.requests import Request


def make_shop(method: ServerMethod) -> httpx.AsyncClient:
    """An application that pympp guards."""
    mpp = Mpp(methods=[method], realm="shop.test", secret_key=SECRET)

    @pay(mpp[method.key]())
    async def joke(request: Request, credential: Credential, receipt: Receipt) -> JSONResponse:
        return JSONResponse({"paid": receipt.reference})

    app = Starlette(routes=[Route("/joke", joke)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")


async def asked(shop: httpx.AsyncClient) -> Challenge:
    answer = await shop.get("/joke")
    assert answer.status_code == 402
    return Challenge.from_www_authenticate(answer.headers["www-authenticate"])


async def shown(
    shop: httpx.AsyncClient, challenge: Challenge, payload: dict[str, Any]
) -> httpx.Response:
    sent = Credential(challenge.to_echo(), payload).to_authorization()
    return await shop.get("/joke", headers={"authorization": sent})


async def test_a_charge_pays_once() -> None:
    async with opened(at_s=None) as world, make_shop(charge_method(world.server, 10)) as shop:
        challenge = await asked(shop)
        payload = {"preimage": await world.pay(challenge)}
        answers = await asyncio.gather(*(shown(shop, challenge, payload) for _ in range(10)))
        paid = [one for one in answers if one.status_code == 200]
        assert len(paid) == 1
        (reference,) = (one.json()["paid"] for one in paid)
        assert reference == challenge.request["methodDetails"]["paymentHash"]
        receipt = Receipt.from_payment_receipt(paid[0].headers["payment-receipt"])
        assert (receipt.method, receipt.reference) == ("lightning", reference)
        others = [one for one in answers if one.status_code != 200]
        assert {one.json()["type"].rpartition("/")[2] for one in others} == {"unknown-challenge"}


async def test_another_price_is_another_challenge() -> None:
    async with opened(at_s=None) as world:
        cheap, dear = charge_method(world.server, 1), charge_method(world.server, 1_000)
        async with make_shop(cheap) as kiosk, make_shop(dear) as palace:
            challenge = await asked(kiosk)
            payload = {"preimage": await world.pay(challenge)}
            assert (await shown(palace, challenge, payload)).status_code == 402
            assert (await shown(kiosk, challenge, payload)).status_code == 200


async def test_a_wrong_preimage_pays_nothing() -> None:
    async with opened(at_s=None) as world, make_shop(charge_method(world.server, 10)) as shop:
        answer = await shown(shop, await asked(shop), {"preimage": "00" * 32})
        assert answer.status_code == 402
        assert answer.json()["type"].endswith("/lightning/invalid-preimage")


async def test_a_session_pays_for_content() -> None:
    method = {"deposit_sat": 100}
    async with (
        opened(at_s=None) as world,
        make_shop(session_method(world.server, 40, **method)) as shop,
    ):
        challenge = await asked(shop)
        preimage = await world.pay(challenge)
        opening = {
            "action": "open",
            "preimage": preimage,
            "returnInvoice": await world.return_invoice(),
        }
        assert (await shown(shop, challenge, opening)).status_code == 200
        session = {"sessionId": challenge.request["paymentHash"], "preimage": preimage}
        bearer = {"action": "bearer", **session}
        assert (await shown(shop, await asked(shop), bearer)).status_code == 200
        assert (await shown(shop, await asked(shop), bearer)).status_code == 402
        close = {"action": "close", **session}
        assert (await shown(shop, await asked(shop), close)).status_code >= 400
        record = await world.record(session)
        assert (record.status, record.spent_sat) == (Status.OPEN, 80)
