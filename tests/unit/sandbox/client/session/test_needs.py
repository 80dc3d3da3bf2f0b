"""Streams that ask for more on their way: `payment-need-voucher` (facts, protocol 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core.errors import BadInput
from sandbox.client.budget import Budget
from sandbox.client.errors import BudgetExceededError, PaymentRefusedError
from sandbox.client.payer import Order
from sandbox.methods.tempo_session import SessionReceipt, spend
from tests.unit.sandbox.client.session.merchant import CURRENCY, HOST, PRICE, URL, Street

if TYPE_CHECKING:
    from pathlib import Path


def need(street: Street) -> dict[str, Any]:
    """What a stream says when the next unit is not covered."""
    channel = street.shop.channel
    return {
        "channelId": "0x" + channel.id.hex(),
        "requiredCumulative": str(channel.spent + PRICE),
        "acceptedCumulative": str(channel.accepted),
        "deposit": str(channel.deposit),
    }


async def post(street: Street, authorization: str) -> httpx.Response:
    """A management request."""
    return await street.http.post(URL, headers={"Authorization": authorization})


def tick(street: Street) -> None:
    """The stream delivers one unit."""
    channel = street.shop.channel
    street.shop.channels[channel.id] = spend(channel, PRICE)


async def test_a_stream_is_paid_unit_by_unit() -> None:
    async with Street(suggested_deposit=3 * PRICE) as street:
        await street.buy()
        for _ in range(4):
            authorization = await street.payer.authorize_need(need(street), URL)
            assert (await post(street, authorization)).status_code == 204
            tick(street)
        (channel,) = street.payer.channels()
        assert channel.signed == street.shop.channel.spent == 5 * PRICE
        assert street.shop.actions() == ["open", *["voucher"] * 2, "topUp", *["voucher"] * 2]
        assert street.ledger.tally() == (5 * PRICE, 0)
        receipt = SessionReceipt.of(street.shop.channel, "c", now_us=0)
        street.payer.note_receipt(receipt.to_json())
        assert street.payer.channels()[0].spent == 5 * PRICE


async def test_the_same_need_again_gets_the_same_voucher() -> None:
    async with Street() as street:
        await street.buy()
        asked = need(street)
        first = await street.payer.authorize_need(asked, URL)
        assert await street.payer.authorize_need(asked, URL) == first
        assert street.payer.channels()[0].signed == 2 * PRICE


async def test_a_stream_does_not_use_what_a_request_has_signed_for() -> None:
    async with Street() as street:
        await street.buy()
        request = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        authorization = await street.payer.authorize_need(need(street), URL)
        assert (await post(street, authorization)).status_code == 204
        tick(street)
        stale = await street.http.get(URL, headers={"Authorization": request.authorization})
        assert await request.refused(stale)
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == street.shop.channel.spent == 3 * PRICE


async def test_a_request_whose_money_a_stream_took_signs_for_more() -> None:
    """insufficient-balance: what is authorised is used up, whoever used it."""
    async with Street() as street:
        await street.buy()
        request = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        await post(street, request.authorization)
        tick(street)  # a stream had the unit
        short = await street.http.get(URL, headers={"Authorization": request.authorization})
        assert short.status_code == 402
        assert await request.refused(short)
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 3 * PRICE
        assert street.ledger.tally() == (3 * PRICE, 0)


async def test_what_a_stream_took_of_a_refused_request_s_voucher_is_spent() -> None:
    """A stream is charged to whatever its channel grants; the ledger counts it all the same."""
    async with Street() as street:
        await street.buy()
        request = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        await post(street, request.authorization)
        tick(street)  # a stream had the unit
        receipt = SessionReceipt.of(street.shop.channel, "c", now_us=0)
        street.payer.note_receipt(receipt.to_json())
        assert await request.refused(httpx.Response(402))
        assert street.ledger.tally() == (2 * PRICE, 0)
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 3 * PRICE
        assert street.ledger.tally() == (3 * PRICE, 0)


async def test_a_stream_takes_of_a_spare_voucher_what_the_ledger_counts() -> None:
    """The refused request's voucher is spare already when the stream's receipt tells of it."""
    async with Street() as street:
        await street.buy()
        request = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
        await post(street, request.authorization)
        assert await request.refused(httpx.Response(402))
        assert street.ledger.tally() == (PRICE, PRICE)
        tick(street)
        receipt = SessionReceipt.of(street.shop.channel, "c", now_us=0)
        street.payer.note_receipt(receipt.to_json())
        assert street.ledger.tally() == (2 * PRICE, 0)


async def test_a_stream_stays_within_the_budget() -> None:
    budget = Budget(total=2 * PRICE, allowed_currencies=[CURRENCY])
    async with Street(budget=budget) as street:
        await street.buy()
        await post(street, await street.payer.authorize_need(need(street), URL))
        tick(street)
        with pytest.raises(BudgetExceededError):
            await street.payer.authorize_need(need(street), URL)
        assert street.payer.channels()[0].signed == 2 * PRICE
        assert street.ledger.open == ()


async def test_a_long_stream_s_challenge_is_renewed() -> None:
    async with Street() as street:
        await street.buy()
        street.clock.advance(299)
        authorization = await street.payer.authorize_need(need(street), URL)
        street.clock.advance(60)
        assert (await post(street, authorization)).status_code == 204


async def test_what_is_no_need_is_refused() -> None:
    async with Street() as street:
        with pytest.raises(BadInput):
            await street.payer.authorize_need({"channelId": "0x12"}, URL)


async def test_a_need_is_answered_to_the_channels_own_host_only() -> None:
    """A voucher goes to the server whose channel it is, whoever asks for it."""
    async with Street() as street:
        await street.buy()
        with pytest.raises(PaymentRefusedError):
            await street.payer.authorize_need(need(street), "http://thief.test/quote")
        assert street.payer.channels()[0].signed == PRICE
        assert street.ledger.tally() == (PRICE, 0)


async def test_a_stream_goes_on_when_another_process_has_signed_meanwhile(tmp_path: Path) -> None:
    """The voucher is worked out anew, on top of the other's."""
    async with Street(state=tmp_path) as street:
        await street.buy()
        first = street.payer
        street.start()
        second = street.payer
        assert (await street.buy()).status_code == 200
        asked = need(street)
        assert (await post(street, await first.authorize_need(asked, URL))).status_code == 204
        assert street.shop.channel.accepted == first.channels()[0].signed == 3 * PRICE
        await second.close()
        street.payer = first
