"""Cards and tokens have budgets of their own; what is in doubt outlives a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.core.errors import BadInput
from sandbox.client.budget import Budget, Payment
from sandbox.client.client import PaidClient
from sandbox.client.errors import (
    CurrencyNotAllowedError,
    HostNotAllowedError,
    OutcomeUnknownError,
)
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from sandbox.client.wallet import Wallet
from tests.unit.sandbox.client.cards.test_lost_answers import FOREVER, REVOKED, arm, shop_line
from tests.unit.sandbox.client.cards.world import CHARGED, MINTED, PRICE, customer, posted, tokens
from tests.unit.sandbox.server.cards import World, opened
from tests.unit.sandbox.server.support import FakeOffer, Shop, credential

if TYPE_CHECKING:
    from pathlib import Path

    from mpp import Challenge

    from sandbox.client.payer import Order

USD = Budget.parse(decimals=2, allowed_currencies=["usd"], total="0.99")


async def leave_in_doubt(world: World, state: Path) -> None:
    """A run that was charged, and that could ask nobody about it."""
    line = shop_line(world, *["answer lost"] * 3)
    arm(world, REVOKED, "drop", FOREVER)
    async with customer(world, line=line, state=state, card_budget=USD) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.get("/goods")
        assert client.card_ledger.tally() == Tally(0, PRICE)


async def test_the_next_run_finds_what_was_in_doubt_and_settles_it(tmp_path: Path) -> None:
    async with opened() as world:
        await leave_in_doubt(world, tmp_path)
        world.rail.context.faults.clear()
        async with customer(world, state=tmp_path, card_budget=USD) as client:
            assert client.card_ledger.tally() == Tally(0, PRICE)
            assert len(client.card_ledger.unknown) == 1
            assert await client.reconcile() == ()
            assert client.card_ledger.tally() == Tally(PRICE, 0)
        async with customer(world, state=tmp_path, card_budget=USD) as client:
            assert client.card_ledger.tally() == Tally(PRICE, 0)


async def test_at_another_stripe_it_stays_in_doubt(tmp_path: Path) -> None:
    async with opened() as world, opened() as other:
        await leave_in_doubt(world, tmp_path)
        async with customer(other, state=tmp_path, card_budget=USD) as client:
            assert len(await client.reconcile()) == 1
            assert client.card_ledger.tally() == Tally(0, PRICE)


async def test_a_run_that_ends_before_it_shows_a_token_has_spent_nothing(tmp_path: Path) -> None:
    async with opened() as world:
        async with customer(world, state=tmp_path) as client:
            payment = Payment(PRICE, currency="usd", host="shop.test")
            # As just before the token is asked for.
            assert client.card_ledger.reserve(payment, {"method": "stripe/charge"}).row is not None
        async with customer(world, state=tmp_path) as client:
            assert client.card_ledger.tally() == Tally(0, 0)


async def test_a_call_that_is_given_up_leaves_no_token_that_could_be_charged() -> None:
    """A caller's own timeout cuts it short while the merchant is at work."""
    async with opened() as world:
        arm(world, CHARGED, "delay", ms=300)
        async with customer(world) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/goods"), 0.15)
            assert client.card_ledger.tally() == Tally(0, PRICE)
        (ended,) = tokens(world)
        spent, reserved = client.card_ledger.tally()
        assert (ended, spent, reserved) in {("consumed", PRICE, 0), ("revoked", 0, 0)}


async def test_looking_up_what_is_in_doubt_disturbs_no_call_that_is_under_way() -> None:
    async with opened() as world, customer(world) as client:
        arm(world, CHARGED, "delay", ms=300)
        call = asyncio.create_task(client.get("/goods"))
        await asyncio.sleep(0.15)
        assert len(client.card_ledger.open) == 1
        assert await client.reconcile() == ()
        assert (await call).status_code == 200
        assert tokens(world) == ["consumed"]


