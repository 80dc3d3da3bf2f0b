"""A call is paid by card, once, and what a card says no to is not tried again.

Facts: stripe 0.2 (one token for one call), 1.4 (tokens), 2.2 and 2.3 (test cards).
"""

from __future__ import annotations

import asyncio

import pytest

from sandbox.client.budget import Budget
from sandbox.client.errors import BudgetExceededError, PaymentDeclinedError, PaymentNotPreparedError
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from tests.unit.sandbox.client.cards.world import CHARGED, MINTED, PRICE, customer, posted, tokens
from tests.unit.sandbox.server.cards import opened


async def test_a_token_for_exactly_the_challenge_is_minted_and_charged() -> None:
    async with opened() as world, customer(world) as client:
        answer = await client.get("/goods")
        assert (answer.status_code, answer.text) == (200, "the goods")
        made = payment_of(answer)
        assert isinstance(made, PaymentMade)
        (intent,) = world.rail.state.all("payment_intents")
        assert (made.method, made.reference) == ("stripe/charge", intent.id)
        assert client.card_ledger.tally() == Tally(PRICE, 0)
        assert client.ledger.tally() == Tally(0, 0)
        (asked,) = await posted(world, MINTED)
        limits = asked["params"]["usage_limits"]
        assert (limits["max_amount"], limits["currency"]) == (str(PRICE), "usd")
        assert asked["params"]["seller_details"] == {"network_id": "profile_test_sandbox"}
        assert asked["challenge_id"] == made.challenge_id == intent["metadata"]["mpp_challenge_id"]
        assert made.challenge_id in asked["idempotency_key"]
        assert tokens(world) == ["consumed"]


async def test_a_token_ends_with_its_challenge() -> None:
    async with opened() as world:
        challenge = await world.challenge()
        assert challenge.expires is not None
        async with customer(world) as client:
            await client.get("/goods")
        (token,) = world.rail.state.all("granted_tokens")
        left_s = token["usage_limits"]["expires_at"] - world.clock.now_s()
        assert 0 < left_s <= 600


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("pm_card_visa_chargeDeclined", "declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired"),
    ],
)
async def test_a_decline_is_one_payment_intent_and_one_token(card: str, says: str) -> None:
    async with opened() as world, customer(world, payment_method=card) as client:
        answer = await client.get("/goods")
        assert answer.status_code == 402
        refused = payment_of(answer)
        assert isinstance(refused, PaymentNotMade)
        assert (refused.is_declined, refused.attempts) == (True, 1)
        with pytest.raises(PaymentDeclinedError, match=says):
            refused.raise_if_unpaid()
        assert world.intents() == ["requires_payment_method"]
        assert tokens(world) == ["revoked"]
        assert client.card_ledger.tally() == Tally(0, 0)
        assert world.shop.app.scopes == []


async def test_a_bank_that_wants_to_see_the_buyer_is_asked_once() -> None:
    async with (
        opened() as world,
        customer(world, payment_method="pm_card_authenticationRequired") as client,
    ):
        answer = await client.get("/goods")
        refused = payment_of(answer)
        assert isinstance(refused, PaymentNotMade)
        assert refused.is_declined
        assert "3D Secure" in refused.reason
        assert world.intents() == ["requires_action"]
        assert tokens(world) == ["revoked"]
        assert client.card_ledger.tally() == Tally(0, 0)


async def test_two_calls_at_once_have_two_tokens() -> None:
    async with opened() as world, customer(world) as client:
        answers = await asyncio.gather(client.get("/goods"), client.get("/goods"))
        assert [one.status_code for one in answers] == [200, 200]
        assert tokens(world) == ["consumed", "consumed"]
        assert world.intents() == ["succeeded", "succeeded"]
        assert client.card_ledger.tally() == Tally(2 * PRICE, 0)


async def test_the_budget_is_asked_before_stripe_is() -> None:
    budget = Budget.parse(decimals=2, allowed_currencies=["usd"], total="0.99")
    async with opened() as world, customer(world, card_budget=budget) as client:
        assert (await client.get("/goods")).status_code == 200
        with pytest.raises(BudgetExceededError, match=r"asks for 0.5, but 0.49 is left"):
            await client.get("/goods")
        assert len(await posted(world, MINTED)) == 1
        assert len(await posted(world, CHARGED)) == 1


async def test_a_card_that_nobody_has_pays_nothing() -> None:
    async with opened() as world, customer(world, payment_method="pm_card_nobodys") as client:
        with pytest.raises(PaymentNotPreparedError, match="made no payment token"):
            await client.get("/goods")
        assert client.card_ledger.tally() == Tally(0, 0)
        assert world.intents() == []


async def test_a_newer_stripe_that_knows_no_seller_details_is_asked_without() -> None:
    async with opened() as world, customer(world) as client:
        object.__setattr__(world.rail.settings, "strict_tokens", True)
        assert (await client.get("/goods")).status_code == 200
        first, second = await posted(world, MINTED)
        assert (first["status"], second["status"]) == (400, 200)
        assert "seller_details" not in second["params"]
