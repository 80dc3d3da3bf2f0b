"""pympp's client, as it is released, pays our merchants (facts, protocol 2.1 and 2.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Receipt
from mpp.client.transport import Mpp
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo.client import charge

from mock_rails.tempo.addresses import PATH_USD
from sandbox.chain import TempoRpc, token_balance
from tests.interop.node_support import running_devnet

if TYPE_CHECKING:
    from collections.abc import Iterator

PRICE = 10_000
REPORT = 50_000


@pytest.fixture(scope="module")
def devnet() -> Iterator[dict[str, Any]]:
    with running_devnet() as told:
        yield told


def payer(devnet: dict[str, Any], index: int = 1) -> Mpp:
    """A client of a funded development account."""
    account = TempoAccount.from_key(devnet["tempo"]["accounts"][index]["private_key"])
    return Mpp(methods=[charge(account=account, rpc_url=devnet["tempo"]["url"])])


async def earned(devnet: dict[str, Any]) -> int:
    """What the merchant holds."""
    async with TempoRpc(devnet["tempo"]["url"]) as rpc:
        recipient = bytes.fromhex(devnet["merchants"]["recipient"][2:])
        return await token_balance(rpc, PATH_USD, recipient)


async def test_it_pays_a_charge_and_understands_the_receipt(devnet: dict[str, Any]) -> None:
    before = await earned(devnet)
    async with payer(devnet) as client:
        response = await client.fetch(f"{devnet['merchants']['url']}/quote")
    assert response.status_code == 200, response.text
    receipt = Receipt.from_payment_receipt(response.headers["payment-receipt"])
    assert (receipt.status, receipt.method) == ("success", "tempo")
    assert "private" in response.headers["cache-control"]
    async with TempoRpc(devnet["tempo"]["url"]) as rpc:
        mined = await rpc.call("eth_getTransactionReceipt", receipt.reference)
    assert mined["status"] == "0x1"
    assert await earned(devnet) == before + PRICE


async def test_its_transport_pays_for_any_httpx_client(devnet: dict[str, Any]) -> None:
    before = await earned(devnet)
    async with payer(devnet) as mpp, httpx.AsyncClient(transport=mpp.payment_transport) as client:
        response = await client.get(f"{devnet['merchants']['url']}/quote")
    assert response.status_code == 200, response.text
    assert await earned(devnet) == before + PRICE


async def test_each_of_many_requests_is_paid_once(devnet: dict[str, Any]) -> None:
    before = await earned(devnet)
    async with payer(devnet, 2) as client:
        url = f"{devnet['merchants']['url']}/quote"
        answers = await asyncio.gather(*(client.fetch(url) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.headers["payment-receipt"] for answer in answers}) == 4
    assert await earned(devnet) == before + 4 * PRICE


async def test_it_takes_the_offer_that_it_can_pay(devnet: dict[str, Any]) -> None:
    """/report is offered by charge and by session; pympp has no session."""
    before = await earned(devnet)
    async with payer(devnet) as client:
        response = await client.fetch(f"{devnet['merchants']['url']}/report")
    assert response.status_code == 200, response.text
    assert await earned(devnet) == before + REPORT


async def test_without_a_payment_it_gets_the_challenge(devnet: dict[str, Any]) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{devnet['merchants']['url']}/quote")
    assert response.status_code == 402
    assert response.headers["www-authenticate"].startswith("Payment ")
    assert response.json()["type"] == "https://paymentauth.org/problems/payment-required"


async def test_what_it_cannot_pay_it_leaves_as_it_is(devnet: dict[str, Any]) -> None:
    async with payer(devnet) as client:
        response = await client.fetch(f"{devnet['merchants']['url']}/search?q=x")
    assert response.status_code == 402
