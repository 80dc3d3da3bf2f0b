"""3D Secure: the bank wants to see the buyer (facts: stripe 1.5, 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

ALWAYS = "pm_card_authenticationRequired"


@pytest.mark.parametrize(
    "card",
    [ALWAYS, "pm_card_authenticationRequiredOnSetup", "pm_card_threeDSecure2Required"],
)
async def test_the_buyer_passes(shop: Shop, card: str) -> None:
    intent = await shop.pay(card)
    assert (intent["status"], intent["latest_charge"]) == ("requires_action", None)
    assert intent["next_action"]["type"] == "use_stripe_sdk"
    intent = await shop.meet_bank(intent, "succeed")
    assert (intent["status"], intent["next_action"]) == ("succeeded", None)
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    secured = charge["payment_method_details"]["card"]["three_d_secure"]
    assert secured["result"] == "authenticated"
    assert shop.told() == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


async def test_the_buyer_fails_and_may_try_another_card(shop: Shop) -> None:
    intent = await shop.meet_bank(await shop.pay(ALWAYS), "fail")
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert shop.told()[-1] == "payment_intent.payment_failed"
    intent = await shop.do(intent, "confirm", payment_method="pm_card_visa")
    assert intent["status"] == "succeeded"


async def test_a_return_url_makes_it_a_redirect(shop: Shop) -> None:
    back = "https://shop.example/back"
    intent = await shop.pay(ALWAYS, automatic_payment_methods=None, return_url=back)
    assert intent["next_action"]["type"] == "redirect_to_url"
    assert intent["next_action"]["redirect_to_url"]["return_url"] == back
    intent = await shop.pay(ALWAYS, return_url=back, use_stripe_sdk=True)
    assert intent["next_action"]["type"] == "use_stripe_sdk"


async def test_off_session_there_is_nobody_to_ask(shop: Shop) -> None:
    error = await shop.declined(ALWAYS, off_session=True)
    assert error["code"] == "authentication_required"
    assert error["decline_code"] == "authentication_required"
    assert error["payment_intent"]["status"] == "requires_payment_method"


async def test_the_seller_can_ask_for_an_error_instead(shop: Shop) -> None:
    error = await shop.declined(ALWAYS, error_on_requires_action=True)
    assert error["code"] == "authentication_required"
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert (await shop.pay("pm_card_visa", error_on_requires_action=True))["status"] == "succeeded"


async def test_a_card_may_decline_after_the_buyer_has_passed(shop: Shop) -> None:
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = await shop.meet_bank(await shop.pay(card), "succeed")
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == "insufficient_funds"
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["status"] == "failed"


async def test_a_card_that_was_set_up_is_not_asked_again(shop: Shop) -> None:
    ada = await shop.customer()
    intent = await shop.pay(
        "pm_card_authenticationRequiredOnSetup",
        customer=ada["id"],
        setup_future_usage="off_session",
    )
    intent = await shop.meet_bank(intent, "succeed")
    again = await shop.pay(intent["payment_method"], customer=ada["id"], off_session=True)
    assert again["status"] == "succeeded"


async def test_some_cards_ask_only_where_the_buyer_is(shop: Shop) -> None:
    card = "pm_card_authenticationRequiredSetupForOffSession"
    assert (await shop.pay(card))["status"] == "requires_action"
    assert (await shop.pay(card, off_session=True))["status"] == "succeeded"


async def test_the_seller_can_ask_for_it(shop: Shop) -> None:
    card = "pm_card_threeDSecureOptional"
    assert (await shop.pay(card))["status"] == "succeeded"
    options = {"card": {"request_three_d_secure": "any"}}
    intent = await shop.pay(card, payment_method_options=options)
    assert intent["status"] == "requires_action"
    assert intent["payment_method_options"]["card"]["request_three_d_secure"] == "any"


async def test_with_manual_confirmation_the_server_has_the_last_word(shop: Shop) -> None:
    intent = await shop.pay(ALWAYS, confirmation_method="manual")
    intent = await shop.meet_bank(intent, "succeed")
    assert (intent["status"], intent["latest_charge"]) == ("requires_confirmation", None)
    intent = await shop.do(intent, "confirm")
    assert intent["status"] == "succeeded"


async def test_what_was_proven_for_one_amount_is_not_proven_for_another(shop: Shop) -> None:
    intent = await shop.pay(ALWAYS, confirmation_method="manual")
    intent = await shop.meet_bank(intent, "succeed")
    await shop.post(f"/v1/payment_intents/{intent['id']}", amount=2000)
    assert (await shop.do(intent, "confirm"))["status"] == "requires_action"


async def test_nobody_waits_for_the_buyer_of_a_paid_intent(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa")
    path = f"/_sandbox/payment_intents/{intent['id']}/authenticate"
    answer = await shop.http.post(path, json={"result": "succeed"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "payment_intent_unexpected_state"
    answer = await shop.http.post("/_sandbox/payment_intents/pi_1/authenticate", json={})
    assert answer.status_code == 400
    answer = await shop.http.post(
        "/_sandbox/payment_intents/pi_1/authenticate", json={"result": "fail"}
    )
    assert answer.status_code == 404


async def test_a_fault_sends_any_card_to_its_bank(shop: Shop) -> None:
    shop.rail.context.faults.arm(
        {"at": "stripe.card", "do": "requires_action", "when": {"times": 1}}
    )
    intent = await shop.pay("pm_card_visa")
    assert intent["status"] == "requires_action"
    assert (await shop.meet_bank(intent, "succeed"))["status"] == "succeeded"
