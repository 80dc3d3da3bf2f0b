"""The fee column is what the chain, Stripe's ledger and both Lightning nodes say (issue 8)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.books import Books
from benchmarks.fleet import Part
from benchmarks.operations import OPERATIONS, Customer, Operation
from benchmarks.orders import Places
from sandbox import info
from sandbox.chain import receipt, token_balance
from sandbox.chain.sender import fund
from sandbox.client.wallet import Wallet
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.leg import Money

REQUESTS = 3
CLOCK_NAME = "a customer"


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Devnet, Places]]:
    async with Devnet(DevnetSettings(seed="fees", server_timing=True).with_free_ports()) as devnet:
        about = devnet.info()
        yield devnet, Places.of(about, about["merchants"])


async def moved(devnet: Devnet, places: Places, operation: Operation) -> Money:
    """What the books say of some requests, from the opening to the close."""
    async with Books(operation, places) as books:
        since = await books.place()
        async with Customer(operation, places, CLOCK_NAME, devnet.context.clock) as customer:
            for _ in range(REQUESTS):
                await customer.request()
        money = await books.money(since, REQUESTS * operation.units)
    assert money is not None
    assert money.fee_units == sum(one["fee"] for one in money.transactions)
    return money


async def on_chain(name: str) -> Money:
    """The same, beside what the accounts' balances say was taken."""
    async with running() as (devnet, places):
        assert devnet.rpc is not None
        rpc, payer = devnet.rpc, Wallet.from_seed(CLOCK_NAME).address
        payee = bytes.fromhex(places.recipient[2:])

        async def held(address: bytes) -> int:
            # In all dollars: the merchant pays his own fees in another than he is paid in.
            tokens = [bytes.fromhex(token[2:]) for token in places.tokens]
            return sum([await token_balance(rpc, token, address) for token in tokens])

        before = await held(payee)
        money = await moved(devnet, places, OPERATIONS[name])
        left = await held(payer)
        taken = await held(payee) - before
        await fund(rpc, payer)  # the faucet gives as much each time
        given = await held(payer) - left
        assert given - left - taken == money.fee_units > 0
        return money


async def test_each_charge_is_a_transaction_with_its_fee() -> None:
    money = await on_chain("tempo-charge")
    assert [one["kind"] for one in money.transactions] == ["charge"] * REQUESTS
    assert (money.paid_units, money.delivered) == (REQUESTS * 10_000, REQUESTS)


async def test_a_sponsored_charge_costs_the_payer_its_price_and_the_merchant_the_fee() -> None:
    async with running() as (devnet, places):
        assert devnet.rpc is not None
        sponsor = Part("sponsor", ("benchmarks.sponsor", places.rpc_url))
        try:
            url = (await asyncio.to_thread(sponsor.hear))["url"]
            operation = OPERATIONS["tempo-charge-sponsored"]
            money = await moved(devnet, replace(places, sponsor_url=url), operation)
        finally:
            await asyncio.to_thread(sponsor.stop)
        assert [one["kind"] for one in money.transactions] == ["charge"] * REQUESTS
        payers = []
        for one in money.transactions:
            found = await receipt(devnet.rpc, bytes.fromhex(one["id"][2:]))
            assert found is not None
            assert found.fee == one["fee"] > 0
            payers.append(found.fee_payer)
        assert payers == [Wallet.dev(info.SPONSOR).address] * REQUESTS


async def test_a_session_is_an_opening_and_a_close() -> None:
    money = await on_chain("tempo-session")
    assert [one["kind"] for one in money.transactions] == ["open", "close"]
    assert money.paid_units == REQUESTS * 1_000


async def test_a_stream_pays_for_its_tokens() -> None:
    money = await on_chain("tempo-stream")
    assert money.delivered == REQUESTS * OPERATIONS["tempo-stream"].units
    assert money.paid_units == money.delivered * 100


async def test_cards_cost_what_stripe_s_ledger_says() -> None:
    async with running() as (devnet, places):
        headers = {"Authorization": f"Bearer {places.stripe_key}"}
        async with httpx.AsyncClient(base_url=places.stripe_url, headers=headers) as stripe:

            async def balance() -> int:
                told = (await stripe.get("/v1/balance")).json()
                return sum(one["amount"] for which in ("available", "pending")
                           for one in told[which])  # fmt: skip

            before = await balance()
            money = await moved(devnet, places, OPERATIONS["stripe-charge"])
            assert money.paid_units == REQUESTS * 500_000
            assert (await balance() - before) * 10_000 == money.paid_units - money.fee_units
            again = await moved(devnet, places, OPERATIONS["stripe-charge"])
            assert len(again.transactions) == REQUESTS  # and none of those before


async def over_lightning(name: str) -> tuple[Money, dict[str, int]]:
    """What the books say, and by how many millisatoshis each node's channels changed."""
    async with running() as (devnet, places):
        told: dict[str, list[int]] = {"payer": [], "merchant": []}
        nodes: Any = {
            "payer": (places.lnd_url, places.lnd_macaroon),
            "merchant": (places.merchant_lnd_url, places.merchant_lnd_macaroon),
        }

        async def look() -> None:
            async with httpx.AsyncClient() as http:
                for who, (url, macaroon) in nodes.items():
                    headers = {"Grpc-Metadata-macaroon": macaroon}
                    answer = await http.get(f"{url}/v1/balance/channels", headers=headers)
                    told[who].append(int(answer.json()["local_balance"]["msat"]))

        await look()
        money = await moved(devnet, places, OPERATIONS[name])
        await look()
        return money, {who: after - before for who, (before, after) in told.items()}


async def test_invoices_cost_what_the_nodes_channels_lost() -> None:
    money, changed = await over_lightning("lightning-charge")
    assert changed["merchant"] == money.paid_units == REQUESTS * 10_000
    assert -changed["payer"] == money.paid_units + money.fee_units


async def test_a_deposit_and_its_refund_cost_both_their_fees() -> None:
    money, changed = await over_lightning("lightning-session")
    assert [one["kind"] for one in money.transactions] == ["payment", "refund"]
    assert money.paid_units == REQUESTS * 1_000
    assert -changed["payer"] - changed["merchant"] == money.fee_units > 0
