"""A customer with a card: one request at half a dollar, and what a bank's no looks like.

It wants a running devnet: `mpp-sandbox up`, or `mpp-sandbox exec -- python card_client.py`. The
client makes a Shared Payment Token for exactly what is asked, once for each call.
"""

import asyncio
import os

from sandbox.client import Budget, CardWallet, PaidClient, PaymentDeclinedError

API = os.environ.get("MPP_SANDBOX_API_URL", "http://127.0.0.1:8402")


async def main() -> None:
    """Pay with a card that works, then with one that has no money."""
    budget = Budget.parse(total="1.00", decimals=2, allowed_currencies=["usd"])
    async with PaidClient(card=CardWallet("pm_card_visa"), card_budget=budget) as client:
        response = await client.get(f"{API}/stripe/quote")
        paid = response.extensions["mpp"]
        print(response.status_code, response.json()["author"])
        print("paid by", paid.method, "- receipt", paid.reference)
        print("spent of the dollar:", client.card_ledger.tally().spent, "cents")
    empty = CardWallet("pm_card_visa_chargeDeclinedInsufficientFunds")
    async with PaidClient(card=empty, card_budget=budget) as client:
        response = await client.get(f"{API}/stripe/quote")
        try:
            response.extensions["mpp"].raise_if_unpaid()
        except PaymentDeclinedError as declined:
            print(response.status_code, declined)


asyncio.run(main())
