"""PaymentIntents and what belongs to them, through stripe-python as released (facts: stripe 1.5,
1.6, 2.1-2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_REDIRECTS: Any = {"enabled": True, "allow_redirects": "never"}
PAY: Any = {
    "amount": 1000,
    "currency": "usd",
    "confirm": True,
    "automatic_payment_methods": NO_REDIRECTS,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as served:
        yield served


@pytest.fixture
def v1(served: Served) -> Iterator[Any]:
    """The SDK's services. Afterwards the books must balance."""
    yield served.client().v1
    served.do(lambda rail: rail.check_conservation())


def meet_bank(served: Served, intent: Any, result: str) -> None:
    """Pass or fail 3D Secure."""
    path = f"{served.url}/_sandbox/{intent.object}s/{intent.id}/authenticate"
    assert httpx.post(path, json={"result": result}).status_code == 200


def test_a_card_is_charged(v1: Any) -> None:
    intent = v1.payment_intents.create({**PAY, "payment_method": "pm_card_visa"})
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    found = v1.payment_intents.retrieve(
        intent.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    assert found.latest_charge.payment_method_details.card.last4 == "4242"
    assert found.latest_charge.balance_transaction.fee == 59
    assert found.payment_method.card.brand == "visa"


def test_step_by_step(v1: Any) -> None:
    intent = v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
    )
    assert intent.status == "requires_payment_method"
    intent = v1.payment_intents.update(intent.id, {"amount": 700, "metadata": {"order": "7"}})
    intent = v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert (intent.status, intent.amount_received) == ("succeeded", 700)
    assert v1.payment_intents.list({"limit": 1}).data[0].id == intent.id


def test_held_captured_and_canceled(v1: Any) -> None:
    held = {**PAY, "payment_method": "pm_card_visa", "capture_method": "manual"}
    intent = v1.payment_intents.create(held)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)
    intent = v1.payment_intents.capture(intent.id, {"amount_to_capture": 250})
    assert (intent.status, intent.amount_received) == ("succeeded", 250)
    intent = v1.payment_intents.create(held)
    intent = v1.payment_intents.cancel(intent.id, {"cancellation_reason": "duplicate"})
    assert (intent.status, intent.cancellation_reason) == ("canceled", "duplicate")


def test_a_decline_is_a_card_error_with_everything_in_it(v1: Any) -> None:
    card = "pm_card_visa_chargeDeclinedInsufficientFunds"
    with pytest.raises(stripe.CardError) as caught:
        v1.payment_intents.create({**PAY, "payment_method": card})
    error = caught.value
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.user_message == "Your card has insufficient funds."
    assert error.error is not None
    assert error.error.decline_code == "insufficient_funds"
    nested: Any = error.error.payment_intent
    assert nested.status == "requires_payment_method"
    charge = v1.charges.retrieve(error.error.charge)
    assert (charge.status, charge.payment_intent) == ("failed", nested.id)
    again = v1.payment_intents.confirm(nested.id, {"payment_method": "pm_card_visa"})
    assert again.status == "succeeded"


