"""Vouchers that overtake each other: a lower one that comes later is stale (facts, protocol 2.5),
and the request is served by the higher one, without new money."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.client.payer import Order
from tests.unit.sandbox.client.session.merchant import HOST, PRICE, URL, Street

if TYPE_CHECKING:
    import httpx
    import pytest

    from sandbox.client.ledger import Reservation

ORDER = Order(URL, "GET", HOST)


async def pay(street: Street, authorization: str) -> httpx.Response:
    """Send a credential."""
    return await street.http.get(URL, headers={"Authorization": authorization})


async def test_a_voucher_that_was_overtaken_is_sent_again_as_the_highest() -> None:
    async with Street() as street:
        await street.buy()
        challenge = await street.challenge()
        early = await street.payer.prepare(challenge, ORDER)
        late = await street.payer.prepare(challenge, ORDER)
        await late.taken(await pay(street, late.authorization))
        stale = await pay(street, early.authorization)
        assert stale.status_code == 402
        assert await early.refused(stale)

        again = await street.payer.prepare(challenge, ORDER)
        assert again.cumulative == late.cumulative == 3 * PRICE
        answer = await pay(street, again.authorization)
        assert answer.status_code == 200
        await again.taken(answer)
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == street.ledger.tally().spent == 3 * PRICE
        assert street.ledger.open == ()


async def test_nobody_signs_higher_while_an_overtaken_request_is_on_its_way_again() -> None:
    async with Street() as street:
        await street.buy()
        challenge = await street.challenge()
        early = await street.payer.prepare(challenge, ORDER)
        late = await street.payer.prepare(challenge, ORDER)
        await late.taken(await pay(street, late.authorization))
        await early.refused(await pay(street, early.authorization))
        again = await street.payer.prepare(challenge, ORDER)

        others = [asyncio.ensure_future(street.payer.prepare(challenge, ORDER)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not any(other.done() for other in others)
        await again.taken(await pay(street, again.authorization))
        attempts = await asyncio.gather(*others)
        # Those who waited share one voucher, so that none of them can be overtaken by another.
        assert {attempt.cumulative for attempt in attempts} == {6 * PRICE}
        for attempt in reversed(attempts):
            answer = await pay(street, attempt.authorization)
            assert answer.status_code == 200
            await attempt.taken(answer)
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == street.shop.channel.spent == 6 * PRICE


async def test_a_cancelled_request_holds_nobody_up() -> None:
    async with Street() as street:
        await street.buy()
        challenge = await street.challenge()
        abandoned = await street.payer.prepare(challenge, ORDER)
        del abandoned
        await asyncio.sleep(0)
        assert [one.payment.amount for one in street.ledger.unknown] == [PRICE]
        closed = await street.payer.close_channel(street.payer.channels()[0].id)
        assert closed.captured == PRICE


async def test_an_opener_that_was_cancelled_is_replaced() -> None:
    async with Street() as street:
        opener = await street.payer.prepare(await street.challenge(), ORDER)
        waiting = asyncio.ensure_future(street.payer.prepare(await street.challenge(), ORDER))
        await asyncio.sleep(0)
        assert not waiting.done()
        transaction = street.payer.channels()[0].pending
        del opener
        attempt = await waiting
        # The same transaction: whether the first got there or not, one deposit is locked up.
        assert attempt.opens
        assert street.payer.channels()[0].pending == transaction
        answer = await pay(street, attempt.authorization)
        assert answer.status_code == 200
        await attempt.taken(answer)
        assert len(street.payer.channels()) == 1


async def test_a_mixed_up_crowd_is_served_in_full() -> None:
    async with Street(suggested_deposit=200 * PRICE) as street:
        await street.buy()

        async def shopper(number: int) -> int:
            for _ in range(number % 7):
                await asyncio.sleep(0)
            street.shop.slow = number * 5 % 11
            return (await street.buy()).status_code

        assert set(await asyncio.gather(*map(shopper, range(100)))) == {200}
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == street.shop.channel.spent == 101 * PRICE
        assert street.ledger.tally().spent == 101 * PRICE
        assert street.ledger.open == ()


async def test_a_request_that_is_collected_is_counted_by_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The collector comes at any point and in any thread, such as in the middle of a step of the
    ledger, which would then wait for itself for ever."""
    async with Street() as street:
        await street.buy()
        abandoned = await street.payer.prepare(await street.challenge(), ORDER)
        marked: list[Reservation] = []
        mark = street.ledger.mark_unknown
        monkeypatch.setattr(street.ledger, "mark_unknown", marked.append)
        del abandoned
        assert marked == []
        await asyncio.sleep(0)
        [reservation] = marked
        mark(reservation)
