"""The shop beside a devnet that runs somewhere, as a program in any language would use it.

These tests have no plugin and know one address. They are for what cannot be a fixture: other
languages, other processes, a devnet that several programs share.
"""

import os
from decimal import Decimal

import httpx
from mpp.methods.tempo import TempoAccount
from weather_shop.client import buy
from weather_shop.server import make_shop

RPC_URL = os.environ.get("TEMPO_RPC_URL", "http://127.0.0.1:8545")
PAYEE = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"


async def rpc(method: str, *params: object) -> str:
    """One call of the chain."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with httpx.AsyncClient() as client:
        return (await client.post(RPC_URL, json=asked)).raise_for_status().json()["result"]


async def test_a_reading_is_sold():
    account = TempoAccount.from_key("0x" + os.urandom(32).hex())
    await rpc("tempo_fundAddress", account.address)
    before = int(await rpc("eth_blockNumber"), 16)
    shop = make_shop(
        rpc_url=RPC_URL,
        chain_id=int(await rpc("eth_chainId"), 16),
        payee=PAYEE,
        secret="at least thirty-two characters, kept from everybody",
    )
    response = await buy(
        "http://weather.test/reading",
        account=account,
        rpc_url=RPC_URL,
        at_most=Decimal("0.01"),
        inner=httpx.ASGITransport(shop),
    )
    assert response.json() == {"celsius": 21}
    assert int(await rpc("eth_blockNumber"), 16) > before
