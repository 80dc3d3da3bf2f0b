"""Your own API behind the payment gate: a FastAPI application that takes charges and sessions.

It knows nothing of payments. The gate around it asks for money on the routes it lists; this one
takes a cent by charge, or a tenth of that through a session.
"""

import asyncio
import sys

import httpx
from fastapi import FastAPI
from mpp.methods.tempo.server import charge

from mock_rails.core.clock import Clock
from mock_rails.server import Host
from sandbox.chain import TempoRpc
from sandbox.client import PaidClient, Wallet
from sandbox.server import Challenges, Gate, MemoryStore, Route, SessionServer, charge_offers

RPC = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8545"
PATH_USD = "0x20c0000000000000000000000000000000000000"
SECRET = "any 32 bytes that nobody else knows"  # a real server reads it from its environment

app = FastAPI()


@app.get("/weather")
def weather() -> dict[str, str]:
    """The application's own business."""
    return {"weather": "sunny, with a chance of vouchers"}


async def main() -> None:
    """Serve it, and be its first two customers."""
    clock, payee = Clock(), Wallet.dev(7)
    store = MemoryStore(clock)
    async with TempoRpc(RPC) as rpc:
        sessions = SessionServer(rpc=rpc, payee=payee, store=store, clock=clock)
        charges = charge(
            chain_id=await rpc.chain_id(),
            rpc_url=RPC,
            recipient="0x" + payee.address.hex(),
            currencies=[PATH_USD],
            store=store.replays(),
            http_client=rpc.http,
        )
        session = sessions.offer(
            amount=1_000,
            currency=bytes.fromhex(PATH_USD[2:]),
            unit_type="request",
            suggested_deposit=100_000,
            chain_id=await rpc.chain_id(),
        )
        route = Route(path="/weather", offers=(session, *charge_offers(charges, amount="0.01")))
        challenges = Challenges(realm="127.0.0.1", secret=SECRET, clock=clock)
        gate = Gate(app, [route], challenges=challenges, store=store, clock=clock)
        await sessions.start()  # sees payers leave while there is time to take what they owe
        async with Host(gate) as host:
            async with httpx.AsyncClient() as stranger:
                print("unpaid:", (await stranger.get(f"{host.url}/weather")).status_code)
            for method in ("tempo/charge", "tempo/session"):
                async with PaidClient(Wallet.dev(2), rpc_url=RPC, prefer=[method]) as client:
                    response = await client.get(f"{host.url}/weather")
                    print(method, response.status_code, response.json()["weather"])
        for capture in await sessions.stop():
            print("captured", capture.captured)


asyncio.run(main())
