"""Real transfers on the sandbox's chain settle deposits and can be verified (facts: stripe 1.7)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from sandbox.deposits import ChainDeposits
from tests.unit.sandbox.chain.support import ChainDesk, transfer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CRYPTO = "payment_method_options[crypto]"
ASK = {
    "amount": "101",
    "currency": "usd",
    "confirm": "true",
    "payment_method_types[0]": "crypto",
    "payment_method_data[type]": "crypto",
}
DEPOSIT = {
    **ASK,
    f"{CRYPTO}[mode]": "deposit",
    f"{CRYPTO}[deposit_options][networks][0]": "tempo",
}
VERIFY = {
    **ASK,
    f"{CRYPTO}[mode]": "transaction_verification",
    f"{CRYPTO}[transaction_verification_options][network]": "tempo",
}
HASH = f"{CRYPTO}[transaction_verification_options][transaction_hash]"
UNITS = 1_010_000


@dataclass
class Street:
    """A chain with people on it, and a Stripe that watches it."""

    desk: ChainDesk
    stripe: Stripe
    http: httpx.AsyncClient
    leave: Callable[[], None]

    async def post(self, path: str, **form: Any) -> httpx.Response:
        """Ask Stripe for something."""
        return await self.http.post(f"/v1/{path}", data=form)

    async def deposit(self) -> tuple[str, bytes]:
        """A PaymentIntent that waits, and where it is to be paid."""
        intent = (await self.post("payment_intents", **DEPOSIT)).json()
        shown = intent["next_action"]["crypto_display_details"]["deposit_addresses"]
        return intent["id"], bytes.fromhex(shown["tempo"]["address"][2:])

    async def pay(self, recipient: bytes, amount: int = UNITS) -> str:
        """A TIP-20 transfer; its hash."""
        signed = await self.desk.payer.sign([transfer(recipient, amount)])
        await self.desk.chain.submit(signed.raw)
        return f"0x{signed.hash.hex()}"

    async def status(self, intent: str) -> str:
        """How far a PaymentIntent has come."""
        return str((await self.http.get(f"/v1/payment_intents/{intent}")).json()["status"])


@asynccontextmanager
async def street() -> AsyncIterator[Street]:
    """A chain and a Stripe under one clock."""
    async with ChainDesk() as desk:
        stripe = Stripe(desk.context)
        leave = stripe.attach_chain(ChainDeposits(desk.chain))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(StripeApi(stripe)),
            base_url="http://stripe",
            auth=("sk_test_x", ""),
        ) as http:
            yield Street(desk, stripe, http, leave)


async def test_a_transfer_settles_the_payment_in_the_block_it_is_in() -> None:
    async with street() as here:
        intent, address = await here.deposit()
        tx_hash = await here.pay(address)
        assert await here.status(intent) == "succeeded"
        charge = (await here.http.get("/v1/charges", params={"limit": 1})).json()["data"][0]
        assert charge["payment_method_details"]["crypto"] == {
            "amount_received": 101,
            "amount_requested": 101,
            "buyer_address": f"0x{here.desk.payer.address.hex()}",
            "network": "tempo",
            "token_currency": "usdc",
            "transaction_hash": tx_hash,
        }
        here.stripe.check_conservation()
        here.desk.chain.check_conservation()


async def test_another_amount_settles_nothing() -> None:
    async with street() as here:
        intent, address = await here.deposit()
        await here.pay(address, UNITS - 1)
        assert await here.status(intent) == "requires_action"


async def test_one_transaction_may_pay_two() -> None:
    async with street() as here:
        (one, first), (two, second) = await here.deposit(), await here.deposit()
        calls = [transfer(first, UNITS), transfer(second, UNITS)]
        await here.desk.chain.submit((await here.desk.payer.sign(calls)).raw)
        assert [await here.status(one), await here.status(two)] == ["succeeded", "succeeded"]


async def test_who_no_longer_watches_sees_nothing() -> None:
    async with street() as here:
        intent, address = await here.deposit()
        here.leave()
        await here.pay(address)
        assert await here.status(intent) == "requires_action"


async def test_a_transaction_is_verified_on_the_chain() -> None:
    async with street() as here:
        made = (await here.post("crypto/deposit_addresses", network="tempo")).json()
        tx_hash = await here.pay(bytes.fromhex(made["address"][2:]))
        recorded = await here.post("payment_intents", **VERIFY, **{HASH: tx_hash})
        assert recorded.json()["status"] == "succeeded"


async def test_a_failed_transaction_pays_nothing() -> None:
    async with street() as here:
        made = (await here.post("crypto/deposit_addresses", network="tempo")).json()
        most = transfer(bytes.fromhex(made["address"][2:]), 3 << 62)
        paid, unpaid = [await here.desk.payer.sign([most]) for _ in range(2)]
        for signed in (paid, unpaid):
            await here.desk.chain.submit(signed.raw)
        receipt = here.desk.chain.history.receipt(unpaid.hash)
        assert receipt is not None
        assert not receipt.status
        for tx_hash in (f"0x{unpaid.hash.hex()}", "0x" + "1" * 64):
            refused = await here.post("payment_intents", **VERIFY, **{HASH: tx_hash})
            assert refused.json()["error"]["param"] == HASH
