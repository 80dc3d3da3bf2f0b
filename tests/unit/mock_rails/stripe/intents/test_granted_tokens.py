"""Paying with Shared Payment Tokens (facts: stripe 1.4, 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

SPELLINGS = [
    ("shared_payment_granted_token", lambda token: {"shared_payment_granted_token": token}),
    ("shared_payment_token", lambda token: {"shared_payment_token": token}),
    (
        "payment_method_data[shared_payment_granted_token]",
        lambda token: {"payment_method_data": {"shared_payment_granted_token": token}},
    ),
]


async def _granted(shop: Shop, token: str) -> dict[str, Any]:
    return await shop.get(f"/v1/shared_payment/granted_tokens/{token}")


@pytest.mark.parametrize(("param", "spelled"), SPELLINGS)
async def test_a_token_pays_once_in_every_spelling(shop: Shop, param: str, spelled: Any) -> None:
    token = await shop.token()
    intent = await shop.pay(**spelled(token), amount=400)
    assert intent["status"] == "succeeded"
    method = await shop.get(f"/v1/payment_methods/{intent['payment_method']}")
    assert method["shared_payment_granted_token"] == token
    charge = await shop.get(f"/v1/charges/{intent['latest_charge']}")
    details = charge["payment_method_details"]
    assert (details["shared_payment_granted_token"], details["card"]["last4"]) == (token, "4242")
    granted = await _granted(shop, token)
    assert granted["deactivated_reason"] == "consumed"
    assert granted["usage_details"]["amount_captured"] == {"currency": "usd", "value": 400}
    assert shop.told() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "shared_payment.granted_token.used",
        "shared_payment.granted_token.deactivated",
    ]
    error = await shop.refused(400, "/v1/payment_intents", **shop.charge(**spelled(token)))
    assert (error["param"], "code" in error) == (param, False)
    assert "deactivated state" in error["message"]
    assert len(shop.rail.state.all("payment_intents")) == 1


async def test_the_body_that_each_released_sdk_sends(shop: Shop) -> None:
    """pympp names types, mppx switches redirects off (facts: stripe 1.5)."""
    shop.headers["stripe-version"] = "2026-07-29.preview"
    metadata = {"machine_payment": True, "mpp_challenge_id": "c1"}
    for choice in (
        {"automatic_payment_methods": None, "payment_method_types": ["card", "link"]},
        {},
    ):
        token = await shop.token()
        intent = await shop.pay(shared_payment_granted_token=token, metadata=metadata, **choice)
        assert intent["status"] == "succeeded"
        assert intent["metadata"]["mpp_challenge_id"] == "c1"


async def test_a_token_is_no_payment_method(shop: Shop) -> None:
    token = await shop.token()
    error = await shop.refused(404, "/v1/payment_intents", **shop.charge(token))
    assert (error["code"], error["param"]) == ("resource_missing", "payment_method")


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"amount": 1001}, 400, "amount"),
        ({"currency": "eur"}, 400, "currency"),
        ({"setup_future_usage": "off_session"}, 400, "setup_future_usage"),
        ({"shared_payment_granted_token": "spt_none"}, 404, "shared_payment_granted_token"),
        ({"shared_payment_token": "spt_none"}, 400, "shared_payment_granted_token"),
        ({"payment_method": "pm_card_visa"}, 400, "payment_method"),
    ],
)
async def test_what_a_token_does_not_pay(
    shop: Shop, changes: dict[str, Any], status: int, param: str
) -> None:
    token = await shop.token()
    params = shop.charge(**{"shared_payment_granted_token": token, **changes})
    error = await shop.refused(status, "/v1/payment_intents", **params)
    assert error["param"] == param
    assert (await _granted(shop, token))["deactivated_at"] is None
    assert (await shop.pay(shared_payment_granted_token=token))["status"] == "succeeded"


async def _token_of(shop: Shop, card: str) -> str:
    token = await shop.post(
        "/v1/test_helpers/shared_payment/granted_tokens",
        payment_method=card,
        usage_limits={"currency": "usd", "max_amount": 1000},
    )
    token_id: str = token["id"]
    return token_id


async def test_a_decline_does_not_consume_it(shop: Shop) -> None:
    token = await _token_of(shop, "pm_card_chargeCustomerFail")
    for _ in range(2):
        error = await shop.declined(shared_payment_granted_token=token)
        assert error["decline_code"] == "generic_decline"
        path = f"/v1/payment_intents/{error['payment_intent']['id']}/confirm"
        assert "missing a payment method" in (await shop.refused(400, path))["message"]
    assert (await _granted(shop, token))["deactivated_at"] is None


async def test_an_intent_that_waits_for_the_buyer_keeps_its_token(shop: Shop) -> None:
    token = await _token_of(shop, "pm_card_authenticationRequired")
    intent = await shop.pay(shared_payment_granted_token=token)
    assert intent["status"] == "requires_action"
    params = shop.charge(shared_payment_granted_token=token)
    await shop.refused(400, "/v1/payment_intents", **params)
    intent = await shop.meet_bank(intent, "succeed")
    assert intent["status"] == "succeeded"
    assert (await _granted(shop, token))["deactivated_reason"] == "consumed"


async def test_a_token_that_is_revoked_meanwhile_does_not_pay(shop: Shop) -> None:
    token = await _token_of(shop, "pm_card_authenticationRequired")
    intent = await shop.pay(shared_payment_granted_token=token)
    await shop.post(f"/v1/test_helpers/shared_payment/granted_tokens/{token}/revoke")
    intent = await shop.meet_bank(intent, "succeed")
    assert (intent["status"], intent["latest_charge"]) == ("requires_payment_method", None)
    assert "revoked" in intent["last_payment_error"]["message"]


@pytest.mark.parametrize(
    "manual",
    [
        {"capture_method": "manual"},
        {"payment_method_options": {"card": {"capture_method": "manual"}}},
    ],
)
async def test_it_is_used_up_when_authorised_and_filled_in_when_captured(
    shop: Shop, manual: dict[str, Any]
) -> None:
    token = await shop.token()
    intent = await shop.pay(shared_payment_granted_token=token, **manual)
    granted = await _granted(shop, token)
    assert granted["deactivated_reason"] == "consumed"
    assert granted["usage_details"]["amount_captured"]["value"] == 0
    await shop.do(intent, "capture", amount_to_capture=300)
    granted = await _granted(shop, token)
    assert granted["usage_details"]["amount_captured"]["value"] == 300


async def test_an_unconfirmed_intent_redeems_at_confirmation(shop: Shop) -> None:
    token = await shop.token()
    intent = await shop.post(
        "/v1/payment_intents", **shop.charge(confirm=None, shared_payment_granted_token=token)
    )
    assert (intent["status"], intent["payment_method"]) == ("requires_confirmation", None)
    intent = await shop.do(intent, "confirm")
    assert intent["status"] == "succeeded"


@pytest.mark.parametrize("card", ["pm_card_authenticationRequired", "pm_card_chargeCustomerFail"])
async def test_what_a_token_brought_is_not_charged_without_it(shop: Shop, card: str) -> None:
    """The clone is on the PaymentIntent, or in its error; the token's limits hold all the same."""
    token = await _token_of(shop, card)
    params = shop.charge(shared_payment_granted_token=token)
    status, body = await shop.call("POST", "/v1/payment_intents", **params)
    method = body["payment_method"] if status == 200 else body["error"]["payment_method"]["id"]
    error = await shop.refused(400, "/v1/payment_intents", **shop.charge(method))
    assert error["param"] == "payment_method"
    ada = await shop.customer()
    await shop.refused(400, f"/v1/payment_methods/{method}/attach", customer=ada["id"])
    await shop.refused(400, "/v1/setup_intents", payment_method=method)
