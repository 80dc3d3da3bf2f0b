"""Agents and sellers with accounts of their own (facts: stripe 1.3, 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from tests.unit.mock_rails.stripe.tokens.conftest import ISSUED, Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.rail import RailContext

ACCOUNTS = {"sk_test_agent": "acct_agent", "sk_test_shop": "acct_shop"}
TO_SHOP = "profile_test_shop"
PROFILE = "seller_details[network_business_profile]"


class Parties(NamedTuple):
    """The two accounts."""

    agent: Shop
    shop: Shop
    rail: Stripe

    async def issue(self, card: str = "pm_card_visa", **more: Any) -> httpx.Response:
        """Let the agent issue a token to the shop."""
        form = {
            "payment_method": card,
            "usage_limits[currency]": "usd",
            "usage_limits[max_amount]": "500",
            PROFILE: TO_SHOP,
            **more,
        }
        return await self.agent.http.post(ISSUED, data=form)

    def told(self, account: str) -> list[str]:
        """The kinds of events about tokens that an account was told."""
        return [
            event["type"].removeprefix("shared_payment.")
            for event in self.rail.state.all("events")
            if event.account == account and event["type"].startswith("shared_payment.")
        ]


def client(api: StripeApi, key: str) -> httpx.AsyncClient:
    """Somebody with a key."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api),
        base_url="http://stripe",
        headers={"authorization": f"Bearer {key}"},
    )


@pytest.fixture
async def parties(context: RailContext) -> AsyncIterator[Parties]:
    """An agent and a shop at one Stripe."""
    rail = Stripe(context, StripeSettings(accounts=ACCOUNTS))
    api = StripeApi(rail)
    async with client(api, "sk_test_agent") as agent, client(api, "sk_test_shop") as shop:
        yield Parties(Shop(agent), Shop(shop), rail)


async def test_a_token_has_two_views(parties: Parties) -> None:
    """1.3: `same id on both sides`."""
    issued = (await parties.issue(**{"seller_details[external_id]": "order-7"})).json()
    assert issued["object"] == "shared_payment.issued_token"
    assert issued["status"] == "active"
    assert issued["payment_method"].startswith("pm_")
    assert issued["seller_details"] == {
        "network_business_profile": TO_SHOP,
        "external_id": "order-7",
    }
    granted = await parties.shop.granted(issued["id"])
    assert granted["id"] == issued["id"]
    assert granted["agent_details"] == {"network_business_profile": "profile_test_agent"}
    assert "payment_method" not in granted
    own = await parties.agent.http.get(f"{ISSUED}/{issued['id']}")
    assert own.json() == issued
    assert (await parties.shop.http.get(f"{ISSUED}/{issued['id']}")).status_code == 404


async def test_an_agent_pays_for_each_token(parties: Parties) -> None:
    """3: `Shared Payment Token | 0.15 per token issued | issuer (agent)`."""
    await parties.issue()
    await parties.issue()
    booked = (await parties.agent.http.get("/v1/balance_transactions")).json()["data"]
    assert [(one["type"], one["net"]) for one in booked] == [("stripe_fee", -15)] * 2
    assert (await parties.shop.http.get("/v1/balance_transactions")).json()["data"] == []
    parties.rail.check_conservation()


async def test_only_the_seller_can_charge_it(parties: Parties) -> None:
    """1.4: `SPT belongs to the account that owns the profile`."""
    token = (await parties.issue()).json()["id"]
    stolen = await parties.agent.charge(token)
    assert stolen.json()["error"]["code"] == "resource_missing"
    assert (await parties.shop.charge(token)).json()["status"] == "succeeded"
    view = (await parties.agent.http.get(f"{ISSUED}/{token}")).json()
    assert view["status"] == "deactivated"
    assert view["deactivated_reason"] == "consumed"
    assert view["usage_details"]["amount_captured"]["value"] == 300
    assert parties.told("acct_agent") == [
        "issued_token.active",
        "issued_token.used",
        "issued_token.deactivated",
    ]
    assert parties.told("acct_shop") == ["granted_token.used", "granted_token.deactivated"]


