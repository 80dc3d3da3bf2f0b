"""PaymentMethods: made, saved to a customer, taken away (facts: stripe 1.6, 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}


async def test_a_card_by_number_and_by_token(shop: Shop) -> None:
    by_number = await shop.post(
        "/v1/payment_methods", type="card", card=CARD, billing_details={"email": "a@b.c"}
    )
    by_token = await shop.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    for method in (by_number, by_token):
        assert (method["type"], method["customer"]) == ("card", None)
        assert (method["card"]["brand"], method["card"]["last4"]) == ("visa", "4242")
        assert method["card"]["fingerprint"] == by_number["card"]["fingerprint"]
    assert by_number["billing_details"]["email"] == "a@b.c"
    assert "4242424242424242" not in str(by_number)
    assert await shop.get(f"/v1/payment_methods/{by_token['id']}") == by_token


async def test_two_digits_of_a_year_are_of_this_century(shop: Shop) -> None:
    method = await shop.post("/v1/payment_methods", type="card", card={**CARD, "exp_year": 30})
    assert method["card"]["exp_year"] == 2030


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({}, 400, "type"),
        ({"type": "gold"}, 400, "type"),
        ({"type": "klarna"}, 501, "type"),
        ({"type": "card"}, 400, "card"),
        ({"type": "card", "card": {"number": "4242424242424242"}}, 400, "card[exp_month]"),
        ({"type": "card", "card": {"token": "tok_gold"}}, 404, "card[token]"),
        ({"type": "card", "card": CARD, "customer": "cus_1"}, 501, "customer"),
    ],
)
async def test_wrong_parameters(
    shop: Shop, params: dict[str, Any], status: int, param: str
) -> None:
    assert (await shop.refused(status, "/v1/payment_methods", **params))["param"] == param


async def test_attached_and_detached_for_good(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    method = await shop.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    path = f"/v1/payment_methods/{method['id']}"
    saved = await shop.post(path + "/attach", customer=ada["id"])
    assert (saved["id"], saved["customer"]) == (method["id"], ada["id"])
    assert await shop.post(path + "/attach", customer=ada["id"]) == saved
    await shop.refused(400, path + "/attach", customer=bob["id"])
    one = await shop.get(f"/v1/customers/{ada['id']}/payment_methods/{method['id']}")
    assert one == saved
    status, _ = await shop.call("GET", f"/v1/customers/{bob['id']}/payment_methods/{method['id']}")
    assert status == 404

    gone = await shop.post(path + "/detach")
    assert gone["customer"] is None
    await shop.refused(400, path + "/detach")
    await shop.refused(400, path + "/attach", customer=ada["id"])
    await shop.refused(400, "/v1/payment_intents", **shop.charge(method["id"]))
    assert shop.told()[-2:] == ["payment_method.attached", "payment_method.detached"]


async def test_a_named_card_is_a_new_method_each_time(shop: Shop) -> None:
    ada = await shop.customer()
    path = "/v1/payment_methods/pm_card_visa/attach"
    first = await shop.post(path, customer=ada["id"])
    second = await shop.post(path, customer=ada["id"])
    assert first["id"] != second["id"]
    found = await shop.get("/v1/payment_methods", customer=ada["id"], type="card")
    assert [one["id"] for one in found["data"]] == [second["id"], first["id"]]
    found = await shop.get("/v1/payment_methods", customer=ada["id"], type="link")
    assert found["data"] == []


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
    ],
)
async def test_cards_that_decline_cannot_be_saved(shop: Shop, card: str, code: str) -> None:
    ada = await shop.customer()
    error = await shop.refused(402, f"/v1/payment_methods/{card}/attach", customer=ada["id"])
    assert error["code"] == code
    assert (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"] == []


async def test_one_card_can_be_saved_and_declines_later(shop: Shop) -> None:
    ada = await shop.customer(payment_method="pm_card_chargeCustomerFail")
    method = (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"][0]["id"]
    error = await shop.declined(method, customer=ada["id"], off_session=True)
    assert error["decline_code"] == "generic_decline"


async def test_a_saved_method_can_be_changed(shop: Shop) -> None:
    ada = await shop.customer(payment_method="pm_card_visa")
    method = (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"][0]
    path = f"/v1/payment_methods/{method['id']}"
    changed = await shop.post(
        path,
        card={"exp_year": 2040},
        billing_details={"name": "Ada", "address": {"city": "London"}},
        metadata={"main": "yes"},
    )
    assert (changed["card"]["exp_year"], changed["card"]["last4"]) == (2040, "4242")
    assert changed["billing_details"]["address"]["city"] == "London"
    event = shop.rail.state.all("events")[-1]
    assert event["type"] == "payment_method.updated"
    assert event["data"]["previous_attributes"]["metadata"] == {}
    loose = await shop.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    await shop.refused(400, f"/v1/payment_methods/{loose['id']}", metadata={"a": "b"})


async def test_no_answer_or_log_holds_a_card_number(shop: Shop) -> None:
    """Numbers are kept where nothing shows them."""
    await shop.pay(payment_method_data={"type": "card", "card": CARD})
    await shop.customer(payment_method="pm_card_visa")
    for table in ("payment_intents", "charges", "payment_methods", "events", "customers"):
        for record in shop.rail.state.all(table):
            assert "4242424242424242" not in str(record.fields)
