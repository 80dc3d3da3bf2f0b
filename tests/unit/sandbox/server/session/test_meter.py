"""Charging a stream by the unit (facts: protocol 2.5, 2.8)."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.methods.tempo_session.problems import ChannelClosedError, InsufficientBalanceError
from sandbox.server.classify import RequestKind
from sandbox.server.session import SessionMeter
from tests.unit.sandbox.server.session.support import (
    GET,
    POST,
    make_request,
    make_world,
    receipt_of,
)

WITH_BODY = make_request("POST", content_length="5")


async def test_one_unit_is_paid_up_front_and_the_rest_as_it_is_sent() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        paid = await payer.open(cumulative=300)
        assert receipt_of(paid).spent == 100
        meter = paid.meter
        assert isinstance(meter, SessionMeter)
        await meter.charge()  # the unit that was paid already
        assert (await payer.record()).spent == 100
        await meter.charge(2)
        assert (await payer.record()).spent == 300
        with pytest.raises(InsufficientBalanceError):
            await meter.charge()
        assert meter.need() == {
            "channelId": "0x" + payer.id.hex(),
            "requiredCumulative": "400",
            "acceptedCumulative": "300",
            "deposit": "1000",
        }
        assert not await meter.wait(0.01)
        assert (await payer.record()).spent == 300
        receipt = meter.receipt()
        assert (receipt["spent"], receipt["units"], receipt["intent"]) == ("300", 3, "session")


async def test_a_voucher_wakes_the_stream() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        meter = (await payer.open()).meter
        assert meter is not None
        await meter.charge()
        waiting = asyncio.ensure_future(meter.wait(60))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        paid = await payer.voucher(200, POST)  # management: charged by nothing but the stream
        assert (paid.delivers, paid.amount) == (False, 0)
        assert await asyncio.wait_for(waiting, 5)
        await meter.charge()
        assert (await payer.record()).spent == 200


async def test_a_voucher_that_another_process_took_is_seen() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        meter = (await payer.open()).meter
        assert meter is not None
        await meter.charge()
        waiting = asyncio.ensure_future(meter.wait(60))
        await asyncio.sleep(0)
        world.make_server()  # shares the store, and cannot wake who waits in the other
        payer.offer = world.offer(streams=True, unit_type="token")
        await payer.voucher(200, POST)
        assert await asyncio.wait_for(waiting, 5)


async def test_a_closed_channel_ends_the_wait_and_the_stream() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        meter = (await payer.open()).meter
        assert meter is not None
        await meter.charge()
        waiting = asyncio.ensure_future(meter.wait(60))
        await asyncio.sleep(0)
        await payer.close(100)
        assert not await asyncio.wait_for(waiting, 5)
        with pytest.raises(ChannelClosedError):
            await meter.charge()


async def test_a_post_on_a_streamed_route_is_charged_by_what_it_sends() -> None:
    async with make_world() as world:
        assert WITH_BODY.kind is RequestKind.CONTENT
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        paid = await payer.open(request=WITH_BODY)
        assert (paid.delivers, paid.amount, receipt_of(paid).spent) == (True, 0, 0)
        assert paid.meter is not None
        await paid.meter.charge()
        assert (await payer.record()).spent == 100


@pytest.mark.parametrize("request_", [GET, WITH_BODY])
async def test_a_price_per_request_is_charged_once_however_long_it_streams(
    request_: object,
) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="request"))
        paid = await payer.open(request=request_)
        assert (paid.meter, receipt_of(paid).spent) == (None, 100)


async def test_two_streams_share_one_channel() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(streams=True, unit_type="token"))
        first = (await payer.open(cumulative=200)).meter
        second = (await payer.voucher(300)).meter
        assert first is not None
        assert second is not None
        for meter in (first, second, first):
            await meter.charge()
        with pytest.raises(InsufficientBalanceError):
            await second.charge()
        assert second.need()["requiredCumulative"] == "400"
        assert (await payer.record()).spent == 300