async def test_the_agent_takes_it_back(parties: Parties) -> None:
    """1.4: issued tokens are revoked by their agent."""
    token = (await parties.issue()).json()["id"]
    assert (await parties.shop.http.post(f"{ISSUED}/{token}/revoke")).status_code == 404
    revoked = (await parties.agent.http.post(f"{ISSUED}/{token}/revoke")).json()
    assert (revoked["status"], revoked["deactivated_reason"]) == ("deactivated", "revoked")
    assert (await parties.shop.charge(token)).status_code == 400


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ("profile_test_agent", None),
        ("acct_agent", None),
        ("profile_test_nobody", "resource_missing"),
        ("profile_shop", "livemode_mismatch"),
    ],
)
async def test_whom_it_cannot_be_issued_to(
    parties: Parties, profile: str, code: str | None
) -> None:
    """1.4: to oneself, to nobody, to a live profile with a test key."""
    refused = (await parties.issue(**{PROFILE: profile})).json()["error"]
    assert refused["param"] == PROFILE
    assert refused.get("code") == code


@pytest.mark.parametrize("profile", ["bn_shop", "acct_shop", "profile_test_shop"])
async def test_the_seller_can_be_called_by_any_name(parties: Parties, profile: str) -> None:
    """1.4: profiles in every spelling, at the test helper too."""
    token = (await parties.issue(**{PROFILE: profile})).json()["id"]
    assert (await parties.shop.granted(token))["deactivated_at"] is None
    helped = await parties.agent.token(**{"seller_details[network_id]": profile})
    assert (await parties.shop.charge(helped)).json()["status"] == "succeeded"


async def test_a_bank_that_wants_to_see_the_buyer_first(parties: Parties) -> None:
    """1.3: status requires_action, with what is to be done."""
    issued = (await parties.issue("pm_card_authenticationRequired", return_url="http://a/")).json()
    assert issued["status"] == "requires_action"
    assert issued["next_action"]["type"] == "redirect_to_url"
    assert issued["next_action"]["redirect_to_url"]["return_url"] == "http://a/"
    token = issued["id"]
    assert (await parties.shop.charge(token)).status_code == 400
    passed = await parties.agent.http.post(
        f"/_sandbox/shared_payment/issued_tokens/{token}/authenticate"
    )
    assert (passed.json()["status"], passed.json()["next_action"]) == ("active", None)
    assert (await parties.shop.charge(token)).json()["status"] == "succeeded"
    assert parties.told("acct_agent")[:2] == ["issued_token.requires_action", "issued_token.active"]


async def test_profiles_are_public(parties: Parties) -> None:
    """1.4: `public seller profile lookup`."""
    mine = (await parties.shop.http.get("/v2/network/business_profiles/me")).json()
    assert mine["id"] == TO_SHOP
    seen = (await parties.agent.http.get(f"/v2/network/business_profiles/{TO_SHOP}")).json()
    assert seen == mine
    missing = await parties.agent.http.get("/v2/network/business_profiles/profile_test_nobody")
    assert missing.status_code == 404


async def test_a_profile_may_have_a_name_of_its_own(context: RailContext) -> None:
    """1.4: programs that name a profile they have at Stripe run as they are."""
    settings = StripeSettings(accounts=ACCOUNTS, profiles={"profile_test_61abc": "acct_shop"})
    api = StripeApi(Stripe(context, settings))
    async with client(api, "sk_test_agent") as agent, client(api, "sk_test_shop") as shop:
        token = await Shop(agent).token(**{"seller_details[network_id]": "profile_test_61abc"})
        assert (await Shop(shop).charge(token)).json()["status"] == "succeeded"
        me = (await shop.get("/v2/network/business_profiles/me")).json()
        assert me["id"] == "profile_test_61abc"


async def test_a_platform_charges_for_a_connected_account(context: RailContext) -> None:
    """1.5: mppx sends Stripe-Account where `connect` is set; the token names the platform."""
    settings = StripeSettings(accounts=ACCOUNTS, connected=("acct_stall",))
    api = StripeApi(Stripe(context, settings))
    async with client(api, "sk_test_shop") as http:
        shop = Shop(http)
        token = await shop.token()
        http.headers["stripe-account"] = "acct_stall"
        paid = (await shop.charge(token)).json()
        assert paid["status"] == "succeeded"
        assert (await http.get(f"/v1/payment_intents/{paid['id']}")).status_code == 200
        del http.headers["stripe-account"]
        assert (await http.get(f"/v1/payment_intents/{paid['id']}")).status_code == 404
        assert (await shop.granted(token))["deactivated_reason"] == "consumed"


async def test_the_test_helper_is_for_test_keys(parties: Parties) -> None:
    """1.4: `test stand-in for an agent`."""
    parties.agent.http.headers["authorization"] = "Bearer sk_" + "live_agent"
    refused = await parties.agent.grant()
    assert refused.status_code == 400
    assert "test mode" in refused.json()["error"]["message"]
