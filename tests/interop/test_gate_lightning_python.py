"""lightning-enable-mcp 2.1.1, a released Python client of MPP's Lightning charge and of L402.

Facts: lightning 1, 4.1, 6. It pays a devnet's merchants from a wallet of its own, over the payer's
LND. Only its guard against addresses of the own machine is replaced, by a plain transport: a devnet
is there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.interop.node_support import running_devnet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytest.importorskip("lightning_enable_mcp", reason="bolt11 stops at Python 3.12")


@pytest.fixture(scope="module")
def devnet() -> Iterator[dict[str, Any]]:
    with running_devnet() as info:
        yield info


@pytest.fixture
async def client(devnet: dict[str, Any]) -> AsyncIterator[Any]:
    from lightning_enable_mcp.l402_client import L402Client
    from lightning_enable_mcp.lnd_wallet import LndWallet

    payer = devnet["lightning"]["lnd"]["payer"]
    wallet = LndWallet(payer["url"], payer["macaroons"]["admin"])
    made = L402Client(wallet)
    await made._http_client.aclose()
    made._http_client = httpx.AsyncClient(timeout=30)
    yield made
    await made.close()
    await wallet.disconnect()


async def test_a_charge_is_paid_among_other_methods(devnet: dict[str, Any], client: Any) -> None:
    url = f"{devnet['merchants']['url']}/report"
    text, paid_sat, receipt = await client.fetch(url)
    assert json.loads(text)["report"]
    assert paid_sat == 50
    assert (receipt["method"], receipt["status"]) == ("lightning", "success")
    assert len(receipt["reference"]) == 64


async def test_it_pays_an_l402_ticket_where_there_is_one(
    devnet: dict[str, Any], client: Any
) -> None:
    url = f"{devnet['merchants']['url']}/lightning/quote"
    text, paid_sat, receipt = await client.fetch(url, max_sats=10_000)
    assert json.loads(text)["quote"]
    assert paid_sat == 1_000
    assert receipt is None
