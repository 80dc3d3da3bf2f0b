"""A platform's share of payments on connected accounts (facts: stripe 1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from tests.unit.mock_rails.stripe.money.support import get, happened, post, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext
    from mock_rails.stripe.api import StripeApi

SHOP = "acct_shop"
PAYMENT = {
    "amount": "1000",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    "expand[]": "latest_charge.balance_transaction",
}


@pytest.fixture
def rail(context: RailContext) -> Stripe:
    """A platform with one shop."""
    return Stripe(context, StripeSettings(connected=(SHOP,)))


@pytest.fixture
async def shop(http: httpx.AsyncClient, api: StripeApi) -> AsyncIterator[httpx.AsyncClient]:
    """The platform's client, working on the shop."""
    headers = {"authorization": http.headers["authorization"], "stripe-account": SHOP}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api),  # type: ignore[arg-type]
        base_url="http://stripe",
        headers=headers,
    ) as client:
        yield client


async def pending(http: httpx.AsyncClient) -> int:
    return int((await get(http, "/v1/balance"))["pending"][0]["amount"])


async def pay(http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    intent = await post(http, "/v1/payment_intents", **PAYMENT, **more)
    charge: dict[str, Any] = intent["latest_charge"]
    return charge


async def test_an_application_fee_goes_from_the_shop_to_the_platform(
    rail: Stripe, http: httpx.AsyncClient, shop: httpx.AsyncClient
) -> None:
    charge = await pay(shop, application_fee_amount=100)
    booked = charge["balance_transaction"]
    assert (booked["amount"], booked["fee"], booked["net"]) == (1_000, 159, 841)
    assert [(one["type"], one["amount"]) for one in booked["fee_details"]] == [
        ("stripe_fee", 59),
        ("application_fee", 100),
    ]
    assert await pending(shop) == 841
    assert await pending(http) == 100
    (fee,) = (await get(http, "/v1/application_fees"))["data"]
    assert fee == fee | {
        "id": charge["application_fee"],
        "account": SHOP,
        "amount": 100,
        "charge": charge["id"],
    }
    earned = await get(http, f"/v1/balance_transactions/{fee['balance_transaction']}")
    assert (earned["type"], earned["net"]) == ("application_fee", 100)
    assert (await get(shop, "/v1/application_fees"))["data"] == []
    assert happened(rail, "application_fee") == ["application_fee.created"]
    rail.check_conservation()


async def test_the_fee_can_change_with_the_capture(
    rail: Stripe, http: httpx.AsyncClient, shop: httpx.AsyncClient
) -> None:
    charge = await pay(shop, application_fee_amount=100, capture_method="manual")
    assert await pending(http) == 0
    path = f"/v1/payment_intents/{charge['payment_intent']}/capture"
    await post(shop, path, amount_to_capture=500, application_fee_amount=20)
    assert await pending(http) == 20
    assert await pending(shop) == 500 - 45 - 20
    rail.check_conservation()


async def test_a_platform_takes_no_share_of_its_own_payments(http: httpx.AsyncClient) -> None:
    error = await refusal(http, "/v1/payment_intents", **PAYMENT, application_fee_amount=1)
    assert error["param"] == "application_fee_amount"


async def test_what_a_refund_does_not_give_back(
    http: httpx.AsyncClient, shop: httpx.AsyncClient
) -> None:
    with_fee, without = await pay(shop, application_fee_amount=100), await pay(shop)
    answer = await shop.post(
        "/v1/refunds", data={"charge": with_fee["id"], "refund_application_fee": "true"}
    )
    assert answer.status_code == 501
    error = await refusal(shop, "/v1/refunds", charge=without["id"], refund_application_fee="true")
    assert error["param"] == "refund_application_fee"
    error = await refusal(shop, "/v1/refunds", charge=without["id"], reverse_transfer="true")
    assert error["param"] == "reverse_transfer"
    await post(shop, "/v1/refunds", charge=with_fee["id"])
    assert await pending(http) == 100
