"""A customer with a Lightning node: a charge, one deposit for many requests, and a paid stream.

It wants a running devnet: `mpp-sandbox up`, or `mpp-sandbox exec -- python lightning_client.py`.
`exec` names the payer's LND in the variables that other clients of LND read.
"""

import asyncio
import json
import os

from sandbox.client import Budget, LightningWallet, PaidClient
from sandbox.lightning import LndNode

API = os.environ.get("MPP_SANDBOX_API_URL", "http://127.0.0.1:8402")


async def main() -> None:
    """Pay an invoice, then open a session, use it, read a stream and get the rest back."""
    budget = Budget(total=2_000, allowed_currencies=["sat"], decimals=0)
    async with LndNode(os.environ["LND_REST_HOST"], os.environ["LND_MACAROON_HEX"]) as node:
        async with PaidClient(lightning=LightningWallet(node), lightning_budget=budget) as client:
            response = await client.get(f"{API}/lightning/quote")
            print(response.status_code, response.json()["author"])
            print("paid with the fee:", client.lightning_ledger.tally().spent, "sat")
            for word in ("voucher", "channel", "receipt"):
                response = await client.get(f"{API}/lightning/search", params={"q": word})
                print(response.status_code, word)
            async with client.stream(f"{API}/lightning/complete?tokens=8") as chunks:
                answer = [chunk async for chunk in chunks if chunk != "[DONE]"]
            said = [json.loads(chunk)["choices"][0]["delta"]["content"] for chunk in answer]
            print("".join(said))
            print("the stream cost", chunks.receipt["spent"], "sat")
            for session, _ in await client.lightning_sessions.close_all():
                print(session.received_sat, "of", session.deposit_sat, "sat came back")
        print("spent in all:", client.lightning_ledger.tally().spent, "sat")


asyncio.run(main())
