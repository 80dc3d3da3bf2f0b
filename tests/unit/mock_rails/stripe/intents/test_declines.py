"""Cards that say no (facts: stripe 2.2, 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

TABLE = [
    ("visa_chargeDeclined", "card_declined", "generic_decline"),
    ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("chargeDeclinedExpiredCard", "expired_card", None),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("chargeDeclinedProcessingError", "processing_error", None),
    ("chargeCustomerFail", "card_declined", "generic_decline"),
    ("radarBlock", "card_declined", "fraudulent"),
    ("riskLevelHighest", "card_declined", "fraudulent"),
]


@pytest.mark.parametrize(("card", "code", "decline_code"), TABLE)
async def test_a_declined_attempt_is_an_error_and_stays_on_record(
    shop: Shop, card: str, code: str, decline_code: str | None
) -> None:
    error = await shop.declined(f"pm_card_{card}")
    assert (error["type"], error["code"]) == ("card_error", code)
    assert error.get("decline_code") == decline_code

    nested = error["payment_intent"]
    assert nested["status"] == "requires_payment_method"
    assert nested["payment_method"] is None
    assert nested["latest_charge"] == error["charge"]
    assert nested["last_payment_error"]["code"] == code
    assert nested["last_payment_error"]["message"] == error["message"]
    assert nested["last_payment_error"]["charge"] == error["charge"]
    assert nested["last_payment_error"]["payment_method"] == error["payment_method"]
    assert await shop.intent(nested) == nested

    charge = await shop.get(f"/v1/charges/{error['charge']}")
    assert (charge["status"], charge["paid"]) == ("failed", False)
    assert (charge["amount_captured"], charge["balance_transaction"]) == (0, None)
    assert (charge["failure_code"], charge["failure_message"]) == (code, error["message"])
    assert shop.told() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


@pytest.mark.parametrize(
    ("card", "param"), [("chargeDeclinedExpiredCard", "exp_month"), ("incorrectCvc", "cvc")]
)
async def test_the_error_says_which_detail_is_wrong(shop: Shop, card: str, param: str) -> None:
    card = card.replace("incorrect", "chargeDeclinedIncorrect")
    assert (await shop.declined(f"pm_card_{card}"))["param"] == param


async def test_what_stripe_blocks_no_bank_has_seen(shop: Shop) -> None:
    error = await shop.declined("pm_card_radarBlock")
    charge = await shop.get(f"/v1/charges/{error['charge']}")
    assert charge["outcome"]["type"] == "blocked"
    assert charge["outcome"]["network_status"] == "not_sent_to_network"
    assert charge["outcome"]["risk_level"] == "highest"
    assert charge["outcome"]["risk_score"] >= 75


async def test_elevated_risk_is_taken_and_shown(shop: Shop) -> None:
    intent = await shop.pay("pm_card_riskLevelElevated")
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["outcome"]["risk_level"] == "elevated"
    assert 65 <= charge["outcome"]["risk_score"] < 75


@pytest.mark.parametrize(
    ("card", "check", "result"),
    [
        ("cvcCheckFail", "cvc_check", "fail"),
        ("avsZipFail", "address_postal_code_check", "fail"),
        ("avsLine1Fail", "address_line1_check", "fail"),
        ("avsFail", "address_line1_check", "fail"),
        ("avsUnchecked", "address_postal_code_check", "unavailable"),
        ("visa", "cvc_check", "pass"),
    ],
)
async def test_checks_that_fail_do_not_stop_a_charge(
    shop: Shop, card: str, check: str, result: str
) -> None:
    intent = await shop.pay(f"pm_card_{card}")
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["payment_method_details"]["card"]["checks"][check] == result


async def test_another_card_can_be_tried(shop: Shop) -> None:
    error = await shop.declined("pm_card_chargeDeclined")
    intent = await shop.do(error["payment_intent"], "confirm", payment_method="pm_card_visa")
    assert (intent["status"], intent["last_payment_error"]) == ("succeeded", None)
    assert intent["latest_charge"] != error["charge"]
    found = await shop.get("/v1/charges", payment_intent=intent["id"])
    assert [one["status"] for one in found["data"]] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("card", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "42424242"}, "invalid_number", "number"),
        ({"number": "4111111111111111"}, "card_declined", None),
        ({"exp_month": "13"}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": "2025"}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
        ({"number": "378282246310005", "cvc": "123"}, "invalid_cvc", "cvc"),
    ],
)
async def test_a_card_that_cannot_be_is_no_payment_method(
    shop: Shop, card: dict[str, Any], code: str, param: str | None
) -> None:
    whole = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, **card}
    error = await shop.refused(402, "/v1/payment_methods", type="card", card=whole)
    assert (error["code"], error.get("param")) == (code, param and f"card[{param}]")
    data = {"type": "card", "card": whole}
    error = await shop.declined(payment_method_data=data)
    assert error.get("param") == (param and f"payment_method_data[card][{param}]")
    assert shop.rail.state.all("payment_intents") == []


async def test_a_fault_declines_any_card(shop: Shop) -> None:
    """The fault point stripe.card (facts: stripe 6, must 11)."""
    faults = shop.rail.context.faults
    faults.arm(
        {
            "at": "stripe.card",
            "do": "decline",
            "args": {"code": "card_declined", "decline_code": "insufficient_funds"},
            "when": {"nth": 2},
            "where": {"last4": "4242"},
        }
    )
    await shop.pay("pm_card_visa")
    await shop.pay("pm_card_mastercard")
    error = await shop.declined("pm_card_visa")
    assert error["decline_code"] == "insufficient_funds"
    assert error["message"] == "Your card has insufficient funds."
    await shop.pay("pm_card_visa")
