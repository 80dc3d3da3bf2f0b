"""The Stripe rail keeps what every rail promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from mock_rails.core.compliance import RailCompliance
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

PAY = {
    "amount": "500",
    "currency": "usd",
    "confirm": "true",
    "off_session": "true",
}


class TestStripeIsARail(RailCompliance):
    """With customers, payments, a decline, a refund and an idempotency key in its state."""

    def make_rail(self, context: RailContext) -> Stripe:
        return Stripe(context)

    async def disturb(self, rail: Stripe) -> None:
        transport = httpx.ASGITransport(StripeApi(rail))
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://stripe",
            headers={"authorization": "Bearer sk_test_x"},
        ) as http:
            await http.post("/v1/customers", data={"name": "Ada", "metadata[a]": "b"})
            paid = await http.post(
                "/v1/payment_intents",
                data={**PAY, "payment_method": "pm_card_visa"},
                headers={"idempotency-key": "k1"},
            )
            assert paid.status_code == 200, paid.text
            declined = await http.post(
                "/v1/payment_intents",
                data={**PAY, "payment_method": "pm_card_visa_chargeDeclined"},
            )
            assert declined.status_code == 402
            refund = {"payment_intent": paid.json()["id"], "amount": "100"}
            assert (await http.post("/v1/refunds", data=refund)).status_code == 200
