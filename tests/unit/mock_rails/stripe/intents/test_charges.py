"""Charges: reading them, and the older way of making one (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

LISTED = """
    amount amount_captured amount_refunded application application_fee application_fee_amount
    balance_transaction billing_details calculated_statement_descriptor captured created currency
    customer description disputed failure_balance_transaction failure_code failure_message
    fraud_details id livemode metadata on_behalf_of outcome paid payment_intent payment_method
    payment_method_details receipt_email receipt_number receipt_url refunded review shipping source
    source_transfer statement_descriptor statement_descriptor_suffix status transfer_data
    transfer_group
"""


async def test_a_token_is_charged_in_one_call(shop: Shop) -> None:
    charge = await shop.post(
        "/v1/charges", amount=500, currency="usd", source="tok_visa", metadata={"a": "b"}
    )
    assert set(LISTED.split()) <= set(charge)
    assert (charge["status"], charge["captured"]) == ("succeeded", True)
    assert (charge["payment_intent"], charge["metadata"]) == (None, {"a": "b"})
    assert charge["balance_transaction"].startswith("txn_")
    assert shop.told() == ["charge.succeeded", "charge.updated"]


async def test_a_declined_token_is_an_error_with_a_charge(shop: Shop) -> None:
    error = await shop.refused(
        402, "/v1/charges", amount=500, currency="usd", source="tok_chargeDeclinedLostCard"
    )
    assert error["decline_code"] == "lost_card"
    charge = await shop.get(f"/v1/charges/{error['charge']}")
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")


async def test_nobody_can_be_asked_to_prove_themselves(shop: Shop) -> None:
    error = await shop.refused(
        402, "/v1/charges", amount=500, currency="usd", source="tok_authenticationRequired"
    )
    assert error["code"] == "authentication_required"


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"source": "tok_gold"}, 404, "source"),
        ({"source": None}, 400, "source"),
        ({"amount": 10}, 400, "amount"),
        ({"currency": "xyz"}, 400, "currency"),
        ({"customer": "cus_1"}, 404, "customer"),
        ({"application_fee_amount": 501}, 400, "application_fee_amount"),
        ({"destination": "acct_1"}, 501, "destination"),
    ],
)
async def test_wrong_parameters(
    shop: Shop, changes: dict[str, Any], status: int, param: str
) -> None:
    params = {"amount": 500, "currency": "usd", "source": "tok_visa", **changes}
    given = {name: value for name, value in params.items() if value is not None}
    assert (await shop.refused(status, "/v1/charges", **given))["param"] == param


async def test_a_customers_default_card_is_charged(shop: Shop) -> None:
    ada = await shop.customer(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    charge = await shop.post("/v1/charges", amount=500, currency="usd", customer=ada["id"])
    assert charge["customer"] == ada["id"]
    assert charge["payment_method"] == ada["invoice_settings"]["default_payment_method"]


async def test_held_first_then_captured(shop: Shop) -> None:
    charge = await shop.post(
        "/v1/charges", amount=500, currency="usd", source="tok_visa", capture=False
    )
    assert (charge["captured"], charge["balance_transaction"]) == (False, None)
    path = f"/v1/charges/{charge['id']}/capture"
    assert (await shop.refused(400, path, amount=501))["param"] == "amount"
    charge = await shop.post(path, amount=200)
    assert (charge["captured"], charge["amount_captured"]) == (True, 200)
    assert (await shop.refused(400, path))["code"] == "charge_already_captured"


async def test_held_too_long(shop: Shop) -> None:
    charge = await shop.post(
        "/v1/charges", amount=500, currency="usd", source="tok_visa", capture=False
    )
    shop.rail.context.clock.advance(7 * 86_400)
    error = await shop.refused(400, f"/v1/charges/{charge['id']}/capture")
    assert error["code"] == "charge_expired_for_capture"
    assert shop.told()[-1] == "charge.expired"


async def test_capturing_the_charge_of_an_intent_captures_the_intent(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", capture_method="manual")
    await shop.post(f"/v1/charges/{intent['latest_charge']}/capture", amount=700)
    intent = await shop.intent(intent)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 700)


async def test_words_and_a_report_of_fraud_can_be_added(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa")
    path = f"/v1/charges/{intent['latest_charge']}"
    charge = await shop.post(
        path,
        description="a coffee",
        metadata={"table": "4"},
        fraud_details={"user_report": "fraudulent"},
    )
    assert charge["fraud_details"] == {"user_report": "fraudulent"}
    event = shop.rail.state.all("events")[-1]
    assert event["type"] == "charge.updated"
    assert event["data"]["previous_attributes"] == {
        "description": None,
        "metadata": {},
        "fraud_details": {},
    }
    assert (await shop.get(path))["description"] == "a coffee"


async def test_refunds_are_shown_when_they_are_asked_for(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa")
    refund = await shop.post("/v1/refunds", payment_intent=intent["id"], amount=100)
    path = f"/v1/charges/{intent['latest_charge']}"
    assert "refunds" not in await shop.get(path)
    charge = await shop.get(path, expand=["refunds"])
    assert [one["id"] for one in charge["refunds"]["data"]] == [refund["id"]]
    assert charge["amount_refunded"] == 100


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("createDispute", "charge.dispute.created"),
        ("createMultipleDisputes", "charge.dispute.created"),
        ("createDisputeInquiry", "charge.dispute.created"),
        ("createIssuerFraudRecord", "radar.early_fraud_warning.created"),
    ],
)
async def test_some_cards_bring_trouble_afterwards(shop: Shop, card: str, told: str) -> None:
    """What follows a charge of these cards (facts: stripe 2.3)."""
    intent = await shop.pay(f"pm_card_{card}")
    assert intent["status"] == "succeeded"
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    times = 2 if card == "createMultipleDisputes" else 1
    assert shop.told().count(told) == times
    assert charge["disputed"] == ("Dispute" in card)


async def test_funds_of_one_card_are_available_at_once(shop: Shop) -> None:
    await shop.pay("pm_card_visa")
    await shop.pay("pm_card_bypassPending")
    balance = await shop.get("/v1/balance")
    assert balance["available"][0]["amount"] == 941
    assert balance["pending"][0]["amount"] == 941


async def test_the_address_of_a_charges_refunds_is_a_list(shop: Shop) -> None:
    charge = await shop.post("/v1/charges", amount=500, currency="usd", source="tok_visa")
    other = await shop.post("/v1/charges", amount=500, currency="usd", source="tok_visa")
    made = [await shop.post("/v1/refunds", charge=charge["id"], amount=10) for _ in range(3)]
    await shop.post("/v1/refunds", charge=other["id"], amount=10)
    shown = await shop.get(f"/v1/charges/{charge['id']}", expand=["refunds"])
    listed = await shop.get(shown["refunds"]["url"], limit=2)
    assert [one["id"] for one in listed["data"]] == [made[2]["id"], made[1]["id"]]
    assert listed["has_more"]
