"""Whose events an endpoint gets: its account's in its mode; a platform's `connect` endpoint those
of connected accounts, with their name (facts: stripe 1.8, 1.11, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from mock_rails.stripe.webhooks.deliverer import Deliverer
from tests.unit.mock_rails.stripe.webhooks.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext

SELLER = {"stripe-account": "acct_seller"}


@pytest.fixture
def rail(context: RailContext) -> Stripe:
    return Stripe(context, StripeSettings(connected=("acct_seller",)))


@pytest.fixture
async def http(rail: Stripe) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(StripeApi(rail))
    headers = {"authorization": "Bearer sk_test_x"}
    async with httpx.AsyncClient(transport=transport, base_url="http://s", headers=headers) as one:
        yield one


async def endpoint(http: httpx.AsyncClient, name: str, **form: str) -> dict[str, Any]:
    given = {"url": f"http://127.0.0.1:4242/{name}", "enabled_events[]": "*", **form}
    made: dict[str, Any] = (await http.post("/v1/webhook_endpoints", data=given)).json()
    return made


async def received(rail: Stripe) -> list[tuple[str, str | None, str]]:
    """Where each message went, whose it says it is, and what it is about."""
    receiver = Receiver()
    await Deliverer(rail, receiver).deliver()
    return sorted(
        (request.url.path[1:], event.get("account"), event["data"]["object"]["name"])
        for request, event in zip(receiver.requests, receiver.events, strict=True)
    )


async def test_a_platform_hears_of_its_own_and_of_connected_accounts_apart(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    await endpoint(http, "own")
    connect = await endpoint(http, "connect", connect="true")
    assert "connect" not in connect
    await http.post("/v1/customers", data={"name": "Ada"})
    made = await http.post("/v1/customers", data={"name": "Bob"}, headers=SELLER)
    assert await received(rail) == [("connect", "acct_seller", "Bob"), ("own", None, "Ada")]
    (event,) = (await http.get("/v1/events", headers=SELLER)).json()["data"]
    assert "account" not in event, "the account itself knows whose it is"
    assert event["data"]["object"]["id"] == made.json()["id"]
    await http.post(f"/_sandbox/events/{event['id']}/resend")
    assert await received(rail) == [("connect", "acct_seller", "Bob")]


async def test_what_a_platform_is_sent_is_signed_with_its_secret(
    rail: Stripe, http: httpx.AsyncClient
) -> None:
    secret = (await endpoint(http, "connect", connect="true"))["secret"]
    await http.post("/v1/customers", data={"name": "Bob"}, headers=SELLER)
    receiver = Receiver()
    await Deliverer(rail, receiver).deliver()
    (request,) = receiver.requests
    event = stripe.Webhook.construct_event(
        request.content, request.headers["stripe-signature"], secret
    )
    assert event.account == "acct_seller"


async def test_live_events_go_to_live_endpoints(rail: Stripe, http: httpx.AsyncClient) -> None:
    await endpoint(http, "test")
    live = {"authorization": "Bearer sk_" + "live_x"}
    await http.post("/v1/customers", data={"name": "Real"}, headers=live)
    assert await received(rail) == []
    http.headers.update(live)
    await endpoint(http, "live")
    await http.post("/v1/customers", data={"name": "Real"})
    assert await received(rail) == [("live", None, "Real")]
