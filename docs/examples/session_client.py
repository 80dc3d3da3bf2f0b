"""A customer in Python: requests through one payment channel, and a stream paid by the token.

It wants a running devnet: `mpp-sandbox up`, or `mpp-sandbox exec -- python session_client.py`.
"""

import asyncio
import json
import os

from sandbox.client import Budget, PaidClient, Wallet

API = os.environ.get("MPP_SANDBOX_API_URL", "http://127.0.0.1:8402")
RPC = os.environ.get("MPP_SANDBOX_RPC_URL", "http://127.0.0.1:8545")
PATH_USD = "0x20c0000000000000000000000000000000000000"


async def main() -> None:
    """Ask three questions, read one stream, and leave: the channel is closed on the way out."""
    wallet = Wallet.dev(1)
    budget = Budget.parse(total="2.00", decimals=6, allowed_currencies=[PATH_USD])
    async with PaidClient(wallet, budget, rpc_url=RPC, prefer=["tempo/session"]) as client:
        for word in ("voucher", "channel", "receipt"):
            response = await client.get(f"{API}/search", params={"q": word})
            receipt = response.extensions["mpp"].receipt
            print(response.status_code, word, "- spent so far:", receipt["spent"])
        async with client.stream(f"{API}/complete?tokens=8") as chunks:
            words = [json.loads(chunk)["choices"][0]["delta"]["content"] async for chunk in chunks]
        print("".join(words))
        print("spent in all:", chunks.receipt["spent"], "base units, in one channel")


asyncio.run(main())
