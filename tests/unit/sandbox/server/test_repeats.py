"""Idempotency-Key: same key, same response, one charge (facts: protocol 1.1, row 16)."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.sandbox.server.streaming.fakes import PRICE, FakeMeter
from tests.unit.sandbox.server.support import (
    App,
    FakeOffer,
    ProvingOffer,
    Shop,
    challenge_of,
    paid,
    problem,
)

KEY = {"Idempotency-Key": "order-1"}


async def test_the_same_credential_again_gets_the_same_answer() -> None:
    async with Shop(app=App(headers=[(b"x-own", b"1")])) as shop:
        headers = {**KEY, **paid(challenge_of(await shop.get()))}
        first = await shop.get(headers=headers)
        again = await shop.get(headers=headers)
        assert first.status_code == again.status_code == 200
        assert first.content == again.content
        assert first.headers == again.headers
        assert "payment-receipt" in again.headers
        assert len(shop.offers[0].settled) == len(shop.app.scopes) == 1
        assert shop.journal.read()[-1].data["replayed"] is True


async def test_a_new_credential_of_the_same_payer_is_not_charged() -> None:
    async with Shop(ProvingOffer()) as shop:
        first = await shop.pay(headers=KEY)
        again = await shop.pay(headers=KEY)
        assert first.headers == again.headers
        assert len(shop.offers[0].settled) == 1


async def test_another_payer_with_the_same_key_gets_goods_of_its_own() -> None:
    """A key that is guessed must not hand out what somebody else paid for."""
    for offer in (ProvingOffer(), FakeOffer()):
        async with Shop(offer) as shop:
            await shop.pay(headers=KEY)
            challenge = challenge_of(await shop.get())
            other = await shop.get(headers={**KEY, **paid(challenge, source="did:pkh:x:1:other")})
            assert other.status_code == 200
            assert len(offer.settled) == 2


async def test_the_key_with_another_body_is_refused() -> None:
    async with Shop(ProvingOffer()) as shop:
        await shop.pay(method="POST", content=b"cats", headers=KEY)
        other = await shop.pay(method="POST", content=b"dogs", headers=KEY)
        assert (other.status_code, problem(other)) == (422, "idempotency-mismatch")
        assert "www-authenticate" not in other.headers
        assert len(shop.offers[0].settled) == 1


async def test_while_the_first_runs_the_second_waits() -> None:
    async with Shop(ProvingOffer()) as shop:
        go_on = asyncio.Event()

        async def hold() -> None:
            await go_on.wait()

        shop.offers[0].before = hold
        first = asyncio.create_task(shop.pay(headers=KEY))
        while not shop.offers[0].asked:
            await shop.clock.yield_to_loop()
        second = await shop.pay(headers=KEY)
        assert (second.status_code, problem(second)) == (409, "idempotency-in-progress")
        assert int(second.headers["retry-after"]) > 0
        go_on.set()
        assert (await first).status_code == 200
        assert len(shop.offers[0].settled) == 1


async def test_a_refused_payment_leaves_the_key_free() -> None:
    async with Shop(ProvingOffer()) as shop:
        bad = paid(challenge_of(await shop.get()), payload={"proof": "bad"})
        assert (await shop.get(headers={**KEY, **bad})).status_code == 402
        assert (await shop.pay(headers=KEY)).status_code == 200


async def test_an_attempt_that_may_have_charged_is_not_followed_by_another() -> None:
    async with Shop(ProvingOffer()) as shop:
        (offer,) = shop.offers
        offer.fails = RuntimeError("lost")
        assert (await shop.pay(headers=KEY)).status_code == 500
        offer.fails = None
        for later_s in (0, 60, 60 * 60):  # nor does a refusal prove that nothing was charged
            shop.clock.advance(later_s)
            again = await shop.pay(headers=KEY)
            assert (again.status_code, problem(again)) == (500, "internal-payment-error")
        assert offer.settled == []


async def test_a_voucher_that_may_have_paid_is_never_followed_by_another() -> None:
    async with Shop(ProvingOffer(intent="session", is_single_use=False)) as shop:
        (offer,) = shop.offers
        offer.fails = RuntimeError("lost")
        assert (await shop.pay(headers=KEY)).status_code == 500
        offer.fails = None
        shop.clock.advance(60)
        for _ in range(3):
            again = await shop.pay(headers=KEY)
            assert (again.status_code, problem(again)) == (500, "internal-payment-error")
        assert offer.settled == []


async def test_a_stream_that_nothing_was_charged_for_leaves_the_key_free() -> None:
    offer = ProvingOffer(intent="session", is_single_use=False, amount="0")
    offer.meter = FakeMeter(0)
    offer.meter.never_waits = True
    async with Shop(offer, streams=True) as shop:
        first = await shop.pay(method="POST", headers=KEY)
        assert (first.status_code, problem(first)) == (402, "insufficient-balance")
        offer.meter.accepted += PRICE
        assert (await shop.pay(method="POST", headers=KEY)).status_code == 200


@pytest.mark.parametrize(
    "app", [App(headers=[(b"content-type", b"text/event-stream")]), App(body=b"x" * 300_000)]
)
async def test_streams_and_large_answers_are_not_kept_and_not_charged_again(app: App) -> None:
    async with Shop(ProvingOffer(), app=app) as shop:
        assert (await shop.pay(headers=KEY)).status_code == 200
        again = await shop.pay(headers=KEY)
        assert (again.status_code, problem(again)) == (409, "answer-not-kept")
        assert len(shop.offers[0].settled) == 1


async def test_a_key_that_is_none_is_a_bad_request() -> None:
    async with Shop() as shop:
        answer = await shop.pay(headers={"Idempotency-Key": "x" * 256})
        assert (answer.status_code, problem(answer)) == (400, "bad-request")
        assert shop.offers[0].asked == []
