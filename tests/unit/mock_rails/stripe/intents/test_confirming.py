"""Charging a PaymentIntent (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.intents.shop import NO_REDIRECTS

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

LISTED = """
    allowed_payment_method_types amount amount_capturable amount_details amount_received
    application application_fee_amount automatic_payment_methods canceled_at cancellation_reason
    capture_method client_secret confirmation_method created currency customer customer_account
    description excluded_payment_method_types id last_payment_error latest_charge livemode
    managed_payments metadata next_action object on_behalf_of payment_method
    payment_method_configuration_details payment_method_options payment_method_types processing
    receipt_email review setup_future_usage shipping source statement_descriptor
    statement_descriptor_suffix status transfer_data transfer_group
"""
FIELDS = set(LISTED.split())


async def test_a_card_is_charged_in_one_call(shop: Shop) -> None:
    intent = await shop.pay("pm_card_visa", description="a coffee", metadata={"table": "4"})
    assert set(intent) >= FIELDS
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1000)
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert intent["payment_method"].startswith("pm_")
    assert intent["payment_method"] != "pm_card_visa"
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["paid"], charge["captured"], charge["amount_captured"]) == (True, True, 1000)
    assert (charge["payment_intent"], charge["metadata"]) == (intent["id"], {"table": "4"})
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    assert charge["outcome"]["type"] == "authorized"
    assert "refunds" not in charge
    booked = await shop.get(f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert (booked["amount"], booked["fee"], booked["source"]) == (1000, 59, charge["id"])


async def test_it_can_be_made_first_and_charged_later(shop: Shop) -> None:
    params = shop.charge(confirm=None)
    intent = await shop.post("/v1/payment_intents", **params)
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    error = await shop.refused(400, f"/v1/payment_intents/{intent['id']}/confirm")
    assert error["code"] == "payment_intent_unexpected_state"
    assert "missing a payment method" in error["message"]
    intent = await shop.post(f"/v1/payment_intents/{intent['id']}", payment_method="pm_card_visa")
    assert intent["status"] == "requires_confirmation"
    intent = await shop.do(intent, "confirm", amount_to_confirm=1000)
    assert intent["status"] == "succeeded"


async def test_a_method_can_be_given_at_confirmation(shop: Shop) -> None:
    intent = await shop.post("/v1/payment_intents", **shop.charge(confirm=None))
    intent = await shop.do(intent, "confirm", payment_method="pm_card_mastercard")
    assert intent["status"] == "succeeded"


async def test_a_card_can_be_described_in_the_call(shop: Shop) -> None:
    card = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    data = {"type": "card", "card": card, "billing_details": {"name": "Ada"}}
    intent = await shop.pay(payment_method_data=data)
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["billing_details"]["name"] == "Ada"
    assert charge["payment_method_details"]["card"]["exp_year"] == 2030


async def test_link_is_charged_as_well(shop: Shop) -> None:
    intent = await shop.pay(payment_method_data={"type": "link"})
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    assert charge["id"].startswith("py_")
    assert charge["payment_method_details"] == {"type": "link", "link": {"country": "US"}}


@pytest.mark.parametrize(
    "way_back",
    [
        {"return_url": "https://shop.example/back"},
        {"off_session": True},
        {"automatic_payment_methods": NO_REDIRECTS},
        {"payment_method_types": ["card"]},
        {"allowed_payment_method_types": ["card", "link"]},
    ],
)
async def test_the_buyer_must_be_able_to_come_back(shop: Shop, way_back: dict[str, Any]) -> None:
    """The confirm guard (facts: stripe 1.5)."""
    params = shop.charge("pm_card_visa", automatic_payment_methods=None)
    error = await shop.refused(400, "/v1/payment_intents", **params)
    assert error["param"] == "return_url"
    intent = await shop.post("/v1/payment_intents", **{**params, **way_back})
    assert intent["status"] == "succeeded"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"amount": 49}, "amount", "amount_too_small"),
        ({"amount": 100_000_000}, "amount", "amount_too_large"),
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": None}, "amount", "parameter_missing"),
        ({"currency": "xyz"}, "currency", None),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"payment_method": "pm_nothing"}, "payment_method", "resource_missing"),
        ({"payment_method": "pm_card_gold"}, "payment_method", "resource_missing"),
        ({"mandate": "mandate_1"}, "mandate", "resource_missing"),
        ({"application_fee_amount": 1001}, "application_fee_amount", None),
        ({"capture_method": "later"}, "capture_method", None),
        ({"shoe_size": 46}, "shoe_size", "parameter_unknown"),
        ({"receipt_email": "x" * 5001}, "receipt_email", "parameter_invalid_string_too_long"),
        ({"payment_method_data": {"type": "link"}}, "payment_method", "parameters_exclusive"),
        ({"transfer_data": {"destination": "acct_1"}}, "transfer_data", "sandbox_not_emulated"),
        ({"confirmation_token": "ctoken_1"}, "confirmation_token", "sandbox_not_emulated"),
    ],
)
async def test_wrong_parameters_are_blamed_by_name_and_nothing_remains(
    shop: Shop, changes: dict[str, Any], param: str, code: str | None
) -> None:
    params = shop.charge("pm_card_visa", **changes)
    status, body = await shop.call("POST", "/v1/payment_intents", **params)
    assert status in (400, 404, 501)
    assert (body["error"]["param"], body["error"].get("code")) == (param, code)
    assert shop.told() == []
    assert shop.rail.state.all("payment_intents") == []
    assert shop.rail.state.all("payment_methods") == []


async def test_a_method_of_another_type_does_not_fit(shop: Shop) -> None:
    params = shop.charge(
        automatic_payment_methods=None,
        payment_method_types=["card"],
        payment_method_data={"type": "link"},
    )
    error = await shop.refused(400, "/v1/payment_intents", **params)
    assert error["code"] == "payment_intent_incompatible_payment_method"
    assert error["param"] == "payment_method"


async def test_a_customers_method_needs_its_customer(shop: Shop) -> None:
    ada, bob = await shop.customer(payment_method="pm_card_visa"), await shop.customer()
    saved = await shop.get("/v1/payment_methods", customer=ada["id"])
    method = saved["data"][0]["id"]
    for stranger in (None, bob["id"]):
        params = shop.charge(method, customer=stranger)
        error = await shop.refused(400, "/v1/payment_intents", **params)
        assert error["param"] == "payment_method"
    for _ in range(2):
        intent = await shop.pay(method, customer=ada["id"])
        assert (intent["payment_method"], intent["customer"]) == (method, ada["id"])


async def test_a_method_that_is_nobodys_can_be_charged_once(shop: Shop) -> None:
    method = (await shop.post("/v1/payment_methods", type="card", card={"token": "tok_visa"}))["id"]
    await shop.pay(method)
    error = await shop.refused(400, "/v1/payment_intents", **shop.charge(method))
    assert error["param"] == "payment_method"
    assert "previously used" in error["message"]


async def test_a_method_is_kept_for_later_if_the_customer_agreed(shop: Shop) -> None:
    ada = await shop.customer()
    intent = await shop.pay("pm_card_visa", customer=ada["id"], setup_future_usage="off_session")
    saved = await shop.get(f"/v1/customers/{ada['id']}/payment_methods")
    assert [one["id"] for one in saved["data"]] == [intent["payment_method"]]
    again = await shop.pay(intent["payment_method"], customer=ada["id"], off_session=True)
    assert again["status"] == "succeeded"


async def test_the_amount_to_confirm_must_be_the_amount(shop: Shop) -> None:
    intent = await shop.post("/v1/payment_intents", **shop.charge("pm_card_visa", confirm=None))
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    error = await shop.refused(400, path, amount_to_confirm=999)
    assert error["param"] == "amount_to_confirm"
    assert (await shop.intent(intent))["status"] == "requires_confirmation"


@pytest.mark.parametrize(
    ("name", "value"),
    [("return_url", "https://a.example"), ("off_session", True), ("mandate", "mandate_1")],
)
async def test_what_concerns_confirming_needs_it(shop: Shop, name: str, value: Any) -> None:
    params = shop.charge("pm_card_visa", confirm=None, **{name: value})
    assert (await shop.refused(400, "/v1/payment_intents", **params))["param"] == name


async def test_versions_before_the_async_capture_book_at_once(shop: Shop) -> None:
    """`automatic_async` is the default since 2024-04-10."""
    shop.headers["stripe-version"] = "2023-10-16"
    intent = await shop.pay("pm_card_visa")
    assert intent["capture_method"] == "automatic"
    assert shop.told() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    charged = shop.rail.state.all("events")[1]["data"]["object"]
    assert charged["balance_transaction"] is not None


async def test_the_oldest_versions_show_charges_inside(shop: Shop) -> None:
    shop.headers["stripe-version"] = "2022-08-01"
    intent = await shop.pay("pm_card_visa", automatic_payment_methods=None)
    assert intent["payment_method_types"] == ["card"]
    assert [one["id"] for one in intent["charges"]["data"]] == [intent["latest_charge"]]
    assert intent["charges"]["data"][0]["refunds"]["data"] == []


async def test_lists_can_be_filtered(shop: Shop) -> None:
    ada = await shop.customer()
    first = await shop.pay("pm_card_visa", customer=ada["id"])
    second = await shop.pay("pm_card_visa")
    found = await shop.get("/v1/payment_intents")
    assert [one["id"] for one in found["data"]] == [second["id"], first["id"]]
    found = await shop.get("/v1/payment_intents", customer=ada["id"])
    assert [one["id"] for one in found["data"]] == [first["id"]]
    found = await shop.get("/v1/payment_intents", created={"gt": first["created"]})
    assert found["data"] == []
