"""SetupIntents: saving a card before anything is charged (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.stripe.intents.shop import NO_REDIRECTS

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

PATH = "/v1/setup_intents"


def _now(**changes: Any) -> dict[str, Any]:
    return {"confirm": True, "automatic_payment_methods": NO_REDIRECTS, **changes}


async def test_a_card_is_saved_in_one_call(shop: Shop) -> None:
    ada = await shop.customer()
    setup = await shop.post(PATH, **_now(customer=ada["id"], payment_method="pm_card_visa"))
    assert (setup["status"], setup["usage"]) == ("succeeded", "off_session")
    assert setup["client_secret"].startswith(f"{setup['id']}_secret_")
    saved = await shop.get("/v1/payment_methods", customer=ada["id"])
    assert [one["id"] for one in saved["data"]] == [setup["payment_method"]]
    assert shop.told()[-3:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]


async def test_or_step_by_step(shop: Shop) -> None:
    setup = await shop.post(PATH, automatic_payment_methods=NO_REDIRECTS)
    assert setup["status"] == "requires_payment_method"
    path = f"{PATH}/{setup['id']}"
    error = await shop.refused(400, path + "/confirm")
    assert (error["code"], error["setup_intent"]["id"]) == (
        "setup_intent_unexpected_state",
        setup["id"],
    )
    setup = await shop.post(path, payment_method="pm_card_visa", metadata={"a": "b"})
    assert (setup["status"], setup["metadata"]) == ("requires_confirmation", {"a": "b"})
    setup = await shop.post(path + "/confirm")
    assert setup["status"] == "succeeded"
    for deed in ("/confirm", "/cancel", ""):
        error = await shop.refused(400, path + deed)
        assert error["code"] == "setup_intent_unexpected_state"
    assert await shop.get(path) == setup


@pytest.mark.parametrize(
    ("result", "status"), [("succeed", "succeeded"), ("fail", "requires_payment_method")]
)
async def test_the_bank_may_want_to_see_the_buyer(shop: Shop, result: str, status: str) -> None:
    card = "pm_card_authenticationRequiredOnSetup"
    ada = await shop.customer()
    setup = await shop.post(PATH, **_now(customer=ada["id"], payment_method=card))
    assert setup["status"] == "requires_action"
    setup = await shop.meet_bank(setup, result)
    assert setup["status"] == status
    if result == "succeed":
        params = {"customer": ada["id"], "off_session": True}
        intent = await shop.pay(setup["payment_method"], **params)
        assert intent["status"] == "succeeded"
    else:
        code = setup["last_setup_error"]["code"]
        assert code == "setup_intent_authentication_failure"
        assert shop.told()[-1] == "setup_intent.setup_failed"


async def test_a_card_that_declines_is_not_saved(shop: Shop) -> None:
    ada = await shop.customer()
    params = _now(customer=ada["id"], payment_method="pm_card_chargeDeclined")
    error = await shop.refused(402, PATH, **params)
    assert error["decline_code"] == "generic_decline"
    assert error["setup_intent"]["status"] == "requires_payment_method"
    assert error["setup_intent"]["last_setup_error"]["code"] == "card_declined"
    assert (await shop.get("/v1/payment_methods", customer=ada["id"]))["data"] == []


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        ({"customer": "cus_1"}, 404, "customer"),
        ({"payment_method": "pm_1"}, 404, "payment_method"),
        ({"single_use": {"amount": 5}}, 501, "single_use"),
        ({"usage": "sometimes"}, 400, "usage"),
        ({"confirm": True, "payment_method": "pm_card_visa"}, 400, "return_url"),
    ],
)
async def test_wrong_parameters(
    shop: Shop, params: dict[str, Any], status: int, param: str
) -> None:
    assert (await shop.refused(status, PATH, **params))["param"] == param
    assert shop.rail.state.all("setup_intents") == []


async def test_it_can_be_canceled_and_listed(shop: Shop) -> None:
    ada = await shop.customer()
    setup = await shop.post(PATH, customer=ada["id"])
    await shop.post(PATH)
    found = await shop.get(PATH, customer=ada["id"])
    assert [one["id"] for one in found["data"]] == [setup["id"]]
    path = f"{PATH}/{setup['id']}/cancel"
    setup = await shop.post(path, cancellation_reason="abandoned")
    assert (setup["status"], setup["cancellation_reason"]) == ("canceled", "abandoned")


async def test_a_browser_needs_the_secret(shop: Shop) -> None:
    setup = await shop.post(PATH, payment_method="pm_card_visa", payment_method_types=["card"])
    shop.headers = {"authorization": "Bearer pk_test_x"}
    path = f"{PATH}/{setup['id']}"
    error = await shop.refused(400, path + "/confirm", client_secret="seti_x_secret_y")
    assert error["param"] == "client_secret"
    setup = await shop.post(path + "/confirm", client_secret=setup["client_secret"])
    assert setup["status"] == "succeeded"
