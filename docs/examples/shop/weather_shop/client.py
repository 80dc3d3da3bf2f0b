"""The customer: reads a station, and pays no more than it was told to."""

from decimal import Decimal

import httpx
from mpp.client import PaymentTransport
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo

PATH_USD = "0x20c0000000000000000000000000000000000000"


async def buy(
    url: str,
    *,
    account: TempoAccount,
    rpc_url: str,
    at_most: Decimal,
    inner: httpx.AsyncBaseTransport | None = None,
) -> httpx.Response:
    """GET something, and pay for it if it costs `at_most` dollars or less."""
    wallet = tempo.charge(
        account=account,
        rpc_url=rpc_url,
        currencies=[PATH_USD],
        max_amount=at_most,
        max_amount_decimals=6,
    )
    transport = PaymentTransport([wallet], inner=inner)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        return await client.get(url)
