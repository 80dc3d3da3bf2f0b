"""A charge over Lightning, from the 402 to the receipt (facts: lightning 1.1-1.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from sandbox.client.budget import Budget
from sandbox.client.errors import (
    BudgetExceededError,
    CurrencyNotAllowedError,
    OutcomeUnknownError,
    PaymentNotPreparedError,
)
from sandbox.client.ledger import Tally
from sandbox.client.lightning.errors import InvoiceRefusedError
from sandbox.client.outcome import PaymentNotMade, payment_of
from sandbox.lightning import LndNode, Paid
from tests.unit.sandbox.client.lightning.world import (
    COST,
    FEE,
    PRICE,
    asking,
    customer,
    debits,
    lossy,
    wallet,
)
from tests.unit.sandbox.client.market import paid_by
from tests.unit.sandbox.server.lightning.support import opened


def budget(**limits: int) -> Budget:
    return Budget(allowed_currencies=("sat",), decimals=0, **limits)


async def test_an_invoice_is_paid_and_its_preimage_shown() -> None:
    async with opened() as world, customer(world) as client:
        before_msat = world.balance()
        answer = await client.get("/charge")
        made = paid_by(answer)
        assert answer.text == "the goods"
        assert made.method == "lightning/charge"
        (payment,) = world.rail.node("payer").payments()
        assert made.reference == payment.payment_hash.hex()
        assert before_msat - world.balance() == COST * 1_000
        assert client.lightning_ledger.tally() == Tally(COST, 0)
        assert client.ledger.tally() == Tally(0, 0)


async def test_what_is_reserved_for_the_fee_and_not_used_is_free_again() -> None:
    """5 % of 100 sat may be asked for; one is."""
    async with opened() as world:
        async with customer(world, lightning_budget=budget(total=2 * COST + 4)) as client:
            assert (await client.get("/charge")).status_code == 200
            assert (await client.get("/charge")).status_code == 200
            assert client.lightning_ledger.tally() == Tally(2 * COST, 0)
            with pytest.raises(BudgetExceededError) as refused:
                await client.get("/charge")
            assert (refused.value.limit, refused.value.left) == ("total", 4)
        assert debits(world) == ["SUCCEEDED"] * 2


async def test_a_budget_for_the_price_alone_pays_free_routes_only() -> None:
    """No fee is paid that the budget does not cover; LND reads a limit of 0 so (facts 4.3)."""
    async with opened() as world, customer(world, lightning_budget=budget(total=PRICE)) as client:
        with pytest.raises(PaymentNotPreparedError, match="NO_ROUTE") as failed:
            await client.get("/charge")
        assert failed.value.details["fee_limit_sat"] == 0
        assert client.lightning_ledger.tally() == Tally(0, 0)
        assert debits(world) == ["FAILED"]


@pytest.mark.parametrize("limit", ["per_request", "total", "per_recipient"])
async def test_a_price_beyond_a_limit_is_not_paid(limit: str) -> None:
    async with opened() as world:
        async with customer(world, lightning_budget=budget(**{limit: PRICE - 1})) as client:
            with pytest.raises(BudgetExceededError) as refused:
                await client.get("/charge")
            assert refused.value.limit == limit
        assert debits(world) == []


async def test_the_wallets_own_limit_of_fees_holds() -> None:
    async with opened() as world:
        thrifty = wallet(world, least_fee_sat=0, fee_percent=0)
        async with customer(world, pays=thrifty) as client:
            with pytest.raises(PaymentNotPreparedError, match="NO_ROUTE"):
                await client.get("/charge")
        assert thrifty.fee_limit_sat(1_000_000) == 0
        assert wallet(world).fee_limit_sat(20) == 2  # a share alone would round to free routes
        assert wallet(world).fee_limit_sat(1_000) == 50


async def test_ten_requests_at_once_pay_ten_invoices_within_the_budget() -> None:
    async with opened() as world:
        limits = budget(total=5 * (PRICE + 5))  # each with the most that its fee may be
        async with customer(world, lightning_budget=limits) as client:
            asked = (client.get("/charge") for _ in range(10))
            got = await asyncio.gather(*asked, return_exceptions=True)
            paid = [one for one in got if isinstance(one, httpx.Response)]
            refused = [one for one in got if isinstance(one, BudgetExceededError)]
            assert (len(paid), len(refused)) == (5, 5)
            assert client.lightning_ledger.tally() == Tally(5 * COST, 0)
        assert debits(world) == ["SUCCEEDED"] * 5


class Told(httpx.AsyncBaseTransport):
    """A server that always answers the same."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer, or the last again."""
        self.asked += 1
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return httpx.Response(answer.status_code, headers=answer.headers)


