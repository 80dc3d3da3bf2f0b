"""Keys, what they may do, and whose objects they see (facts: stripe 1.1, 1.8, 2.4)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from mock_rails.stripe.wire.credentials import masked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext

SETTINGS = StripeSettings(accounts={"sk_test_shop": "acct_shop"}, connected=("acct_seller",))


@pytest.fixture
async def wire(context: RailContext) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, of a Stripe with two more accounts."""
    api = StripeApi(Stripe(context, SETTINGS))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://stripe"
    ) as client:
        yield client


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", **more}


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


async def make(wire: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    return await wire.post("/v1/customers", data={"name": "Ada"}, headers=headers)


async def finds(wire: httpx.AsyncClient, made: httpx.Response, headers: dict[str, str]) -> bool:
    answer = await wire.get(f"/v1/customers/{made.json()['id']}", headers=headers)
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Digest sk_test_x"},
        {"authorization": "Basic ###"},
        {"authorization": "Basic " + base64.b64encode(b":x").decode()},
        bearer("nonsense"),
        bearer("sk_prod_x"),
        basic("whsec_x"),
    ],
)
async def test_without_a_good_key_it_is_401(
    wire: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await make(wire, headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["request-id"].startswith("req_")


async def test_bearer_and_basic_are_the_same_key(wire: httpx.AsyncClient) -> None:
    made = await make(wire, bearer("sk_test_x"))
    assert made.status_code == 200
    assert await finds(wire, made, basic("sk_test_x"))


async def test_unknown_test_keys_share_the_default_account(wire: httpx.AsyncClient) -> None:
    """The payer's command line and the shop have different made-up keys (1.4)."""
    made = await make(wire, bearer("sk_test_payer"))
    assert await finds(wire, made, basic("rk_test_anyone"))
    assert not await finds(wire, made, bearer("sk_test_shop"))


async def test_the_prefix_says_the_mode_and_modes_do_not_mix(wire: httpx.AsyncClient) -> None:
    test_key, live_key = bearer("sk_test_x"), bearer("sk_" + "live_x")
    made = await make(wire, live_key)
    assert made.json()["livemode"] is True
    assert not await finds(wire, made, test_key)
    assert (await wire.get("/v1/customers", headers=test_key)).json()["data"] == []
    assert len((await wire.get("/v1/customers", headers=live_key)).json()["data"]) == 1


async def test_publishable_keys_may_do_little(wire: httpx.AsyncClient) -> None:
    answer = await make(wire, bearer("pk_test_x"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "secret_key_required")


async def test_a_publishable_key_sees_no_more_by_expanding(wire: httpx.AsyncClient) -> None:
    customer = (await make(wire, bearer("sk_test_x"))).json()["id"]
    form = {
        "amount": "500",
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "customer": customer,
    }
    intent = (await wire.post("/v1/payment_intents", data=form, headers=bearer("sk_test_x"))).json()
    url = f"/v1/payment_intents/{intent['id']}?client_secret={intent['client_secret']}"
    public = bearer("pk_test_x")
    assert (await wire.get(url, headers=public)).status_code == 200
    shown = await wire.get(url + "&expand[]=payment_method", headers=public)
    assert shown.json()["payment_method"]["object"] == "payment_method"
    refused = await wire.get(url + "&expand[]=customer", headers=public)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expand")


async def test_stripe_account_scopes_every_object(wire: httpx.AsyncClient) -> None:
    seller = bearer("sk_test_x", **{"stripe-account": "acct_seller"})
    made = await make(wire, seller)
    assert made.headers["stripe-account"] == "acct_seller"
    assert await finds(wire, made, seller)
    assert await finds(wire, made, bearer("sk_test_x", **{"stripe-context": "acct_seller"}))
    assert not await finds(wire, made, bearer("sk_test_x"))


async def test_an_account_that_is_not_reachable_is_403(wire: httpx.AsyncClient) -> None:
    answer = await make(wire, bearer("sk_test_secretive", **{"stripe-account": "acct_nope"}))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "account_invalid")
    assert "sk_test_secretive" not in error["message"]


def test_a_masked_key_shows_its_kind_and_its_end() -> None:
    assert masked("sk_test_0123456789abcdef") == "sk_test_***cdef"
    assert masked("hello world") == "hell***"
    assert masked("x") == "***"
