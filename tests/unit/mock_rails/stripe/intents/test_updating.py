"""What is said about a PaymentIntent before it is paid (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

PATH = "/v1/payment_intents"
SAID: dict[str, Any] = {
    "description": "a coffee",
    "receipt_email": "ada@example.com",
    "metadata": {"table": "4"},
    "statement_descriptor_suffix": "COFFEE",
    "transfer_group": "order 7",
    "shipping": {"name": "Ada", "address": {"city": "London"}},
    "amount_details": {"tax": {"total_tax_amount": 12}},
    "payment_details": {"order_reference": "7"},
    "hooks": {"inputs": {"tax": {"calculation": "taxcalc_1"}}},
    "setup_future_usage": "on_session",
    "capture_method": "manual",
}


def _check(intent: dict[str, Any]) -> None:
    assert intent["description"] == "a coffee"
    assert intent["receipt_email"] == "ada@example.com"
    assert intent["metadata"] == {"table": "4"}
    assert intent["shipping"]["address"]["city"] == "London"
    assert intent["shipping"]["address"]["line2"] is None
    assert intent["shipping"]["carrier"] is None
    assert intent["amount_details"] == {"tip": {}, "tax": {"total_tax_amount": 12}}
    assert intent["payment_details"] == {"order_reference": "7"}
    assert intent["hooks"] == {"inputs": {"tax": {"calculation": "taxcalc_1"}}}
    assert intent["setup_future_usage"] == "on_session"
    assert intent["capture_method"] == "manual"


async def test_all_of_it_can_be_said_at_creation(shop: Shop) -> None:
    intent = await shop.post(PATH, amount=1000, currency="usd", **SAID)
    _check(intent)
    assert await shop.intent(intent) == intent


async def test_or_later(shop: Shop) -> None:
    intent = await shop.post(PATH, amount=1000, currency="usd")
    changed = await shop.post(f"{PATH}/{intent['id']}", amount=2000, currency="eur", **SAID)
    _check(changed)
    assert (changed["amount"], changed["currency"]) == (2000, "eur")
    assert shop.told() == ["payment_intent.created"]


async def test_and_taken_back(shop: Shop) -> None:
    intent = await shop.post(PATH, amount=1000, currency="usd", **SAID)
    names = ("description", "receipt_email", "shipping", "setup_future_usage", "metadata")
    intent = await shop.post(f"{PATH}/{intent['id']}", **dict.fromkeys(names, ""))
    assert [intent[name] for name in names] == [None, None, None, None, {}]


async def test_a_charge_carries_it(shop: Shop) -> None:
    said = {name: SAID[name] for name in ("description", "receipt_email", "shipping", "metadata")}
    intent = await shop.pay("pm_card_visa", statement_descriptor_suffix="COFFEE", **said)
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    for name in said:
        assert charge[name] == intent[name]
    assert charge["calculated_statement_descriptor"].endswith("* COFFEE")


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"amount": 10}, 400, "amount"),
        ({"currency": "xyz"}, 400, "currency"),
        ({"receipt_email": "nobody"}, 400, "receipt_email"),
        ({"customer": "cus_1"}, 404, "customer"),
        ({"confirm": True}, 400, "confirm"),
        ({"shipping": {"name": "Ada"}}, 400, "shipping[address]"),
        ({"metadata": {"a[b": "c"}}, 400, None),
        ({"payment_method": "pm_1"}, 404, "payment_method"),
        ({"amount_details": {"tax": {"total_tax_amount": "x"}}}, 400, None),
        ({"payment_method_options": {"card": {"shoe": 1}}}, 400, None),
        ({"hooks": {"inputs": {"tax": "x"}}}, 400, "hooks[inputs][tax]"),
    ],
)
async def test_what_cannot_be_said(
    shop: Shop, params: dict[str, Any], status: int, param: str | None
) -> None:
    intent = await shop.post(PATH, amount=1000, currency="usd")
    error = await shop.refused(status, f"{PATH}/{intent['id']}", **params)
    assert param is None or error["param"] == param
    assert await shop.intent(intent) == intent