@pytest.mark.parametrize("currency", ["BTC", "SAT", "usd", ""])
async def test_only_satoshis_are_paid(currency: str) -> None:
    """Samples say BTC; the text says sat, and a client must not guess (facts 1.6)."""
    async with opened() as world:
        shop = Told(asking(world, currency=currency))
        async with customer(world, shop) as client:
            with pytest.raises(CurrencyNotAllowedError, match="only 'sat'"):
                await client.get("/charge")
        assert debits(world) == []


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"amount": "99"}, "does not ask for the amount"),
        ({"invoice_sat": 1_000}, "does not ask for the amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1e2"}, "amount"),
        ({"payment_hash": "ab" * 32}, "paymentHash"),
        ({"payment_hash": "AB" * 32}, "paymentHash"),
        ({"network": "signet"}, "network"),
        ({"network": None}, "network"),  # which means mainnet
        ({"invoice": "lnbcrt1"}, "invoice"),
        ({"invoice": None}, "invoice"),
    ],
)
async def test_an_invoice_that_contradicts_its_challenge_is_not_paid(
    odd: dict[str, str | int | None], words: str
) -> None:
    async with opened() as world:
        shop = Told(asking(world, **odd))  # type: ignore[arg-type]
        async with customer(world, shop) as client:
            with pytest.raises(InvoiceRefusedError, match=words):
                await client.get("/charge")
            assert client.lightning_ledger.tally() == Tally(0, 0)
        assert debits(world) == []


async def test_a_wallet_pays_on_its_own_network_only() -> None:
    async with opened() as world:

        class Elsewhere(type(world.payer)):  # type: ignore[misc]
            network = "signet"

        node = Elsewhere("http://lnd.internal", "00")
        async with customer(world, pays=wallet(world, node)) as client:
            with pytest.raises(InvoiceRefusedError, match=r"network regtest.*signet"):
                await client.get("/charge")
        await node.aclose()


async def test_currency_comes_before_the_end_and_the_end_before_the_invoice() -> None:
    """The draft's order (facts 1.5): what is refused for good needs no fresh challenge."""
    long_ago = "2020-01-01T00:00:00Z"
    async with opened() as world:
        shop = Told(asking(world, expires=long_ago, invoice="none"))
        async with customer(world, shop) as client:
            answer = await client.get("/charge")
            found = payment_of(answer)
            assert isinstance(found, PaymentNotMade)
            assert "expired" in found.reason
        assert shop.asked == 2  # a fresh one was asked for, once
        assert debits(world) == []


async def test_an_expired_invoice_in_a_fresh_challenge_is_asked_for_anew() -> None:
    async with opened() as world:
        stale = asking(world)
        world.clock.advance(86_401)
        shop = Told(stale, asking(world), httpx.Response(200))
        async with customer(world, shop) as client:
            assert (await client.get("/charge")).status_code == 200
            assert client.lightning_ledger.tally() == Tally(COST, 0)
        assert debits(world) == ["SUCCEEDED"]


async def test_a_challenge_without_an_end_and_without_a_hash_is_paid_by_its_invoice() -> None:
    """`paymentHash` is optional for a client; the invoice says it (facts 1.1)."""
    async with opened() as world:
        shop = Told(asking(world, paymentHash=None), httpx.Response(200))
        async with customer(world, shop) as client:
            assert (await client.get("/charge")).status_code == 200
            assert client.lightning_ledger.tally().spent == PRICE + FEE


class Lying(LndNode):
    """A node that says that it has paid, and shows another preimage."""

    async def pay(self, bolt11: str, **options: Any) -> Paid:
        """A preimage that nobody asked for."""
        return Paid(bytes(32), 0)


async def test_a_preimage_that_does_not_fit_is_shown_to_nobody() -> None:
    async with opened() as world:
        line = lossy(world)
        node = Lying("http://lnd.internal", "00", http=world.payer._http)
        async with customer(world, line, pays=wallet(world, node)) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.get("/charge")
        assert line.paid == []
