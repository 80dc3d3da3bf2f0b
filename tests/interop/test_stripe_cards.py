"""Every test card, by id, by token and by number, through stripe-python as released (facts: stripe
2.1-2.3). What each is to do is in `stripe_cards.json`, which the test of stripe-node reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

CARDS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "stripe_cards.json").read_text(encoding="utf-8")
)
PAY: Any = {
    "amount": 5_000,
    "currency": "usd",
    "confirm": True,
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    "expand": ["latest_charge.balance_transaction"],
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as one:
        yield one
        one.do(lambda rail: rail.check_conservation())


def made(v1: Any, card: dict[str, Any]) -> Iterator[str]:
    """The card as a payment method: by its id, by its token, and by its number."""
    yield f"pm_card_{card['name']}"
    yield v1.payment_methods.create({"type": "card", "card": {"token": f"tok_{card['name']}"}}).id
    number = {"number": card["number"], "exp_month": 12, "exp_year": 2040}
    number["cvc"] = card.get("cvc", "123")
    yield v1.payment_methods.create({"type": "card", "card": number}).id


@pytest.mark.parametrize("card", CARDS, ids=lambda card: str(card["name"]))
def test_a_card(served: Served, card: dict[str, Any]) -> None:
    v1 = served.client().v1
    for method in made(v1, card):
        if "code" in card:
            with pytest.raises(stripe.CardError) as caught:
                v1.payment_intents.create({**PAY, "payment_method": method})
            _check_decline(card, caught.value)
        else:
            _check_payment(v1, card, v1.payment_intents.create({**PAY, "payment_method": method}))
    _check_attaching(v1, card)
    if "off_session" in card:
        with pytest.raises(stripe.CardError) as caught:
            v1.payment_intents.create(
                {**PAY, "payment_method": f"pm_card_{card['name']}", "off_session": True}
            )
        assert caught.value.code == card["off_session"]
        assert caught.value.error.decline_code == card["off_session"]


def _check_decline(card: dict[str, Any], raised: stripe.CardError) -> None:
    error = raised.error
    assert (raised.http_status, raised.code) == (402, card["code"])
    assert getattr(error, "decline_code", None) == card.get("decline_code")
    intent = error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == card["code"]
    charge = intent.latest_charge
    assert error.charge == (charge if isinstance(charge, str) else charge.id)


def _check_payment(v1: Any, card: dict[str, Any], intent: Any) -> None:
    if card.get("action"):
        assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
        return
    assert intent.status == "succeeded"
    charge = intent.latest_charge
    shown = charge.payment_method_details.card
    assert (shown.last4, shown.brand) == (card["number"][-4:], card.get("brand", "visa"))
    assert shown.funding == card.get("funding", "credit")
    assert charge.outcome.risk_level == card.get("risk", "normal")
    assert charge.balance_transaction.status == card.get("funds", "pending")
    for name, result in card.get("checks", {}).items():
        assert shown.checks[name] == result
    disputes = v1.disputes.list({"payment_intent": intent.id}).data
    assert [one.reason for one in disputes] == card.get("disputes", [])
    assert {one.status for one in disputes} <= {card.get("dispute_status", "needs_response")}
    warned = v1.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
    assert bool(warned) == card.get("fraud_warning", False)
    if "refund" in card:
        refund = v1.refunds.create({"payment_intent": intent.id})
        assert refund.status == card["refund"]


def _check_attaching(v1: Any, card: dict[str, Any]) -> None:
    customer = v1.customers.create({}).id
    name = f"pm_card_{card['name']}"
    if "code" in card and not card.get("attaches"):
        with pytest.raises(stripe.CardError) as caught:
            v1.payment_methods.attach(name, {"customer": customer})
        assert caught.value.code == card["code"]
    else:
        assert v1.payment_methods.attach(name, {"customer": customer}).customer == customer


def test_a_number_that_cannot_be_is_refused_when_it_is_written_down(served: Served) -> None:
    wrong: Any = {"number": "4242424242424241", "exp_month": 12, "exp_year": 2040}
    with pytest.raises(stripe.CardError) as caught:
        served.client().v1.payment_methods.create({"type": "card", "card": wrong})
    assert (caught.value.code, caught.value.param) == ("incorrect_number", "card[number]")
    with pytest.raises(stripe.CardError) as caught:
        served.client().v1.tokens.create({"card": wrong})
    assert caught.value.code == "incorrect_number"
