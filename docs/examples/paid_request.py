"""One paid request on the sandbox: a pympp server asks for a cent, a pympp client pays it.

Start the sandbox first (`make up`). Nothing here knows of mpp-sandbox but the RPC address: server
and client are the released pympp.
"""

import asyncio
import os
import sys

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from mpp.client import PaymentTransport
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo_client
from mpp.methods.tempo import server as tempo_server
from mpp.server import Mpp, pay
from mpp.store import MemoryStore

RPC_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8545"
PATH_USD = "0x20c0000000000000000000000000000000000000"
MERCHANT = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"

charge = tempo_server.charge(
    chain_id=1337,
    rpc_url=RPC_URL,
    recipient=MERCHANT,
    currencies=[PATH_USD],
    store=MemoryStore(),
)
server = Mpp(methods=charge, realm="merchant.test", secret_key="a secret of at least 32 characters")
app = FastAPI()


@app.get("/quote")
@pay(server.charge(amount="0.01"))
async def quote(request: Request, credential: object, receipt: object) -> JSONResponse:
    """What is sold: delivered only to who has paid."""
    return JSONResponse({"quote": "An API that charges a cent needs no account."})


def new_account() -> TempoAccount:
    """An account that the faucet has given money."""
    account = TempoAccount.from_key("0x" + os.urandom(32).hex())
    fund = {"jsonrpc": "2.0", "id": 1, "method": "tempo_fundAddress", "params": [account.address]}
    httpx.post(RPC_URL, json=fund).raise_for_status()
    return account


async def main(account: TempoAccount) -> None:
    """Pay for one request."""
    wallet = tempo_client.charge(account=account, chain_id=1337, rpc_url=RPC_URL)
    transport = PaymentTransport([wallet], inner=httpx.ASGITransport(app))
    async with httpx.AsyncClient(transport=transport, base_url="https://merchant.test") as client:
        response = await client.get("/quote")
    print(response.status_code, response.json())
    print("receipt", response.headers["payment-receipt"])


asyncio.run(main(new_account()))
