"""How tokens end that nobody has used up (facts: stripe 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.mock_rails.stripe.tokens.conftest import GRANT, Shop

if TYPE_CHECKING:
    from mock_rails.stripe.rail import Stripe

HOUR_S = 3_600


async def test_a_token_expires_at_its_second(shop: Shop, rail: Stripe) -> None:
    """1.4: expiry follows the sandbox clock, and is told as an event."""
    clock = rail.context.clock
    ends_s = clock.now_s() + HOUR_S
    token = await shop.token(**{"usage_limits[expires_at]": ends_s})
    clock.advance(HOUR_S - 1)
    assert (await shop.granted(token))["deactivated_at"] is None
    clock.advance(10)
    refused = await shop.charge(token)
    assert refused.status_code == 400
    assert "already in a deactivated state" in refused.json()["error"]["message"]
    view = await shop.granted(token)
    assert (view["deactivated_reason"], view["deactivated_at"]) == ("expired", ends_s)
    told = (await shop.http.get("/v1/events")).json()["data"][0]
    assert told["type"] == "shared_payment.granted_token.deactivated"
    assert told["created"] == ends_s
    assert told["data"]["object"]["id"] == token


async def test_an_agent_takes_a_token_back(shop: Shop) -> None:
    """1.4: revoke, then reuse."""
    token = await shop.token()
    revoked = await shop.http.post(f"{GRANT}/{token}/revoke")
    assert revoked.json()["deactivated_reason"] == "revoked"
    assert (await shop.charge(token)).status_code == 400
    assert (await shop.http.post(f"{GRANT}/{token}/revoke")).status_code == 400
    assert (await shop.http.post(f"{GRANT}/spt_nobody/revoke")).status_code == 404


async def test_a_consumed_token_does_not_expire_too(shop: Shop, rail: Stripe) -> None:
    """1.4: the first reason stays."""
    token = await shop.token()
    await shop.charge(token)
    rail.context.clock.advance(48 * HOUR_S)
    assert (await shop.granted(token))["deactivated_reason"] == "consumed"
    told = (await shop.http.get("/v1/events")).json()["data"]
    kinds = [one["type"] for one in told]
    assert kinds.count("shared_payment.granted_token.deactivated") == 1


async def test_a_snapshot_keeps_what_is_left_and_when_it_ends(shop: Shop, rail: Stripe) -> None:
    """A token goes on where it was."""
    token = await shop.token()
    document = rail.snapshot()
    await shop.charge(token)
    rail.restore(document)
    assert (await shop.granted(token))["deactivated_at"] is None
    rail.context.clock.advance(24 * HOUR_S)
    assert (await shop.granted(token))["deactivated_reason"] == "expired"
