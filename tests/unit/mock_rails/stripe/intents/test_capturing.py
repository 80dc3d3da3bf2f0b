"""Manual capture and cancelling (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

DAY_S = 86_400


async def test_a_card_is_held_then_captured(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 1000)
    assert intent["amount_received"] == 0
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["paid"], charge["captured"]) == (True, False)
    assert charge["balance_transaction"] is None
    due_s = charge["payment_method_details"]["card"]["capture_before"]
    assert due_s == charge["created"] + 7 * DAY_S

    intent = await shop.do(intent, "capture", metadata={"parcel": "sent"})
    assert (intent["status"], intent["amount_capturable"]) == ("succeeded", 0)
    assert (intent["amount_received"], intent["metadata"]) == (1000, {"parcel": "sent"})
    assert shop.told() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


async def test_a_part_can_be_captured_and_the_rest_is_released(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    intent = await shop.do(intent, "capture", amount_to_capture=400)
    assert (intent["amount"], intent["amount_received"]) == (1000, 400)
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["amount"], charge["amount_captured"]) == (1000, 400)
    booked = await shop.get(f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert booked["amount"] == 400
    refund = await shop.post("/v1/refunds", payment_intent=intent["id"])
    assert refund["amount"] == 400


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"amount_to_capture": 1001}, 400, "amount_to_capture"),
        ({"amount_to_capture": 0}, 400, "amount_to_capture"),
        ({"amount_to_capture": 500, "final_capture": False}, 501, "final_capture"),
        ({"application_fee_amount": 1001}, 400, "application_fee_amount"),
    ],
)
async def test_what_cannot_be_captured(
    shop: Shop, params: dict[str, object], status: int, param: str
) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    path = f"/v1/payment_intents/{intent['id']}/capture"
    assert (await shop.refused(status, path, **params))["param"] == param
    assert await shop.intent(intent) == intent


async def test_the_cards_own_option_goes_first(shop: Shop) -> None:
    options = {"card": {"capture_method": "manual"}}
    intent = await shop.pay("pm_card_visa", payment_method_options=options)
    assert intent["status"] == "requires_capture"


async def test_after_seven_days_the_money_is_given_free(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    shop.rail.context.clock.advance(7 * DAY_S - 1)
    assert (await shop.intent(intent))["status"] == "requires_capture"
    shop.rail.context.clock.advance(1)
    intent = await shop.intent(intent)
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "automatic")
    assert intent["canceled_at"] == intent["created"] + 7 * DAY_S
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["refunded"], charge["captured"]) == (True, False)
    assert {"payment_intent.canceled", "charge.expired"} <= set(shop.told())


async def test_what_was_captured_does_not_expire(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    await shop.do(intent, "capture")
    shop.rail.context.clock.advance(8 * DAY_S)
    assert (await shop.intent(intent))["status"] == "succeeded"


async def test_a_held_payment_can_be_canceled_but_not_refunded(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    await shop.refused(400, "/v1/refunds", payment_intent=intent["id"])
    intent = await shop.do(intent, "cancel", cancellation_reason="requested_by_customer")
    assert (intent["status"], intent["amount_capturable"]) == ("canceled", 0)
    assert intent["cancellation_reason"] == "requested_by_customer"
    assert shop.told()[-1] == "payment_intent.canceled"


async def test_a_reason_is_one_of_four(shop: Shop) -> None:
    intent = await shop.post("/v1/payment_intents", amount=1000, currency="usd")
    path = f"/v1/payment_intents/{intent['id']}/cancel"
    assert (await shop.refused(400, path, cancellation_reason="bored"))["param"] == (
        "cancellation_reason"
    )
