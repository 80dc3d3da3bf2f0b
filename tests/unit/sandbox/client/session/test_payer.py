"""A payer at a shop: open, vouchers, top-up, close (facts, protocol 2.5 and 2.10)."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.client.session import ChannelState
from sandbox.methods.tempo_session import Close, SessionProtocol
from tests.unit.sandbox.client.session.merchant import PRICE, V2, Street

PROTOCOLS = tuple(SessionProtocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_session_from_open_to_close(protocol: SessionProtocol) -> None:
    async with Street(protocol) as street:
        payee = street.shop.sender.address
        poor = await street.balance(payee)
        for _ in range(3):
            assert (await street.buy()).status_code == 200
        assert street.shop.actions() == ["open", "voucher", "voucher"]
        (channel,) = street.payer.channels()
        assert channel.deposit == 10 * PRICE
        assert (channel.signed, channel.claimed, channel.spent) == (300, 300, 300)

        closed = await street.payer.close_channel(channel.id)
        assert closed.state is ChannelState.CLOSED
        assert closed.captured == 300
        close = street.shop.seen[-1]
        assert isinstance(close, Close)
        assert close.cumulative == 300
        assert await street.balance(payee) == poor + 300


@pytest.mark.parametrize("slow", [0, 3])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_fifty_concurrent_requests_share_one_channel(
    protocol: SessionProtocol, slow: int
) -> None:
    async with Street(protocol, suggested_deposit=100 * PRICE) as street:
        street.shop.slow = slow
        answers = await asyncio.gather(*(street.buy() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert street.shop.actions().count("open") == 1
        (channel,) = street.payer.channels()
        assert street.shop.channel.spent == channel.spent == channel.signed == 50 * PRICE
        assert street.ledger.tally().spent == 50 * PRICE
        assert street.ledger.open == ()


async def test_the_deposit_is_topped_up_before_a_voucher_exceeds_it() -> None:
    async with Street(V2, suggested_deposit=2 * PRICE) as street:
        for _ in range(5):
            assert (await street.buy()).status_code == 200
        assert street.shop.actions() == [
            "open", "voucher", "topUp", "voucher", "voucher", "topUp", "voucher",
        ]  # fmt: skip
        assert street.payer.channels()[0].deposit == street.shop.channel.deposit == 6 * PRICE
