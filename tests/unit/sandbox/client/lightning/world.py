"""Clients that pay a shop over Lightning; shop and network are those of the gate's tests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from mpp import Challenge

from mock_rails.lightning.invoices import InvoiceRequest
from sandbox.client.client import PaidClient
from sandbox.client.lightning import LightningWallet
from sandbox.lightning import LocalApp
from sandbox.server.route import Route
from tests.unit.sandbox.client.market import Line
from tests.unit.sandbox.server.lightning.support import UNIT, gate_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.lightning import LightningNode
    from tests.unit.sandbox.server.lightning.support import World

PRICE = 100
FEE = 1
"""What the cheaper of the two routes costs, in satoshis."""
COST = PRICE + FEE
SHOP = "http://shop.test"
SMALL = 6
"""A deposit that is soon used up, at `/small`."""


def wallet(world: World, node: LightningNode | None = None, **options: Any) -> LightningWallet:
    """The payer's; it waits for nobody for long."""
    options.setdefault("timeout_s", 1)
    options.setdefault("patience_ms", 100)
    return LightningWallet(node or world.payer, **options)


@asynccontextmanager
async def customer(
    world: World,
    line: httpx.AsyncBaseTransport | None = None,
    *,
    pays: LightningWallet | None = None,
    **options: Any,
) -> AsyncIterator[PaidClient]:
    """A client with a Lightning node and nothing else; `line` leads to the shop."""
    options.setdefault("clock", world.clock)
    http = httpx.AsyncClient(transport=line or LocalApp(world.gate), base_url=SHOP)
    async with http, PaidClient(lightning=pays or wallet(world), http=http, **options) as client:
        yield client


def lossy(world: World, *accidents: str) -> Line:
    """A line to the shop on which paid requests meet with accidents."""
    return Line(LocalApp(world.gate), *accidents)


def sell_small(world: World) -> None:
    """The shop sells `/small` and `/stream/small` as well."""
    server = world.server
    streamed = server.session(UNIT, deposit_sat=SMALL, unit_type="word", streams=True)
    world.gate = gate_of(
        world.app,
        server,
        world.journal,
        world.store,
        world.clock,
        [
            Route("/small", (server.session(UNIT, deposit_sat=SMALL),)),
            Route("/stream/small", (streamed,), streams=True),
        ],
    )


def debits(world: World) -> list[str]:
    """What became of each payment of the payer's node."""
    return [payment.status.value for payment in world.rail.node("payer").payments()]


def asking(
    world: World,
    *,
    amount: str = str(PRICE),
    invoice_sat: int = PRICE,
    intent: str = "charge",
    currency: str = "sat",
    network: str | None = "regtest",
    payment_hash: str | None = None,
    expires: str = "2099-01-01T00:00:00Z",
    **fields: Any,
) -> httpx.Response:
    """The 402 of a shop that there is not, with a good invoice of the merchant's."""
    made = world.rail.node("merchant").create_invoice(
        InvoiceRequest(amount_msat=invoice_sat * 1_000, description="odd")
    )
    details: dict[str, Any] = {
        "invoice": made.text,
        "paymentHash": payment_hash or made.payment_hash.hex(),
    }
    if network is not None:
        details["network"] = network
    request = {"amount": amount, "currency": currency, "methodDetails": {**details, **fields}}
    challenge = Challenge.create(
        secret_key="a secret of at least 32 characters",
        realm="shop.test",
        method="lightning",
        intent=intent,
        request=request,
        expires=expires,
    )
    return httpx.Response(
        402, headers={"WWW-Authenticate": challenge.to_www_authenticate("shop.test")}
    )
