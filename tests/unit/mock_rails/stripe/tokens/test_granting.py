"""What a grant says and takes (facts: stripe 1.3, 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from tests.unit.mock_rails.stripe.tokens.conftest import GRANT, GRANTED, Shop

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

DAY_S = 86_400


async def test_a_grant_shows_the_card_and_the_limits_but_no_payment_method(
    shop: Shop, rail: Stripe
) -> None:
    """1.3: `no PM id is leaked`."""
    now_s = rail.context.clock.now_s()
    token = (await shop.grant(**{"shared_metadata[order]": "7"})).json()
    assert token["object"] == "shared_payment.granted_token"
    assert token["id"].startswith("spt_")
    assert token["livemode"] is False
    assert token["payment_method_details"]["type"] == "card"
    assert token["payment_method_details"]["card"]["last4"] == "4242"
    assert token["usage_limits"] == {
        "currency": "usd",
        "expires_at": now_s + DAY_S,
        "max_amount": 500,
        "recurring": None,
        "recurring_interval": None,
    }
    assert token["usage_details"] == {"amount_captured": {"currency": "usd", "value": 0}}
    assert token["shared_metadata"] == {"order": "7"}
    assert token["deactivated_at"] is token["deactivated_reason"] is None
    assert "pm_" not in str(token)
    assert await shop.granted(token["id"]) == token


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"payment_method": None}, "payment_method"),
        ({"payment_method": "pm_nobody"}, "payment_method"),
        ({"usage_limits[currency]": None}, "usage_limits[currency]"),
        ({"usage_limits[currency]": "zzz"}, "usage_limits[currency]"),
        ({"usage_limits[max_amount]": None}, "usage_limits[max_amount]"),
        ({"usage_limits[max_amount]": "5.00"}, "usage_limits[max_amount]"),
        ({"usage_limits[max_amount]": "0"}, "usage_limits[max_amount]"),
        ({"usage_limits[expires_at]": "1"}, "usage_limits[expires_at]"),
        ({"usage_limits[recurring][interval]": "eon"}, "usage_limits[recurring][interval]"),
        ({"usage_limits[recurring][interval_count]": "2"}, "usage_limits[recurring][interval]"),
        ({"usage_limits[nonsense]": "1"}, "usage_limits[nonsense]"),
        ({"customer": "cus_nobody"}, "customer"),
    ],
)
async def test_a_wrong_parameter_is_named(shop: Shop, form: dict[str, Any], param: str) -> None:
    """2.4: `param` is how callers know what to leave out."""
    answer = await shop.grant(**form)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["param"] == param


async def test_a_token_lives_for_90_days_at_most(shop: Shop, rail: Stripe) -> None:
    """1.4: `expires_at must be in the future, at most 90 days out`."""
    now_s = rail.context.clock.now_s()
    assert (await shop.grant(**{"usage_limits[expires_at]": now_s})).status_code == 400
    longest = now_s + 90 * DAY_S
    assert (await shop.grant(**{"usage_limits[expires_at]": longest})).status_code == 200
    too_long = await shop.grant(**{"usage_limits[expires_at]": longest + 1})
    assert too_long.json()["error"]["param"] == "usage_limits[expires_at]"


async def test_both_spellings_of_recurrence_are_understood(shop: Shop) -> None:
    """1.4: an object with a count, and the older word alone."""
    new = (await shop.grant(**{"usage_limits[recurring][interval]": "week"})).json()
    assert new["usage_limits"]["recurring"] == {"interval": "week", "interval_count": 1}
    old = (await shop.grant(**{"usage_limits[recurring_interval]": "month"})).json()
    assert old["usage_limits"]["recurring"] == {"interval": "month", "interval_count": 1}
    assert old["usage_limits"]["recurring_interval"] == "month"


async def test_what_mpp_code_still_sends_is_accepted(shop: Shop) -> None:
    """1.4: legacy parameters, lenient by default; profiles in every spelling."""
    for profile in ("profile_test_x", "profile_x", "bn_x", "acct_x", "internal"):
        legacy = {
            "seller_details[network_id]": profile,
            "seller_details[external_id]": "order-7",
            "metadata[challenge]": "ch_1",
        }
        assert (await shop.grant(**legacy)).status_code == 200


@pytest.mark.parametrize("legacy", ["seller_details[network_id]", "metadata[challenge]"])
async def test_strict_stripe_refuses_it_in_the_words_that_clients_look_for(
    context: RailContext, legacy: str
) -> None:
    """1.4: the mppx CLI looks for the phrase and tries again with what is left."""
    api = StripeApi(Stripe(context, StripeSettings(strict_tokens=True)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://stripe", auth=("sk_test_cli", "")
    ) as http:
        shop = Shop(http)
        refused = (await shop.grant(**{legacy: "x"})).json()["error"]
        assert refused["type"] == "invalid_request_error"
        assert refused["code"] == "parameter_unknown"
        assert refused["param"] == legacy.partition("[")[0]
        assert "Received unknown parameter" in refused["message"]
        assert (await shop.grant()).status_code == 200


async def test_the_request_of_the_mppx_cli(shop: Shop, rail: Stripe) -> None:
    """1.4 [MEAS]: Basic authorisation, 2026-07-29.preview, no Idempotency-Key."""
    answer = await shop.http.post(
        GRANT,
        auth=("sk_test_another", ""),
        headers={"stripe-version": "2026-07-29.preview"},
        data={
            "payment_method": "pm_card_visa",
            "usage_limits[currency]": "usd",
            "usage_limits[max_amount]": "500",
            "usage_limits[expires_at]": str(rail.context.clock.now_s() + 300),
            "seller_details[network_id]": "internal",
        },
    )
    assert (await shop.granted(answer.json()["id"]))["usage_limits"]["max_amount"] == 500


async def test_there_is_no_list_of_tokens(shop: Shop) -> None:
    """1.4: `no list endpoint for either token kind`."""
    assert (await shop.http.get(GRANTED)).status_code in (404, 501)


async def test_a_customer_must_be_the_one_of_the_payment_method(shop: Shop) -> None:
    """1.4: `customer` of the test helper."""
    names = [(await shop.http.post("/v1/customers")).json()["id"] for _ in range(2)]
    attached = await shop.http.post(
        "/v1/payment_methods/pm_card_visa/attach", data={"customer": names[0]}
    )
    card = attached.json()["id"]
    assert (await shop.grant(card, customer=names[0])).status_code == 200
    assert (await shop.grant(card, customer=names[1])).json()["error"]["param"] == "customer"
