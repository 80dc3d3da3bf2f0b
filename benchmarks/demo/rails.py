"""The other rails of the demo: a card, an invoice each, and a deposit over Lightning.

What they cost is read where it is charged: Stripe's fee in the merchant's balance transactions,
the routers' fees in the payments of both nodes. In dollars at the devnet's rate for a bitcoin.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.demo.measure import FEE_UNIT, Run
from sandbox.client import Budget, CardWallet, LightningWallet, PaidClient
from sandbox.lightning import LndNode
from sandbox.lightning.prices import BTC_USD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from mock_rails.core.clock import Clock

    Repeat = Callable[[PaidClient, Run], Awaitable[None]]

_CENT: Final = FEE_UNIT // 100
_MSAT_PER_BTC: Final = 100_000_000_000
_PAGE: Final = 100


def priced(info: Mapping[str, Any], path: str, method: str, intent: str) -> int:
    """What a route asks for by this method, in base units of a dollar."""
    routes = info["merchants"]["routes"]
    offers = next(route["offers"] for route in routes if route["path"] == path)
    offer = next(one for one in offers if (one["method"], one["intent"]) == (method, intent))
    amount = int(offer["amount"])
    if method == "lightning":
        return _dollars(amount * 1_000)
    return amount * _CENT if method == "stripe" else amount


async def by_card(info: Mapping[str, Any], clock: Clock, price: int, repeat: Repeat) -> Run:
    """A card payment for each request."""
    budget = Budget.parse(total="1000000", decimals=2, allowed_currencies=["usd"])
    run = Run("card", price)
    stripe = info["stripe"]
    card = CardWallet("pm_card_visa", stripe_url=stripe["url"], key=stripe["key"])
    headers = {"Authorization": f"Bearer {stripe['key']}"}
    async with httpx.AsyncClient(base_url=stripe["url"], headers=headers) as api:
        async with PaidClient(
            card=card, card_budget=budget, prefer=("stripe/charge",), clock=clock
        ) as client:
            await repeat(client, run)
        run.fees += await _stripe_fees(api, run.requests)
    return run


async def _stripe_fees(api: httpx.AsyncClient, count: int) -> list[int]:
    """The fees of the last so many charges."""
    fees: list[int] = []
    params = {"type": "charge", "limit": str(_PAGE)}
    while len(fees) < count:
        answer = await api.get("/v1/balance_transactions", params=params)
        page = answer.raise_for_status().json()["data"]
        fees += [one["fee"] * _CENT for one in page]
        params["starting_after"] = page[-1]["id"]
    return fees[:count]


async def by_invoice(info: Mapping[str, Any], clock: Clock, price: int, repeat: Repeat) -> Run:
    """An invoice paid for each request."""
    run = Run("lightning charge", price)
    async with _nodes(info) as (node, payer, _):
        async with _client(node, "lightning/charge", clock) as client:
            await repeat(client, run)
        run.fees += (await _fees(payer))[-run.requests :]
    return run


async def by_deposit(
    info: Mapping[str, Any], clock: Clock, price: int, repeat: Repeat
) -> tuple[Run, int]:
    """Requests from deposits, and the satoshis that came back at the end."""
    run = Run("lightning session", price)
    async with _nodes(info) as (node, payer, merchant):
        before, refunds = len(await _fees(payer)), len(await _fees(merchant))
        async with _client(node, "lightning/session", clock) as client:
            await repeat(client, run)
            ((session, _),) = await client.lightning_sessions.close_all()
        deposits = (await _fees(payer))[before:]
        refund = (await _fees(merchant))[refunds:]
    run.covers = session.deposit_sat * 1_000 // len(deposits) * BTC_USD // 100_000 // price
    run.closing = len(refund)
    run.fees += deposits + refund
    return run, session.received_sat or 0


def _client(node: LndNode, method: str, clock: Clock) -> PaidClient:
    budget = Budget(total=5_000_000, allowed_currencies=["sat"], decimals=0)
    wallet = LightningWallet(node)
    return PaidClient(lightning=wallet, lightning_budget=budget, prefer=(method,), clock=clock)


@asynccontextmanager
async def _nodes(
    info: Mapping[str, Any],
) -> AsyncIterator[tuple[LndNode, httpx.AsyncClient, httpx.AsyncClient]]:
    """The payer's node to pay with, and both nodes' books to read."""
    async with AsyncExitStack() as stack:
        books = []
        for name in ("payer", "merchant"):
            lnd = info["lightning"]["lnd"][name]
            headers = {"Grpc-Metadata-macaroon": lnd["macaroons"]["admin"]}
            http = httpx.AsyncClient(base_url=lnd["url"], headers=headers)
            books.append(await stack.enter_async_context(http))
        lnd = info["lightning"]["lnd"]["payer"]
        node = await stack.enter_async_context(LndNode(lnd["url"], lnd["macaroons"]["admin"]))
        yield node, books[0], books[1]


async def _fees(lnd: httpx.AsyncClient) -> list[int]:
    """The fees of all payments that a node has made, oldest first, in base units."""
    fees: list[int] = []
    offset = "0"
    while True:
        answer = await lnd.get("/v1/payments", params={"index_offset": offset})
        page = answer.raise_for_status().json()
        fees += [_dollars(int(one["fee_msat"])) for one in page["payments"]]
        if not page["payments"]:
            return fees
        offset = page["last_index_offset"]


def _dollars(msat: int) -> int:
    """Millisatoshis in base units of a dollar."""
    return msat * BTC_USD * FEE_UNIT // _MSAT_PER_BTC
