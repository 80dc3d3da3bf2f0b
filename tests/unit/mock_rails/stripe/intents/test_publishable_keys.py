"""What a buyer's browser may do with a client secret (facts: stripe 1.1, 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.mock_rails.stripe.intents.shop import Shop

BROWSER = {"authorization": "Bearer pk_test_x"}


async def _made(shop: Shop, **changes: Any) -> tuple[dict[str, Any], str]:
    params = shop.charge("pm_card_visa", confirm=None, metadata={"internal": "note"}, **changes)
    intent = await shop.post("/v1/payment_intents", **params)
    shop.headers = BROWSER
    return intent, f"/v1/payment_intents/{intent['id']}"


async def test_the_secret_shows_the_public_part(shop: Shop) -> None:
    intent, path = await _made(shop)
    shown = await shop.get(path, client_secret=intent["client_secret"])
    assert (shown["id"], shown["status"]) == (intent["id"], "requires_confirmation")
    assert not {"metadata", "latest_charge", "customer"} & set(shown)


@pytest.mark.parametrize("secret", [None, "pi_x_secret_y"])
async def test_without_the_right_secret_nothing_is_shown(shop: Shop, secret: str | None) -> None:
    _, path = await _made(shop)
    params = {} if secret is None else {"client_secret": secret}
    for verb, where in (("GET", path), ("POST", path + "/confirm")):
        status, body = await shop.call(verb, where, **params)
        assert (status, body["error"]["param"]) == (400, "client_secret")


async def test_a_buyer_can_confirm(shop: Shop) -> None:
    intent, path = await _made(shop)
    paid = await shop.post(path + "/confirm", client_secret=intent["client_secret"])
    assert paid["status"] == "succeeded"
    assert "latest_charge" not in paid


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ({}, {"off_session": True}),
        ({}, {"error_on_requires_action": True}),
        ({"confirmation_method": "manual"}, {}),
    ],
)
async def test_what_only_the_seller_may_say(
    shop: Shop, made: dict[str, Any], given: dict[str, Any]
) -> None:
    intent, path = await _made(shop, **made)
    secret = intent["client_secret"]
    error = await shop.refused(400, path + "/confirm", client_secret=secret, **given)
    assert error["code"] == "secret_key_required"


@pytest.mark.parametrize("deed", ["", "/capture", "/cancel"])
async def test_the_rest_is_not_for_buyers(shop: Shop, deed: str) -> None:
    _, path = await _made(shop)
    status, _ = await shop.call("POST", path + deed)
    assert status in (401, 403)
