"""What a seller can do with a token, and what is left of it then (facts: stripe 1.4, 1.5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.unit.mock_rails.stripe.tokens.conftest import CHARGE, Shop

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe

DAY_S = 86_400
SPELLINGS = (
    "shared_payment_granted_token",
    "payment_method_data[shared_payment_granted_token]",
    "shared_payment_token",
)


def seconds(year: int, month: int, day: int) -> int:
    """Noon of a day."""
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp())


async def events(shop: Shop) -> list[str]:
    """What has happened, the oldest first."""
    found = (await shop.http.get("/v1/events?limit=100")).json()["data"]
    return [event["type"] for event in reversed(found)]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_charge_consumes_the_token_below_its_maximum(
    shop: Shop, rail: Stripe, spelling: str
) -> None:
    """1.4: `deactivates (consumed) on the first successful charge, even below max_amount`."""
    token = await shop.token()
    paid = await shop.http.post(
        "/v1/payment_intents", data={**CHARGE, "amount": "300", spelling: token}
    )
    assert paid.json()["status"] == "succeeded", paid.text
    spent = await shop.granted(token)
    assert spent["deactivated_reason"] == "consumed"
    assert spent["deactivated_at"] == rail.context.clock.now_s()
    assert spent["usage_details"]["amount_captured"] == {"currency": "usd", "value": 300}
    again = (await shop.charge(token)).json()["error"]
    assert again["type"] == "invalid_request_error"
    assert "code" not in again
    assert "already in a deactivated state" in again["message"]
    assert again["param"] == "shared_payment_granted_token"
    rail.check_conservation()


async def test_the_seller_gets_a_payment_method_of_its_own(shop: Shop) -> None:
    """1.5: `PI.payment_method is a freshly made pm_`, and it names the token."""
    token = await shop.token()
    paid = (await shop.charge(token)).json()
    method = (await shop.http.get(f"/v1/payment_methods/{paid['payment_method']}")).json()
    assert method["shared_payment_granted_token"] == token
    charge = (await shop.http.get(f"/v1/charges/{paid['latest_charge']}")).json()
    assert charge["payment_method_details"]["shared_payment_granted_token"] == token


async def test_the_events_of_a_charge(shop: Shop) -> None:
    """4: `(… + shared_payment.granted_token.used / .deactivated)`."""
    await shop.charge(await shop.token())
    told = await events(shop)
    assert told[-2:] == [
        "shared_payment.granted_token.used",
        "shared_payment.granted_token.deactivated",
    ]
    assert told.index("payment_intent.succeeded") < len(told) - 2


async def test_a_decline_consumes_nothing(shop: Shop) -> None:
    """1.4: `decline does not consume; token can be tried again by the seller`."""
    token = await shop.token("pm_card_chargeDeclined")
    assert (await shop.charge(token)).status_code == 402
    assert (await shop.granted(token))["deactivated_at"] is None
    again = await shop.charge(token)
    assert again.status_code == 402
    assert "shared_payment.granted_token.used" not in await events(shop)


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"amount": "501"}, "amount", "exceeds the amount that remains capturable"),
        ({"currency": "eur"}, "currency", "granted for: usd"),
    ],
)
async def test_the_limits_hold(shop: Shop, change: dict[str, str], param: str, words: str) -> None:
    """1.4: over max_amount, wrong currency."""
    token = await shop.token()
    refused = await shop.charge(token, **change)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == param
    assert "code" not in error
    assert words in error["message"]
    assert (await shop.charge(token, 500)).json()["status"] == "succeeded"


async def test_a_token_that_nobody_granted(shop: Shop) -> None:
    """1.4: `404 resource_missing`, and as a payment method there is no such thing either."""
    unknown = await shop.charge("spt_nobody")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "resource_missing"
    assert unknown.json()["error"]["param"] == "shared_payment_granted_token"
    token = await shop.token()
    wrong = await shop.http.post(
        "/v1/payment_intents", data={**CHARGE, "amount": "300", "payment_method": token}
    )
    assert wrong.json()["error"]["code"] == "resource_missing"
    assert wrong.json()["error"]["param"] == "payment_method"


async def test_a_live_key_cannot_charge_a_test_token(shop: Shop) -> None:
    """1.4: livemode mismatch."""
    token = await shop.token()
    shop.http.headers["authorization"] = "Bearer sk_" + "live_x"
    assert (await shop.charge(token)).json()["error"]["code"] == "livemode_mismatch"


async def test_a_payment_that_waits_for_its_buyer_holds_the_token(shop: Shop) -> None:
    """1.4: `token stays tied to that PI; not consumed until success`."""
    token = await shop.token("pm_card_authenticationRequired")
    first = (await shop.charge(token)).json()
    assert first["status"] == "requires_action"
    assert (await shop.granted(token))["deactivated_at"] is None
    second = await shop.charge(token)
    assert second.status_code == 400
    assert first["id"] in second.json()["error"]["message"]
    await shop.http.post(f"/v1/payment_intents/{first['id']}/cancel")
    third = (await shop.charge(token)).json()
    assert third["status"] == "requires_action"


async def test_manual_capture_consumes_at_authorisation_and_counts_at_capture(shop: Shop) -> None:
    """1.4: `consumed at authorisation, amount_captured filled at capture`."""
    token = await shop.token()
    held = (await shop.charge(token, capture_method="manual")).json()
    assert held["status"] == "requires_capture"
    view = await shop.granted(token)
    assert view["deactivated_reason"] == "consumed"
    assert view["usage_details"]["amount_captured"]["value"] == 0
    await shop.http.post(
        f"/v1/payment_intents/{held['id']}/capture", data={"amount_to_capture": "200"}
    )
    assert (await shop.granted(token))["usage_details"]["amount_captured"]["value"] == 200


async def test_recurring_limits_begin_anew_each_period(shop: Shop, rail: Stripe) -> None:
    """1.4: `several charges allowed, max_amount per interval; reason resolved when finished`."""
    clock = rail.context.clock
    ends_s = clock.now_s() + 15 * DAY_S
    token = await shop.token(
        **{"usage_limits[recurring][interval]": "week", "usage_limits[expires_at]": ends_s}
    )
    assert (await shop.charge(token, 300)).json()["status"] == "succeeded"
    assert (await shop.charge(token, 200)).json()["status"] == "succeeded"
    full = (await shop.charge(token, 50)).json()["error"]
    assert full["param"] == "amount"
    clock.advance(7 * DAY_S - 1)
    assert (await shop.charge(token, 50)).status_code == 400
    clock.advance(1)
    assert (await shop.charge(token, 500)).json()["status"] == "succeeded"
    view = await shop.granted(token)
    assert view["deactivated_at"] is None
    assert view["usage_details"]["amount_captured"]["value"] == 1_000
    clock.advance(8 * DAY_S)
    view = await shop.granted(token)
    assert (view["deactivated_reason"], view["deactivated_at"]) == ("resolved", ends_s)


async def test_a_replay_comes_before_the_tokens_state(shop: Shop) -> None:
    """2.5: a replay of a consumed token returns the old success; a new key gets the refusal."""
    token = await shop.token()
    shop.http.headers["idempotency-key"] = f"mpp_ch_{token}"
    first = await shop.charge(token)
    replayed = await shop.charge(token)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == first.json()
    shop.http.headers["idempotency-key"] = "another"
    assert (await shop.charge(token)).status_code == 400
