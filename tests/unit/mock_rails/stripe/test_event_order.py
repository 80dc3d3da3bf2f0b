"""Each row of the table of events, in its order (facts: stripe 4). Stripe promises no order; this
is the one that its own objects come in, and what a shop's tests may rely on here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.intents.shop import Shop

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe

DAY_S = 86_400
DEPOSIT: dict[str, Any] = {
    "amount": 101,
    "payment_method_data": {"type": "crypto"},
    "payment_method_types": ["crypto"],
    "automatic_payment_methods": None,
    "payment_method_options": {
        "crypto": {"mode": "deposit", "deposit_options": {"networks": ["tempo"]}}
    },
}
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


class Told(Shop):
    """A seller who reads the events that each deed has brought."""

    seen = 0

    def news(self) -> list[str]:
        """The types of the events since the last look, in their order."""
        all_types = self.told()
        new, self.seen = all_types[self.seen :], len(all_types)
        return new

    def pass_s(self, seconds: int) -> None:
        """Let sandbox time pass, and happen what is due."""
        self.rail.context.clock.advance(seconds)
        self.rail.catch_up()


@pytest.fixture
def shop(http: httpx.AsyncClient, rail: Stripe) -> Told:
    return Told(http, rail)


async def test_created_and_confirmed(shop: Told) -> None:
    await shop.pay("pm_card_visa", capture_method="automatic")
    assert shop.news() == PAID
    await shop.pay("pm_card_visa", capture_method="automatic_async")
    assert shop.news() == [*PAID, "charge.updated"], "the balance transaction lands a moment later"
    token = await shop.token()
    shop.news()
    await shop.pay(shared_payment_granted_token=token, capture_method="automatic")
    used = [f"shared_payment.granted_token.{what}" for what in ("used", "deactivated")]
    assert [one for one in shop.news() if "issued" not in one] == [*PAID, *used]


async def test_declined(shop: Told) -> None:
    await shop.declined("pm_card_chargeDeclined")
    failed = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert shop.news() == failed


async def test_three_d_secure(shop: Told) -> None:
    asked = ["payment_intent.created", "payment_intent.requires_action"]
    for result, then in (("succeed", PAID[1:]), ("fail", ["payment_intent.payment_failed"])):
        intent = await shop.pay("pm_card_authenticationRequired", capture_method="automatic")
        assert shop.news() == asked
        await shop.meet_bank(intent, result)
        assert shop.news() == then


async def test_captured_by_hand_or_canceled(shop: Told) -> None:
    held = await shop.pay("pm_card_visa", capture_method="manual")
    assert shop.news() == [*PAID[:2], "payment_intent.amount_capturable_updated"]
    await shop.do(held, "capture")
    assert shop.news() == ["charge.captured", "payment_intent.succeeded"]
    held = await shop.pay("pm_card_visa", capture_method="manual")
    shop.news()
    await shop.do(held, "cancel")
    assert shop.news() == ["payment_intent.canceled"]


async def test_a_crypto_deposit(shop: Told) -> None:
    intent = await shop.pay(**DEPOSIT)
    assert shop.news() == ["payment_intent.created", "payment_intent.requires_action"]
    await shop.post(
        f"/v1/test_helpers/payment_intents/{intent['id']}/simulate_crypto_deposit",
        network="tempo",
        token_currency="usdc",
        buyer_wallet="0x" + "52" * 20,
        transaction_hash="0x" + "0" * 53 + "testsuccess",
    )
    shop.pass_s(15)
    news = [one for one in shop.news() if one != "charge.updated"]
    assert news == ["payment_intent.processing", *PAID[1:]]


async def test_a_refund_that_succeeds_waits_or_fails(shop: Told) -> None:
    made = ["refund.created", "charge.refunded"]
    changed = ["charge.refund.updated", "refund.updated"]
    for card, later in (
        ("visa", []),
        ("pendingRefund", changed),
        ("refundFail", [*changed, "refund.failed"]),
    ):
        paid = await shop.pay(f"pm_card_{card}")
        shop.news()
        await shop.post("/v1/refunds", payment_intent=paid["id"])
        assert shop.news() == made
        shop.pass_s(DAY_S)
        assert [one for one in shop.news() if one != "balance.available"] == later


async def test_a_dispute_that_is_won(shop: Told) -> None:
    await shop.pay("pm_card_createDispute")
    shop.news()
    shop.pass_s(1)
    opened = ["created", "funds_withdrawn"]
    assert shop.news() == [f"charge.dispute.{what}" for what in opened]
    (dispute,) = (await shop.get("/v1/disputes"))["data"]
    await shop.post(
        f"/v1/disputes/{dispute['id']}", evidence={"uncategorized_text": "winning_evidence"}
    )
    assert shop.news() == ["charge.dispute.updated"]
    shop.pass_s(60)
    closed = ["updated", "closed", "funds_reinstated"]
    assert shop.news() == [f"charge.dispute.{what}" for what in closed]


async def test_a_subscription_from_its_start_to_its_end(shop: Told) -> None:
    subscription = await _subscribe(shop)
    assert (
        shop.news()
        == [
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            *PAID,
            "charge.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
        or shop.told()
    )
    begun, end = (
        subscription["items"]["data"][0][f"current_period_{at}"] for at in ("start", "end")
    )
    shop.pass_s(end - begun - 7 * DAY_S)
    assert "invoice.upcoming" in shop.news()
    shop.pass_s(7 * DAY_S)
    assert shop.news() == ["invoice.created", "customer.subscription.updated"]
    shop.pass_s(3_600)
    renewed = [one for one in shop.news() if not one.startswith(("charge.", "payment_intent."))]
    assert renewed == [
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]
    path = f"/v1/subscriptions/{subscription['id']}"
    await shop.post(path, cancel_at_period_end=True)
    assert shop.news() == ["customer.subscription.updated"]
    shop.pass_s(32 * DAY_S)
    assert [one for one in shop.news() if "subscription" in one] == [
        "customer.subscription.deleted"
    ]


async def test_a_renewal_that_fails(shop: Told) -> None:
    subscription = await _subscribe(shop)
    bad = await shop.post(
        "/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=subscription["customer"]
    )
    await shop.post(f"/v1/subscriptions/{subscription['id']}", default_payment_method=bad["id"])
    shop.pass_s(31 * DAY_S)
    shop.news()
    shop.pass_s(3_600)
    assert shop.news() == [
        "invoice.finalized",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]
    one = await shop.get(f"/v1/subscriptions/{subscription['id']}")
    assert one["status"] == "past_due"


async def _subscribe(shop: Told) -> dict[str, Any]:
    """A month of something, paid; the news of what was made before are read."""
    customer = (await shop.customer())["id"]
    method = await shop.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)
    price = await shop.post(
        "/v1/prices",
        currency="usd",
        unit_amount=900,
        product_data={"name": "Time"},
        recurring={"interval": "month"},
    )
    shop.news()
    return await shop.post(
        "/v1/subscriptions",
        customer=customer,
        default_payment_method=method["id"],
        items=[{"price": price["id"]}],
    )


async def test_all_other_objects_tell_of_themselves(shop: Told) -> None:
    """Customers, methods, products, prices, payouts, SetupIntents, application fees, clocks."""
    customer = await shop.customer(name="Ada")
    await shop.post(f"/v1/customers/{customer['id']}", name="Bob")
    method = await shop.post("/v1/payment_methods/pm_card_visa/attach", customer=customer["id"])
    path = f"/v1/payment_methods/{method['id']}"
    await shop.post(path, metadata={"a": "b"})
    await shop.post(f"{path}/detach")
    assert await shop.call("DELETE", f"/v1/customers/{customer['id']}")
    assert shop.news() == [
        "customer.created",
        "customer.updated",
        "payment_method.attached",
        "payment_method.updated",
        "payment_method.detached",
        "customer.deleted",
    ]
    product = await shop.post("/v1/products", name="Time")
    await shop.post(f"/v1/products/{product['id']}", name="More")
    price = await shop.post("/v1/prices", product=product["id"], currency="usd", unit_amount=900)
    await shop.post(f"/v1/prices/{price['id']}", nickname="x")
    await shop.post("/v1/setup_intents", payment_method="pm_card_visa")
    await shop.pay("pm_card_bypassPending")
    shop.pass_s(1)
    assert [
        one for one in shop.news() if one.split(".")[0] not in ("payment_intent", "charge")
    ] == [
        "product.created",
        "product.updated",
        "price.created",
        "price.updated",
        "setup_intent.created",
    ]
    await shop.post("/v1/payouts", amount=100, currency="usd")
    shop.pass_s(10 * DAY_S)
    assert [one for one in shop.news() if one.startswith("payout.")] == [
        "payout.created",
        "payout.updated",
        "payout.paid",
    ]
