"""Leaving: with the payee, without it, and when it lies (facts, protocol 2.5)."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.payer import Order
from sandbox.client.session import (
    ChannelBusyError,
    ChannelInUseError,
    ChannelState,
    CloseFailedError,
    GraceNotOverError,
    SessionSettings,
    UnknownChannelError,
    registry,
)
from sandbox.methods.tempo_session import Close, SessionProtocol, spend
from tests.unit.sandbox.client.session.merchant import HOST, NOW_S, PRICE, URL, V2, Street

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = tuple(SessionProtocol)


async def test_a_close_after_everything_was_delivered_signs_what_was_spent() -> None:
    """Not what was authorised: a voucher whose request was refused is not given away."""
    async with Street(SessionProtocol.V1) as street:
        await street.buy()
        await street.buy()
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError):
            await street.buy()
        (channel,) = street.payer.channels()
        assert (channel.signed, channel.spent) == (3 * PRICE, 2 * PRICE)
        closed = await street.payer.close_channel(channel.id)
        assert closed.captured == 2 * PRICE
        assert street.ledger.tally().spent == 2 * PRICE


async def test_a_close_is_signed_anew_if_the_server_has_served_more() -> None:
    """A lost answer was served after all: the server wants its unit in the close."""
    async with Street() as street:
        await street.buy()
        street.shop.lose = [True]
        await street.buy()
        (channel,) = street.payer.channels()
        assert (channel.signed, channel.spent) == (2 * PRICE, PRICE)
        closed = await street.payer.close_channel(channel.id)
        sent = [payload.cumulative for payload in street.shop.seen if isinstance(payload, Close)]
        assert sent == [PRICE, 2 * PRICE]
        assert closed.captured == closed.spent == 2 * PRICE


async def test_the_next_request_after_a_close_opens_another_channel() -> None:
    async with Street() as street:
        await street.buy()
        await street.payer.close_channel(street.payer.channels()[0].id)
        assert (await street.buy()).status_code == 200
        states = [channel.state for channel in street.payer.channels()]
        assert states == [ChannelState.CLOSED, ChannelState.OPEN]


async def test_a_close_waits_for_the_requests_under_way() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.slow = 20
        shopping = [asyncio.ensure_future(street.buy()) for _ in range(5)]
        for _ in range(8):
            await asyncio.sleep(0)
        closed = await street.payer.close_channel(street.payer.channels()[0].id)
        assert {answer.status_code for answer in await asyncio.gather(*shopping)} == {200}
        assert closed.captured == closed.spent == closed.signed


async def test_a_lost_answer_to_a_close_is_looked_up_on_the_chain() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.lose = [True]
        closed = await street.payer.close_channel(street.payer.channels()[0].id)
        assert (closed.state, closed.captured) == (ChannelState.CLOSED, PRICE)
        assert closed.closed_tx is not None


async def test_a_close_that_never_arrives_is_not_taken_for_one() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.lose = [False, False]
        (channel,) = street.payer.channels()
        with pytest.raises(OutcomeUnknownError):
            await street.payer.close_channel(channel.id)
        assert street.payer.channels()[0].state is ChannelState.CLOSING
        assert (await street.payer.close_channel(channel.id)).state is ChannelState.CLOSED


async def test_a_receipt_that_proves_no_close_is_not_believed() -> None:
    async with Street() as street:
        await street.buy()
        shop = street.shop
        kept = shop.channel
        (channel,) = street.payer.channels()
        shop.channels[channel.id] = kept._replace(spent=0)  # the server forgets what it delivered
        shop.closes_truly = False
        with pytest.raises(CloseFailedError):
            await street.payer.close_channel(channel.id)
        assert street.payer.channels()[0].state is ChannelState.OPEN
        shop.channels[channel.id], shop.closes_truly = kept, True
        assert (await street.payer.close_channel(channel.id)).captured == PRICE


async def test_all_channels_are_closed_and_one_that_fails_keeps_no_other() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.channels.clear()
        await street.buy()
        outcomes = await street.payer.close_all()
        assert [type(outcome.error) for outcome in outcomes] == [CloseFailedError, type(None)]
        states = [outcome.channel.state for outcome in outcomes]
        assert states == [ChannelState.LOST, ChannelState.CLOSED]


async def test_a_channel_that_another_living_run_pays_with_is_left_to_it(tmp_path: Path) -> None:
    async with Street(state=tmp_path, settings=SessionSettings()) as street:
        await street.buy()
        first = street.payer
        street.start()
        second = street.payer
        await street.buy()
        (outcome,) = await first.close_all()
        assert isinstance(outcome.error, ChannelInUseError)
        await first.close()
        assert second.channels()[0].state is ChannelState.OPEN
        assert (await street.buy()).status_code == 200
        await second.close()
        assert second.channels()[0].captured == 3 * PRICE
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".used")]


async def test_a_channel_is_closed_by_its_id_whoever_pays_with_it(tmp_path: Path) -> None:
    async with Street(state=tmp_path) as street:
        await street.buy()
        first = street.payer
        street.start()
        await street.buy()
        (channel,) = first.channels()
        assert (await first.close_channel(channel.id)).captured == 2 * PRICE
        await first.close()
        assert (await street.buy()).status_code == 200
        assert street.shop.actions().count("open") == 2


async def test_closed_channels_are_history_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MOST_CLOSED", 2)
    async with Street(state=tmp_path) as street:
        for _ in range(5):
            await street.buy()
            await street.payer.close_all()
        await street.buy()
        states = [one.state for one in street.payer.channels()]
        assert states == [ChannelState.CLOSED] * 2 + [ChannelState.OPEN]
        opened = street.payer.channels()[-1].id
        assert [one.record.id for one in street.payer._registry.at(HOST)] == [opened]
        street.start()
        assert len(street.payer.channels()) == 3


async def test_the_end_of_a_client_closes_its_channels() -> None:
    async with Street(settings=SessionSettings()) as street:
        await street.buy()
        await street.payer.close()
        assert street.payer.channels()[0].captured == PRICE


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_payer_leaves_a_payee_who_sleeps(protocol: SessionProtocol) -> None:
    async with Street(protocol) as street:
        await street.buy()
        street.shop.is_asleep = True
        (channel,) = street.payer.channels()
        with pytest.raises(ChannelBusyError, match="Nobody asked"):
            await street.payer.withdraw(channel.id)
        asked = await street.payer.force_close(channel.id)
        assert (asked.state, asked.close_requested_at_s) == (ChannelState.CLOSING, NOW_S)
        street.clock.advance(15 * 60)  # the chain would let it go; clocks differ, so it waits on
        with pytest.raises(GraceNotOverError):
            await street.payer.withdraw(channel.id)
        street.clock.advance(60)
        left = await street.payer.withdraw(channel.id)
        assert (left.state, left.captured) == (ChannelState.CLOSED, 0)
        assert await street.balance(channel.escrow) == 0


async def test_a_forced_close_is_waited_for_if_the_settings_say_so() -> None:
    settings = SessionSettings(wait_for_forced_close=True, close_on_exit=False)
    async with Street(settings=settings) as street:
        await street.buy()
        leaving = asyncio.ensure_future(street.payer.force_close(street.payer.channels()[0].id))
        for _ in range(1_000):  # turns of the loop, until the chain has answered
            await asyncio.sleep(0)
        assert street.payer.channels()[0].close_requested_at_s
        assert not leaving.done()
        street.clock.advance(16 * 60)
        assert (await leaving).captured == 0


async def test_what_the_payee_captures_in_the_grace_period_is_seen() -> None:
    async with Street() as street:
        await street.buy()
        (channel,) = street.payer.channels()
        await street.payer.force_close(channel.id)
        shop = street.shop
        shop.channels[channel.id] = spend(shop.channel, 0)
        await shop.settle()
        street.clock.advance(16 * 60)
        assert (await street.payer.withdraw(channel.id)).captured == PRICE


async def test_a_channel_of_nobody() -> None:
    async with Street() as street:
        with pytest.raises(UnknownChannelError):
            await street.payer.close_channel(b"\x01" * 32)


async def test_an_opening_that_may_still_be_mined_is_not_closed() -> None:
    async with Street(V2) as street:
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError):
            await street.buy()
        (channel,) = street.payer.channels()
        with pytest.raises(ChannelBusyError, match="still be mined"):
            await street.payer.close_channel(channel.id)
        street.clock.advance(60)
        assert (await street.payer.close_channel(channel.id)).state is ChannelState.CLOSED
        assert (await street.http.get(URL)).status_code == httpx.codes.PAYMENT_REQUIRED


async def refused_but_kept(street: Street) -> None:
    """The payee takes a voucher, serves nothing for it, and says that it was refused."""
    attempt = await street.payer.prepare(await street.challenge(), Order(URL, "GET", HOST))
    headers = {"Authorization": attempt.authorization}
    assert (await street.http.post(URL, headers=headers)).status_code == 204
    assert await attempt.refused(httpx.Response(402))
    assert street.ledger.tally() == (PRICE, PRICE)


async def test_what_a_payee_captured_of_refused_vouchers_was_spent() -> None:
    """The budget counts what the chain has paid out, whatever the server says was served."""
    async with Street() as street:
        await street.buy()
        await refused_but_kept(street)
        await street.shop.settle()
        closed = await street.payer.close_channel(street.payer.channels()[0].id)
        assert closed.captured == 2 * PRICE
        assert street.ledger.tally() == (2 * PRICE, 0)


async def test_what_a_payee_captured_in_the_grace_period_was_spent() -> None:
    async with Street() as street:
        await street.buy()
        await refused_but_kept(street)
        (channel,) = street.payer.channels()
        await street.payer.force_close(channel.id)
        await street.shop.settle()
        street.clock.advance(16 * 60)
        assert (await street.payer.withdraw(channel.id)).captured == 2 * PRICE
        assert street.ledger.tally() == (2 * PRICE, 0)


async def test_a_close_that_nobody_was_asked_for_leaves_the_channel_as_it_was() -> None:
    """The server is away, or sells nothing there any more: no close was signed."""
    async with Street() as street:
        await street.buy()
        (channel,) = street.payer.channels()
        street.clock.advance(301)  # the last challenge is too old to be answered
        street.shop.is_asleep = True
        with pytest.raises(CloseFailedError):
            await street.payer.close_channel(channel.id)
        street.shop.is_asleep = False
        assert street.payer.channels()[0].state is ChannelState.OPEN
        assert (await street.buy()).status_code == 200
        assert len(street.payer.channels()) == 1
