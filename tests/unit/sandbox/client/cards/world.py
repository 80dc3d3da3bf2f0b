"""A shop that takes cards, and clients that pay it by card."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from sandbox.client.cards import CardWallet
from sandbox.client.client import PaidClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.sandbox.server.cards import World

KEY = "sk_test_payer"
PRICE = 50
MINTED = "/v1/test_helpers/shared_payment/granted_tokens"
CHARGED = "/v1/payment_intents"


@asynccontextmanager
async def customer(
    world: World,
    *,
    payment_method: str = "pm_card_visa",
    line: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> AsyncIterator[PaidClient]:
    """A client with a card and without a wallet; `line` leads to the shop."""
    transport = line or httpx.ASGITransport(world.shop.gate)
    http = httpx.AsyncClient(transport=transport, base_url="https://shop.example")
    card = CardWallet(payment_method, stripe_url=world.host.url, key=KEY)
    options.setdefault("clock", world.clock)
    async with http, PaidClient(card=card, http=http, **options) as client:
        yield client


def tokens(world: World) -> list[str | None]:
    """Why each token ended; None for one that can still be used."""
    return [one["deactivated_reason"] for one in world.rail.state.all("granted_tokens")]


async def posted(world: World, path: str) -> list[dict[str, Any]]:
    """The requests that were posted to a path of Stripe's, oldest first."""
    answer = await world.payer.get("/_sandbox/requests", params={"path": path, "verb": "POST"})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found[::-1]
