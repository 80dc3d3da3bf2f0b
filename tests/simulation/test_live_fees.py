"""What a visit costs in the model is what the live devnet's books say that it cost (issue 7).

Real clients pay a real shop over each rail; the model is asked what the same visit costs.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.books import Books
from benchmarks.operations import OPERATIONS, Customer
from benchmarks.orders import Places
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import FEE_MANAGER, PATH_USD
from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from mock_rails.tempo.tx.model import Call
from sandbox import info
from sandbox.chain.sender import Sender
from sandbox.client.wallet import Wallet
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings
from scenarios.facts import cards, lightning, tempo
from scenarios.model import costs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUESTS = 3
SET_USER_TOKEN = Function("setUserToken(address)")


class Market:
    """A devnet, and what visits to its shop cost there."""

    def __init__(self, devnet: Devnet) -> None:
        about = devnet.info()
        self.devnet = devnet
        self.places = Places.of(about, about["merchants"])

    def customer(self, operation: str, name: str) -> Customer:
        return Customer(OPERATIONS[operation], self.places, name, self.devnet.context.clock)

    async def fees(self, operation: str, name: str = "a customer") -> list[tuple[str, int]]:
        """Every fee of a visit in the books, with what it was for; in base units."""
        async with Books(OPERATIONS[operation], self.places) as books:
            since = await books.place()
            async with self.customer(operation, name) as customer:
                for _ in range(REQUESTS):
                    await customer.request()
            money = await books.money(since, REQUESTS)
        assert money is not None
        return [(one["kind"], one["fee"]) for one in money.transactions]


@asynccontextmanager
async def market() -> AsyncIterator[Market]:
    settings = DevnetSettings(seed="live fees", server_timing=True).with_free_ports()
    async with Devnet(settings) as devnet:
        yield Market(devnet)


@asynccontextmanager
async def quiet_chain() -> AsyncIterator[Market]:
    """As the model has it: others have channels, the base fee is at its floor, and the merchant
    pays its fees in the token that it is paid in."""
    async with market() as here, AsyncExitStack() as stack:
        rpc = here.devnet.rpc
        assert rpc is not None
        merchant = Sender(rpc, Wallet.dev(info.MERCHANT), clock=here.devnet.context.clock)
        await merchant.send([Call(FEE_MANAGER, 0, SET_USER_TOKEN.call(PATH_USD))])
        other = await stack.enter_async_context(here.customer("tempo-session", "another"))
        await other.request()
        await rpc.call("anvil_mine", hex(60))
        yield here


async def test_charges_and_sessions_on_the_chain() -> None:
    """Each transaction's fee, and their sum, with which the studies reckon; a payer's second
    channel opens on the slot of its first."""
    charge, opening, again, close = (
        fee_amount(gas, MIN_BASE_FEE)
        for gas in (tempo.CHARGE, tempo.OPEN, tempo.OPEN_AGAIN, tempo.CLOSE)
    )
    async with quiet_chain() as here:
        charges = await here.fees("tempo-charge")
        first = await here.fees("tempo-session")
        second = await here.fees("tempo-session")
        stream = await here.fees("tempo-stream", "a listener")
    assert charges == [("charge", charge)] * REQUESTS
    assert first == stream == [("open", opening), ("close", close)]
    assert second == [("open", again), ("close", close)]
    told = {"tempo charge": charges, "tempo session": first, costs.AGAIN: second}
    for way, found in told.items():
        assert sum(fee for _, fee in found) == costs.WAYS[way](REQUESTS, 1_000, MIN_BASE_FEE)


async def test_cards() -> None:
    """Stripe's ledger has the card's fee; the token's is another bill (facts: stripe 3)."""
    price = 50 * cards.CENT
    async with market() as here:
        found = await here.fees("stripe-charge")
    assert found == [("card", cards.card_fee(price))] * REQUESTS
    whole = costs.card_charge(REQUESTS, price, MIN_BASE_FEE)
    assert whole == sum(fee for _, fee in found) + REQUESTS * cards.TOKEN


@pytest.mark.parametrize(
    ("operation", "amounts"),
    [
        ("lightning-charge", [("payment", 10_000)] * REQUESTS),
        ("lightning-session", [("payment", 100_000), ("refund", 100_000 - REQUESTS * 1_000)]),
    ],
)
async def test_lightning(operation: str, amounts: list[Any]) -> None:
    """Every payment over the devnet's one hub, and the refund of what a deposit had left."""
    async with market() as here:
        found = await here.fees(operation)
    assert found == [(kind, lightning.routing_fee(amount, hops=2)) for kind, amount in amounts]
