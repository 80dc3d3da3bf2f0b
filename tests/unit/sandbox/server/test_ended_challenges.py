"""A credential whose challenge has ended: what it paid for before is its own, and it pays no more.

Core draft, Idempotency (facts: protocol 1.1, rows 9 and 16; 1.5). A 402 invites to pay. So who has
paid in time and comes for the answer again, or may have paid, must not get one.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.sandbox.server.support import App, FakeOffer, Shop, challenge_of, paid, problem

KEY = {"Idempotency-Key": "order-1"}
LIFETIME_S = 5 * 60
DAY_S = 24 * 60 * 60


async def test_a_retry_after_the_end_gets_the_answer_that_was_paid_for() -> None:
    async with Shop() as shop:
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        first = await shop.get(headers=sent)
        shop.clock.advance(LIFETIME_S + 60 * 60)
        again = await shop.get(headers=sent)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers == first.headers
        assert len(shop.offers[0].settled) == len(shop.app.scopes) == 1
        assert shop.journal.read()[-1].data["replayed"] is True


async def test_a_credential_that_paid_nothing_gets_nothing_whatever_its_key() -> None:
    async with Shop() as shop:
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        shop.clock.advance(LIFETIME_S)
        late = await shop.get(headers=sent)
        assert (late.status_code, problem(late)) == (402, "payment-expired")
        assert challenge_of(late).id
        assert shop.offers[0].settled == shop.app.scopes == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "order-2"}])
async def test_the_answer_is_given_again_under_its_own_key_only(headers: dict[str, str]) -> None:
    async with Shop() as shop:
        credential = paid(challenge_of(await shop.get()))
        await shop.get(headers={**KEY, **credential})
        shop.clock.advance(LIFETIME_S + 120)
        late = await shop.get(headers={**headers, **credential})
        assert (late.status_code, problem(late)) == (402, "payment-expired")


async def test_another_proof_for_the_challenge_gets_no_answer() -> None:
    """Whoever only knows the challenge has paid nothing."""
    async with Shop() as shop:
        challenge = challenge_of(await shop.get())
        await shop.get(headers={**KEY, **paid(challenge)})
        shop.clock.advance(LIFETIME_S + 120)
        late = await shop.get(headers={**KEY, **paid(challenge, payload={"proof": "guessed"})})
        assert (late.status_code, problem(late)) == (402, "payment-expired")


async def test_what_was_answered_and_not_kept_is_not_asked_for_again() -> None:
    async with Shop(app=App(body=bytes(300_000))) as shop:
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        assert (await shop.get(headers=sent)).status_code == 200
        shop.clock.advance(LIFETIME_S)
        again = await shop.get(headers=sent)
        assert (again.status_code, problem(again)) == (409, "answer-not-kept")


async def test_an_answer_is_kept_for_a_day() -> None:
    async with Shop() as shop:
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        await shop.get(headers=sent)
        shop.clock.advance(DAY_S)
        late = await shop.get(headers=sent)
        assert (late.status_code, problem(late)) == (402, "payment-expired")
        assert len(shop.app.scopes) == 1


async def test_a_payment_under_way_at_the_end_is_waited_for() -> None:
    async with Shop() as shop:
        go_on = asyncio.Event()

        async def hold() -> None:
            await go_on.wait()

        shop.offers[0].before = hold
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        shop.clock.advance(LIFETIME_S - 1)
        first = asyncio.create_task(shop.get(headers=sent))
        while not shop.offers[0].asked:
            await shop.clock.yield_to_loop()
        shop.clock.advance(2)
        second = await shop.get(headers=sent)
        assert (second.status_code, problem(second)) == (409, "idempotency-in-progress")
        go_on.set()
        assert (await first).status_code == 200
        assert (await shop.get(headers=sent)).content == (await first).content


@pytest.mark.parametrize("headers", [KEY, {}])
@pytest.mark.parametrize("later_s", [1, 60 * 60])
async def test_what_may_have_paid_is_not_asked_to_pay_again(
    headers: dict[str, str], later_s: int
) -> None:
    async with Shop() as shop:
        (offer,) = shop.offers
        offer.fails = RuntimeError("lost")
        sent = {**headers, **paid(challenge_of(await shop.get()))}
        shop.clock.advance(LIFETIME_S - 2)
        assert (await shop.get(headers=sent)).status_code == 500
        offer.fails = None
        shop.clock.advance(1 + later_s)
        again = await shop.get(headers=sent)
        assert again.status_code in {409, 500}
        assert "www-authenticate" not in again.headers
        assert offer.settled == []


async def test_long_after_the_end_an_unknown_outcome_is_still_unknown() -> None:
    """The credential's mark is gone by then; the key's record stays."""
    async with Shop() as shop:
        shop.offers[0].fails = RuntimeError("lost")
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        await shop.get(headers=sent)
        shop.clock.advance(DAY_S)
        again = await shop.get(headers=sent)
        assert (again.status_code, problem(again)) == (500, "internal-payment-error")


async def test_a_voucher_that_was_not_charged_may_be_asked_for_again() -> None:
    """What a channel has spent tells it: as much as before the attempt that died."""

    class Channel(FakeOffer):
        spent = "0"

        async def charged(self, _: object) -> str:
            return self.spent

    async with Shop(Channel(intent="session", is_single_use=False)) as shop:
        (offer,) = shop.offers
        sent = {**KEY, **paid(challenge_of(await shop.get()))}
        offer.fails = RuntimeError("lost")
        await shop.get(headers=sent)
        shop.clock.advance(LIFETIME_S)
        late = await shop.get(headers=sent)
        assert (late.status_code, problem(late)) == (402, "payment-expired")
        offer.spent = "1000"
        late = await shop.get(headers=sent)
        assert (late.status_code, problem(late)) == (500, "internal-payment-error")