async def test_a_wallet_and_a_card_keep_their_sums_in_one_place(tmp_path: Path) -> None:
    async with opened() as world, customer(world) as cards:
        options = {"card": cards.card, "state": tmp_path, "clock": world.clock}
        http = httpx.AsyncClient(transport=httpx.ASGITransport(world.shop.gate))
        async with http:
            for paid in (1, 2):
                async with PaidClient(Wallet.dev(1), http=http, **options) as client:
                    assert (await client.get("http://shop.test/goods")).status_code == 200
                    assert client.card_ledger.tally() == Tally(paid * PRICE, 0)
                    assert client.ledger.tally() == Tally(0, 0)


async def test_tokens_and_cards_do_not_share_a_budget() -> None:
    async with opened() as world:
        tight = Budget.parse(
            decimals=6, allowed_currencies=["0x20c0000000000000000000000000000000000000"], total="0"
        )
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(world.shop.gate), base_url="http://shop.test"
        )
        async with http, customer(world) as cards:
            both = PaidClient(Wallet.dev(1), tight, card=cards.card, http=http, clock=world.clock)
            async with both as client:
                assert (await client.get("/goods")).status_code == 200
                assert client.card_ledger.tally() == Tally(PRICE, 0)
                assert client.ledger.tally() == Tally(0, 0)


@pytest.mark.parametrize(
    ("budget", "error"),
    [
        (Budget(allowed_currencies=["eur"], total=1_000), CurrencyNotAllowedError),
        (Budget(allowed_hosts=["elsewhere.example"]), HostNotAllowedError),
    ],
)
async def test_what_a_budget_forbids_is_not_asked_of_stripe(
    budget: Budget, error: type[Exception]
) -> None:
    async with opened() as world, customer(world, card_budget=budget) as client:
        with pytest.raises(error):
            await client.get("/goods")
        assert await posted(world, MINTED) == []


# -- several methods ------------------------------------------------------------------------------


class FakePayer:
    """Pays the fake offers of the gate's tests."""

    name = "fake/charge"

    def can_pay(self, challenge: Challenge) -> bool:
        return challenge.method == "fake"

    async def prepare(self, challenge: Challenge, order: Order) -> FakeAttempt:
        return FakeAttempt(challenge)

    async def close(self) -> None:
        pass


class FakeAttempt:
    def __init__(self, challenge: Challenge) -> None:
        self.authorization = credential(challenge)

    async def taken(self, response: httpx.Response) -> None:
        pass

    async def refused(self, response: httpx.Response) -> bool:
        return True

    async def lost(self, error: Exception) -> None:
        pass


@pytest.mark.parametrize(("total", "paid_by"), [("1.00", "stripe/charge"), ("0.10", "fake/charge")])
async def test_the_first_method_that_the_budget_allows_is_paid(total: str, paid_by: str) -> None:
    budget = Budget.parse(decimals=2, allowed_currencies=["usd"], total=total)
    options = {"payers": [FakePayer()], "card_budget": budget}
    async with (
        opened() as world,
        Shop(FakeOffer(), *world.shop.offers, clock=world.clock) as shop,
        customer(world, line=httpx.ASGITransport(shop.gate), **options) as client,
    ):
        made = payment_of(await client.get("/goods"))
        assert isinstance(made, PaymentMade)
        assert made.method == paid_by


async def test_an_amount_below_a_cards_least_is_not_chosen() -> None:
    async with (
        opened() as world,
        Shop(FakeOffer(method="stripe", amount="10"), clock=world.clock) as shop,
        customer(world, line=httpx.ASGITransport(shop.gate)) as client,
    ):
        refused = payment_of(await client.get("/goods"))
        assert isinstance(refused, PaymentNotMade)
        assert refused.offered == ("stripe/charge",)
        assert tokens(world) == []


async def test_methods_without_something_to_pay_with_are_refused() -> None:
    with pytest.raises(BadInput, match="paid by card"):
        PaidClient(Wallet.dev(1), prefer=["stripe/charge"])
    async with opened() as world, customer(world) as client:
        assert [one.name for one in client.payers] == ["stripe/charge"]
        with pytest.raises(BadInput, match="from a wallet"):
            PaidClient(card=client.card, prefer=["tempo/charge"])
