"""Whatever answer is lost, a call is charged once at most, and its end is told.

Facts: stripe 0.2 - one dropped response makes two PaymentIntents with the clients that people use.
Here something is lost at every call in turn: when the token is minted, when the merchant charges
it, and when the merchant answers the client.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.stripe.faults import REQUEST
from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.ledger import Tally
from sandbox.client.outcome import PaymentNotMade, payment_of
from tests.unit.sandbox.client.cards.world import (
    CHARGED,
    MINTED,
    PRICE,
    customer,
    posted,
    tokens,
)
from tests.unit.sandbox.client.market import Line
from tests.unit.sandbox.server.cards import World, opened

if TYPE_CHECKING:
    from sandbox.client.client import PaidClient

WAYS = ("commit_then_drop", "truncate", "drop")
FOREVER = "every=1"
REVOKED = f"{MINTED}/{{id}}/revoke"


def arm(world: World, path: str, do: str, when: str = "nth=1", **args: Any) -> None:
    where = {"verb": "POST", "route": path}
    world.rail.context.faults.arm(
        {"at": REQUEST, "do": do, "when": when, "args": args, "where": where}
    )


def shop_line(world: World, *accidents: str) -> Line:
    return Line(httpx.ASGITransport(world.shop.gate, raise_app_exceptions=False), *accidents)


def assert_paid_once(world: World, client: PaidClient) -> None:
    assert world.intents() == ["succeeded"]
    assert tokens(world) == ["consumed"]
    assert len(world.shop.app.scopes) == 1
    assert client.card_ledger.tally() == Tally(PRICE, 0)


@pytest.mark.parametrize("do", WAYS)
@pytest.mark.parametrize("path", [MINTED, CHARGED])
async def test_an_answer_of_stripe_is_lost(path: str, do: str) -> None:
    async with opened() as world, customer(world) as client:
        arm(world, path, do)
        answer = await client.get("/goods")
        assert (answer.status_code, answer.text) == (200, "the goods")
        assert_paid_once(world, client)
        asked = await posted(world, path)
        assert len(asked) == 2
        assert len({one["idempotency_key"] for one in asked}) == 1


@pytest.mark.parametrize("status", [409, 500])
@pytest.mark.parametrize("path", [MINTED, CHARGED])
async def test_stripe_is_busy_once(path: str, status: int) -> None:
    async with opened() as world, customer(world) as client:
        arm(world, path, "error", status=status, code="idempotency_key_in_use")
        assert (await client.get("/goods")).status_code == 200
        assert_paid_once(world, client)


@pytest.mark.parametrize(
    "accidents",
    [
        ("answer lost",),
        ("answer lost", "answer lost"),
        ("request lost", "answer lost"),
        ("no connection", "gateway"),
    ],
)
async def test_the_merchants_answer_is_lost(accidents: tuple[str, ...]) -> None:
    async with opened() as world:
        line = shop_line(world, *accidents)
        async with customer(world, line=line) as client:
            answer = await client.get("/goods")
            assert (answer.status_code, answer.text) == (200, "the goods")
            assert_paid_once(world, client)
            assert len({one.headers["authorization"] for one in line.paid}) == 1


async def test_every_answer_is_lost_at_once() -> None:
    async with opened() as world, customer(world, line=shop_line(world, "answer lost")) as client:
        arm(world, MINTED, "commit_then_drop")
        arm(world, CHARGED, "commit_then_drop")
        assert (await client.get("/goods")).status_code == 200
        assert_paid_once(world, client)


async def test_the_merchant_is_paid_and_never_heard_of_again() -> None:
    """The token says that it was charged, so that the caller is told and nothing is paid again."""
    async with opened() as world:
        line = shop_line(world, *["answer lost"] * 3)
        async with customer(world, line=line) as client:
            with pytest.raises(OutcomeUnknownError, match="payment was made") as unknown:
                await client.get("/goods")
            assert unknown.value.paid is True
            assert client.card_ledger.tally() == Tally(PRICE, 0)
        assert world.intents() == ["succeeded"]
        assert tokens(world) == ["consumed"]
        assert len(line.sent) == 4  # the first 402, and one credential three times


async def test_the_merchant_was_not_reached_and_the_token_cannot_be_charged_later() -> None:
    async with opened() as world:
        line = shop_line(world, *["request lost"] * 3)
        async with customer(world, line=line) as client:
            with pytest.raises(OutcomeUnknownError, match="withdrawn") as unknown:
                await client.get("/goods")
            assert unknown.value.paid is False
            assert client.card_ledger.tally() == Tally(0, 0)
        assert tokens(world) == ["revoked"]
        late = await world.shop.get(
            headers={"authorization": line.paid[0].headers["authorization"]}
        )
        assert late.status_code == 402
        assert "succeeded" not in world.intents()


async def test_nobody_listens_any_more() -> None:
    async with opened() as world:
        line = shop_line(world, *["no connection"] * 3)
        async with customer(world, line=line) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/goods")
            assert client.card_ledger.tally() == Tally(0, 0)
        assert tokens(world) == ["revoked"]


async def test_a_merchant_that_refuses_what_it_was_paid_is_found_out() -> None:
    """mppx with stripe-node answers 402 to a payment whose first answer it lost (facts 0.2)."""
    async with opened() as world:
        line = Liar(httpx.ASGITransport(world.shop.gate))
        async with customer(world, line=line) as client:
            with pytest.raises(
                OutcomeUnknownError, match="answered HTTP 402 to a payment that was"
            ):
                await client.get("/goods")
            assert client.card_ledger.tally() == Tally(PRICE, 0)
        assert world.intents() == ["succeeded"]
        assert tokens(world) == ["consumed"]


async def test_stripe_never_says_whether_a_token_was_made() -> None:
    """No server was shown the token, so that nothing was paid whatever became of it."""
    async with opened() as world, customer(world) as client:
        arm(world, MINTED, "commit_then_drop", FOREVER)
        with pytest.raises(PaymentNotPreparedError, match="made no payment token"):
            await client.get("/goods")
        assert client.card_ledger.tally() == Tally(0, 0)
        assert len(tokens(world)) == 1
        assert world.intents() == []


async def test_stripe_never_says_whether_it_charged() -> None:
    """The merchant cannot tell, so that the client asks Stripe itself: its token was used."""
    async with opened() as world, customer(world) as client:
        arm(world, CHARGED, "commit_then_drop", FOREVER)
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/goods")
        assert unknown.value.paid is True
        assert world.intents() == ["succeeded"]
        assert tokens(world) == ["consumed"]
        assert world.shop.app.scopes == []
        assert client.card_ledger.tally() == Tally(PRICE, 0)


async def test_nobody_knows_and_the_money_stays_aside_until_stripe_says() -> None:
    async with opened() as world:
        line = shop_line(world, *["answer lost"] * 3)
        async with customer(world, line=line) as client:
            arm(world, REVOKED, "drop", FOREVER)
            with pytest.raises(OutcomeUnknownError) as unknown:
                await client.get("/goods")
            assert unknown.value.paid is None
            assert client.card_ledger.tally() == Tally(0, PRICE)
            assert tokens(world) == ["consumed"]
            world.rail.context.faults.clear()
            assert await client.reconcile() == ()
            assert client.card_ledger.tally() == Tally(PRICE, 0)


async def test_the_answer_to_taking_a_token_back_is_lost() -> None:
    card = "pm_card_visa_chargeDeclined"
    async with opened() as world, customer(world, payment_method=card) as client:
        arm(world, REVOKED, "commit_then_drop")
        refused = payment_of(await client.get("/goods"))
        assert isinstance(refused, PaymentNotMade)
        assert refused.is_declined
        assert tokens(world) == ["revoked"]
        assert client.card_ledger.tally() == Tally(0, 0)


async def test_a_token_that_gets_there_too_late_has_expired() -> None:
    async with opened() as world:
        slow = Slow(httpx.ASGITransport(world.shop.gate), world)
        async with customer(world, line=slow) as client:
            refused = payment_of(await client.get("/goods"))
            assert isinstance(refused, PaymentNotMade)
            assert refused.is_declined
            assert "expired" in str((refused.problem or {})["type"])
            assert tokens(world) == ["expired"]
            assert world.intents() == []
            assert client.card_ledger.tally() == Tally(0, 0)


async def test_a_token_is_in_no_error_and_no_repr() -> None:
    async with opened() as world:
        line = shop_line(world, *["answer lost"] * 3)
        async with customer(world, line=line) as client:
            with pytest.raises(OutcomeUnknownError) as unknown:
                await client.get("/goods")
        (token,) = world.rail.state.all("granted_tokens")
        told = f"{unknown.value!r} {unknown.value} {unknown.value.details}"
        assert token.id not in told
        assert "sk_test" not in f"{told} {client.card!r}"


class Slow(httpx.AsyncBaseTransport):
    """A line on which a credential travels for an hour."""

    def __init__(self, inner: httpx.AsyncBaseTransport, world: World) -> None:
        self._inner = inner
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's time passes meanwhile."""
        if "authorization" in request.headers:
            self._world.clock.advance(timedelta(hours=1))
        return await self._inner.handle_async_request(request)


class Liar(httpx.AsyncBaseTransport):
    """A line on which a paid answer becomes the 402 that was sent before it."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._asked: httpx.Response | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer is kept, and every other is it again."""
        answer = await self._inner.handle_async_request(request)
        body = await answer.aread()
        if self._asked is None:
            self._asked = httpx.Response(answer.status_code, headers=answer.headers, content=body)
        return httpx.Response(
            self._asked.status_code, headers=self._asked.headers, content=self._asked.content
        )
