"""A Stripe with everything under way is written down, read by another, and goes on: what was
waiting for a time, a buyer, a bank or a second try still comes about (issue 4; facts: stripe 6)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core import Clock, RailContext
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.webhooks.deliverer import Deliverer
from tests.unit.mock_rails.stripe.intents.shop import Shop
from tests.unit.mock_rails.stripe.webhooks.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEW_YEAR_S = 1_767_225_600
DAY_S = 86_400
GRANTS = "/v1/test_helpers/shared_payment/granted_tokens"
CLOCKS = "/v1/test_helpers/test_clocks"
SUCCEEDS = "0x" + "0" * 53 + "testsuccess"
DEPOSIT: dict[str, Any] = {
    "amount": 101,
    "payment_method_data": {"type": "crypto"},
    "payment_method_types": ["crypto"],
    "automatic_payment_methods": None,
    "payment_method_options": {
        "crypto": {"mode": "deposit", "deposit_options": {"networks": ["tempo"]}}
    },
}


class World:
    """A Stripe and a seller at it."""

    def __init__(self, rail: Stripe, http: httpx.AsyncClient) -> None:
        self.rail = rail
        self.shop = Shop(http, rail)

    def pass_s(self, seconds: int) -> None:
        self.rail.context.clock.advance(timedelta(seconds=seconds))
        self.rail.catch_up()


@pytest.fixture
async def worlds() -> AsyncIterator[tuple[World, World]]:
    """Two, at the same time of the year; the second knows nothing of the first."""
    made = []
    for seed in ("first", "second"):
        rail = Stripe(RailContext.create(seed, Clock.frozen(NEW_YEAR_S)))
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(StripeApi(rail)),
            base_url="http://stripe",
            headers={"authorization": "Bearer sk_test_x"},
        )
        made.append(World(rail, http))
    yield made[0], made[1]
    for world in made:
        await world.shop.http.aclose()


async def _everything(shop: Shop) -> dict[str, Any]:
    """One of everything that waits for something, and what was answered."""
    had: dict[str, Any] = {}
    had["hook"] = await shop.post(
        "/v1/webhook_endpoints", url="http://127.0.0.1:4242/", enabled_events=["*"]
    )
    had["held"] = await shop.pay("pm_card_visa", capture_method="manual")
    had["forgotten"] = await shop.pay("pm_card_visa", capture_method="manual")
    had["asked"] = await shop.pay("pm_card_authenticationRequired")
    had["deposit"] = await shop.pay(**DEPOSIT)
    had["disputed"] = await shop.pay("pm_card_createDispute")
    slow = await shop.pay("pm_card_pendingRefund")
    had["slow"] = await shop.post("/v1/refunds", payment_intent=slow["id"])
    bad = await shop.pay("pm_card_refundFail")
    had["bad"] = await shop.post("/v1/refunds", payment_intent=bad["id"])
    await shop.pay("pm_card_bypassPending", amount=90_000)
    had["payout"] = await shop.post("/v1/payouts", amount=1_000, currency="usd")
    had["token"], had["old"] = await shop.token(), await shop.token(expires_at=NEW_YEAR_S + 60)
    had["card"] = await shop.post(
        "/v1/tokens", card={"number": "4242424242424242", "exp_month": 12, "exp_year": 2040}
    )
    had["setup"] = await shop.post(
        "/v1/setup_intents", payment_method="pm_card_authenticationRequired", confirm=True,
        automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
    )  # fmt: skip
    clock = had["clock"] = (await shop.post(CLOCKS, frozen_time=NEW_YEAR_S))["id"]
    customer = (await shop.post("/v1/customers", test_clock=clock))["id"]
    method = await shop.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)
    price = await shop.post(
        "/v1/prices", currency="usd", unit_amount=900, recurring={"interval": "month"},
        product_data={"name": "Time"},
    )  # fmt: skip
    had["subscription"] = await shop.post(
        "/v1/subscriptions", customer=customer, default_payment_method=method["id"],
        items=[{"price": price["id"]}],
    )  # fmt: skip
    shop.headers = {"idempotency-key": "the first"}
    had["keyed"] = await shop.pay("pm_card_visa")
    shop.headers = {}
    return had


async def test_it_goes_on_in_another_process(worlds: tuple[World, World]) -> None:
    first, second = worlds
    had = await _everything(first.shop)
    written = json.dumps(first.rail.snapshot())
    second.rail.restore(json.loads(written))
    assert second.rail.digest() == first.rail.digest()
    shop = second.shop

    shop.headers = {"idempotency-key": "the first"}
    assert await shop.pay("pm_card_visa") == had["keyed"], "a replay, not a second charge"
    shop.headers = {}
    await shop.do(had["held"], "capture")
    assert (await shop.meet_bank(had["asked"], "succeed"))["status"] == "succeeded"
    assert (await shop.meet_bank(had["setup"], "succeed"))["status"] == "succeeded"
    await shop.post(
        f"/v1/test_helpers/payment_intents/{had['deposit']['id']}/simulate_crypto_deposit",
        network="tempo", token_currency="usdc", buyer_wallet="0x" + "52" * 20,
        transaction_hash=SUCCEEDS,
    )  # fmt: skip
    await shop.pay(shared_payment_granted_token=had["token"])
    assert (await shop.post("/v1/charges", amount=500, currency="usd", source=had["card"]["id"]))[
        "paid"
    ]
    second.pass_s(60)
    for name, path, status in (
        ("deposit", "payment_intents", "succeeded"),
        ("slow", "refunds", "succeeded"),
        ("bad", "refunds", "failed"),
    ):
        assert (await shop.get(f"/v1/{path}/{had[name]['id']}"))["status"] == status
    expired = await shop.get(f"/v1/shared_payment/granted_tokens/{had['old']}")
    assert expired["deactivated_reason"] == "expired"

    second.pass_s(20 * DAY_S)
    assert (await shop.intent(had["forgotten"]))["status"] == "canceled"
    (dispute,) = (await shop.get("/v1/disputes"))["data"]
    assert (dispute["payment_intent"], dispute["status"]) == (had["disputed"]["id"], "lost")
    assert (await shop.get(f"/v1/payouts/{had['payout']['id']}"))["status"] == "paid"
    end_s = had["subscription"]["items"]["data"][0]["current_period_end"]
    await shop.post(f"{CLOCKS}/{had['clock']}/advance", frozen_time=end_s + 3_600)
    subscription = await shop.get(f"/v1/subscriptions/{had['subscription']['id']}")
    invoice = await shop.get(f"/v1/invoices/{subscription['latest_invoice']}")
    assert (invoice["billing_reason"], invoice["status"]) == ("subscription_cycle", "paid")

    receiver = Receiver()
    await Deliverer(second.rail, receiver).deliver()
    told = [event["type"] for event in receiver.events]
    assert told == shop.told()[-len(told) :], "what was not sent before is sent now, in order"
    assert len(told) > 60
    balance = await shop.get("/v1/balance")
    nets = sum(one["net"] for one in second.rail.state.all("balance_transactions"))
    assert nets == sum(balance[part][0]["amount"] for part in ("available", "pending"))
