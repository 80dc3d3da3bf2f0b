"""Card tokens: a card that a browser handed in, to be used once (facts: stripe 1.1, 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

CARD = {
    "number": "5555555555554444",
    "exp_month": 7,
    "exp_year": 31,
    "cvc": "123",
    "name": "Ada Lovelace",
    "address_zip": "1010",
}
PUBLISHABLE = {"authorization": "Bearer pk_test_x"}


async def test_a_browser_makes_a_token_and_the_shop_charges_it_once(shop: Shop) -> None:
    shop.headers = PUBLISHABLE
    token = await shop.post("/v1/tokens", card=CARD)
    assert (token["type"], token["used"]) == ("card", False)
    card = token["card"]
    assert (card["brand"], card["last4"], card["exp_year"]) == ("MasterCard", "4444", 2031)
    assert "5555555555554444" not in str(token)
    shop.headers = {}
    charge = await shop.post("/v1/charges", amount=500, currency="usd", source=token["id"])
    assert charge["payment_method_details"]["card"]["last4"] == "4444"
    assert charge["billing_details"]["name"] == "Ada Lovelace"
    assert (await shop.get(f"/v1/tokens/{token['id']}"))["used"] is True
    again = await shop.refused(400, "/v1/charges", amount=500, currency="usd", source=token["id"])
    assert (again["code"], again["param"]) == ("token_already_used", "source")


async def test_a_token_becomes_a_payment_method(shop: Shop) -> None:
    token = await shop.post("/v1/tokens", card=CARD)
    method = await shop.post(
        "/v1/payment_methods",
        type="card",
        card={"token": token["id"]},
        billing_details={"email": "ada@example.com"},
    )
    assert (method["card"]["exp_month"], method["card"]["exp_year"]) == (7, 2031)
    assert method["card"]["fingerprint"] == token["card"]["fingerprint"]
    told = method["billing_details"]
    assert (told["name"], told["email"]) == ("Ada Lovelace", "ada@example.com")
    assert told["address"]["postal_code"] == "1010"


async def test_a_refused_call_leaves_the_token_unused(shop: Shop) -> None:
    token = await shop.post("/v1/tokens", card=CARD)
    given: dict[str, Any] = {"amount": 1, "currency": "usd", "source": token["id"]}
    assert (await shop.refused(400, "/v1/charges", **given))["param"] == "amount"
    assert (await shop.get(f"/v1/tokens/{token['id']}"))["used"] is False


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({}, 400, "card"),
        ({"card": {"number": "4242424242424242"}}, 400, "card[exp_month]"),
        ({"card": {**CARD, "number": "4242424242424241"}}, 402, "card[number]"),
        ({"card": {**CARD, "token": "tok_visa"}}, 400, "card[token]"),
        ({"bank_account": {"country": "US"}}, 501, "bank_account"),
        ({"pii": {"id_number": "1"}}, 501, "pii"),
    ],
)
async def test_wrong_parameters(
    shop: Shop, params: dict[str, Any], status: int, param: str
) -> None:
    assert (await shop.refused(status, "/v1/tokens", **params))["param"] == param


async def test_test_methods_that_are_no_cards_are_refused_by_name(shop: Shop) -> None:
    error = await shop.refused(
        501, "/v1/payment_intents", **shop.charge("pm_usBankAccount_success")
    )
    assert error["param"] == "payment_method"
    assert "pm_usBankAccount_success" in error["message"]
    assert "doc_url" not in error