def test_what_a_state_forbids_holds_the_intent(v1: Any) -> None:
    intent = v1.payment_intents.create({**PAY, "payment_method": "pm_card_visa"})
    for deed in (v1.payment_intents.confirm, v1.payment_intents.capture, v1.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            deed(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert caught.value.error is not None
        nested: Any = caught.value.error.payment_intent
        assert nested.id == intent.id


@pytest.mark.parametrize("result", ["succeed", "fail"])
def test_the_buyer_meets_their_bank(served: Served, v1: Any, result: str) -> None:
    card = "pm_card_authenticationRequired"
    intent = v1.payment_intents.create({**PAY, "payment_method": card})
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    meet_bank(served, intent, result)
    intent = v1.payment_intents.retrieve(intent.id)
    if result == "succeed":
        assert intent.status == "succeeded"
    else:
        assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    with pytest.raises(stripe.CardError) as caught:
        v1.payment_intents.create({**PAY, "payment_method": card, "off_session": True})
    assert caught.value.code == "authentication_required"


def test_a_shared_payment_token_pays_through_a_released_sdk(served: Served) -> None:
    """The SDK has no types for tokens; it passes them through (facts: stripe 0, 1.5)."""
    client = served.client(stripe_version="2026-07-29.preview")
    limits = {"currency": "usd", "max_amount": 1000}
    answer = client.raw_request(
        "post",
        "/v1/test_helpers/shared_payment/granted_tokens",
        payment_method="pm_card_visa",
        usage_limits=limits,
    )
    token = client.deserialize(answer, api_mode="V1").id  # type: ignore[attr-defined]
    params: Any = {
        "amount": 1000,
        "currency": "usd",
        "confirm": True,
        "payment_method_types": ["card", "link"],
        "shared_payment_granted_token": token,
    }
    intent = client.v1.payment_intents.create(params)
    assert intent.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.create(params)
    assert caught.value.param == "shared_payment_granted_token"


def test_the_sdks_own_version_refuses_payment_method_types(v1: Any) -> None:
    """The version gate (facts: stripe 0.1)."""
    params = {"amount": 1000, "currency": "usd"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.payment_intents.create({**params, "payment_method_types": ["card"]})
    assert caught.value.code == "payment_method_types_no_longer_supported"
    intent = v1.payment_intents.create({**params, "allowed_payment_method_types": ["card"]})
    assert intent.payment_method_types == ["card"]


def test_charges_as_before(v1: Any) -> None:
    charge = v1.charges.create({"amount": 500, "currency": "usd", "source": "tok_visa"})
    assert (charge.status, charge.outcome.type) == ("succeeded", "authorized")
    charge = v1.charges.update(charge.id, {"description": "a coffee"})
    assert v1.charges.retrieve(charge.id).description == "a coffee"
    held = v1.charges.create(
        {"amount": 500, "currency": "usd", "source": "tok_visa", "capture": False}
    )
    assert v1.charges.capture(held.id).captured is True
    assert [one.id for one in v1.charges.list({"limit": 2}).data] == [held.id, charge.id]
    with pytest.raises(stripe.CardError):
        v1.charges.create({"amount": 500, "currency": "usd", "source": "tok_chargeDeclined"})


def test_customers_and_their_methods(v1: Any) -> None:
    ada = v1.customers.create({"name": "Ada", "email": "ada@example.com"})
    method = v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "314"},
        }
    )
    method = v1.payment_methods.attach(method.id, {"customer": ada.id})
    method = v1.payment_methods.update(method.id, {"billing_details": {"name": "Ada"}})
    assert v1.payment_methods.retrieve(method.id).billing_details.name == "Ada"
    assert v1.payment_methods.list({"customer": ada.id, "type": "card"}).data[0].id == method.id
    assert v1.customers.payment_methods.list(ada.id).data[0].id == method.id
    assert v1.customers.payment_methods.retrieve(ada.id, method.id).id == method.id
    ada = v1.customers.update(
        ada.id, {"invoice_settings": {"default_payment_method": method.id}, "phone": "1"}
    )
    assert ada.invoice_settings.default_payment_method == method.id
    intent = v1.payment_intents.create(
        {**PAY, "customer": ada.id, "payment_method": method.id, "off_session": True}
    )
    assert v1.payment_intents.list({"customer": ada.id}).data[0].id == intent.id
    assert v1.payment_methods.detach(method.id).customer is None
    assert ada.id in [one.id for one in v1.customers.list({"email": "ada@example.com"}).data]
    assert v1.customers.delete(ada.id).deleted is True
    assert v1.customers.retrieve(ada.id).deleted is True


def test_a_card_is_set_up_for_later(served: Served, v1: Any) -> None:
    ada = v1.customers.create()
    setup = v1.setup_intents.create(
        {
            "customer": ada.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "automatic_payment_methods": NO_REDIRECTS,
        }
    )
    assert setup.status == "requires_action"
    meet_bank(served, setup, "succeed")
    setup = v1.setup_intents.retrieve(setup.id)
    assert setup.status == "succeeded"
    paid = v1.payment_intents.create(
        {
            **PAY,
            "customer": ada.id,
            "payment_method": setup.payment_method,
            "off_session": True,
        }
    )
    assert paid.status == "succeeded"
    setup = v1.setup_intents.create({"automatic_payment_methods": NO_REDIRECTS})
    setup = v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa"})
    assert v1.setup_intents.confirm(setup.id).status == "succeeded"
    setup = v1.setup_intents.create()
    assert v1.setup_intents.cancel(setup.id).status == "canceled"
    assert v1.setup_intents.list({"limit": 1}).data[0].id == setup.id
