"""What the tests of card payments share: a shop that takes them, Stripe, and who pays."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge, Credential

from mock_rails.core.rail import RailContext
from mock_rails.server import Host
from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.faults import REQUEST
from mock_rails.stripe.rail import Stripe
from sandbox.methods.stripe_charge import StripeMerchant
from sandbox.server.charge import charge_offers
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.support import Shop, challenge_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core import Clock

KEY = "sk_test_shop"
CHARGES = {"verb": "POST", "route": "/v1/payment_intents"}


@dataclass
class World:
    """A shop that takes half a dollar by card, and the Stripe that it is paid through."""

    shop: Shop
    rail: Stripe
    host: Host
    payer: httpx.AsyncClient
    """A client of Stripe with the payer's own key."""
    stack: AsyncExitStack

    @property
    def clock(self) -> Clock:
        """Of everything here."""
        return self.rail.context.clock

    async def challenge(self) -> Challenge:
        """What the shop asks for."""
        return challenge_of(await self.shop.get())

    async def mint(
        self,
        card: str = "pm_card_visa",
        *,
        amount: int = 50,
        currency: str = "usd",
        expires_at: int | None = None,
    ) -> str:
        """A token for the shop."""
        form: dict[str, Any] = {
            "payment_method": card,
            "usage_limits[currency]": currency,
            "usage_limits[max_amount]": amount,
            "usage_limits[expires_at]": expires_at or self.clock.now_s() + 300,
        }
        answer = await self.payer.post("/v1/test_helpers/shared_payment/granted_tokens", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def credential(self, card: str = "pm_card_visa", **limits: Any) -> str:
        """The field of a credential that answers a fresh challenge; nothing is sent yet."""
        challenge = await self.challenge()
        return authorization(challenge, await self.mint(card, **limits))

    async def show(
        self, credential: str, shop: Shop | None = None, **fields: str
    ) -> httpx.Response:
        """The shop's answer to a credential."""
        headers = {"Authorization": credential, **fields}
        return await (shop or self.shop).get(headers=headers)

    def arm(self, do: str, when: Any = None, **args: Any) -> None:
        """Let something go wrong with the shop's calls."""
        fault = {"at": REQUEST, "do": do, "args": args, "where": CHARGES}
        if when is not None:
            fault["when"] = when
        self.rail.context.faults.arm(fault)

    def intents(self) -> list[str]:
        """The statuses of all PaymentIntents."""
        return [one["status"] for one in self.rail.state.all("payment_intents")]

    async def another_shop(self, **options: Any) -> Shop:
        """Another process of the same shop, on the same store."""
        shop = Shop(*self.shop.offers, clock=self.clock, **options)
        return await self.stack.enter_async_context(shop)


def authorization(challenge: Challenge, token: str) -> str:
    """A credential with this token."""
    return Credential(challenge.to_echo(), {"spt": token}).to_authorization()


@asynccontextmanager
async def opened(
    *, timeout_s: float = 5, clock: Clock | None = None, seed: str = "cards"
) -> AsyncIterator[World]:
    """The shop is open, and Stripe answers on a port: what is lost is lost on a wire."""
    async with AsyncExitStack() as stack:
        rail = Stripe(RailContext.create(seed, clock))
        host = await stack.enter_async_context(Host(StripeApi(rail), name="Stripe"))
        clock = rail.context.clock
        merchant = await stack.enter_async_context(
            StripeMerchant(
                host.url,
                secret_key=KEY,
                network_id="profile_test_sandbox",
                clock=clock,
                timeout_s=timeout_s,
            )
        )
        method = merchant.charge(currency="usd", payment_method_types=["card", "link"])
        offers = charge_offers(method, amount="0.50", find=merchant.find)
        store = MemoryStore(clock)
        shop = await stack.enter_async_context(Shop(*offers, clock=clock, store=store))
        payer = httpx.AsyncClient(base_url=host.url, auth=("sk_test_payer", ""))
        await stack.enter_async_context(payer)
        yield World(shop, rail, host, payer, stack)
        rail.check_conservation()
