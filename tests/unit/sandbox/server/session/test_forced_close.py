"""A payer asks the chain to let it leave: the last voucher is captured within the grace period of
15 minutes (facts: protocol 2.5; tempo 2.8).
"""

from __future__ import annotations

import asyncio

import pytest

from sandbox.chain import TransactionReverts, broadcast
from sandbox.methods.tempo_session import SessionProtocol, Status
from sandbox.methods.tempo_session.problems import ChannelClosedError
from sandbox.server.stores import StoreBusy
from tests.unit.sandbox.server.session.support import PAYEE, make_world

PROTOCOLS = tuple(SessionProtocol)
GRACE_S = 900


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_watch_captures_what_was_delivered(protocol: SessionProtocol) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(protocol=protocol))
        theirs = await world.balance(PAYEE.address)
        await payer.open()
        await payer.voucher(200)
        await payer.voucher(300)
        await world.server.start()
        await payer.request_close()
        await asyncio.sleep(0)
        world.clock.advance(6)  # the watch wakes

        for _ in range(200):
            if (await payer.record()).status is Status.CLOSED:
                break
            await asyncio.sleep(0.01)
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 300)
        assert await world.balance(PAYEE.address) == theirs + 300
        assert world.events("forced-close.seen")[0]["exposure"] == 300

        world.clock.advance(GRACE_S)
        with pytest.raises(TransactionReverts):
            await payer.withdraw()  # nothing is left to take


async def test_a_request_after_the_payer_asked_to_leave_is_410() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.request_close()
        world.clock.advance(11)
        with pytest.raises(ChannelClosedError) as caught:
            await payer.voucher(200)
        assert caught.value.status == 410
        await world.server._background.join()  # and what it owed is captured beside that
        assert (await payer.record()).settled == 100


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_channel_that_owes_nothing_is_not_worth_a_fee(protocol: SessionProtocol) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(protocol=protocol))
        await payer.open()
        await world.server.settle(payer.id)
        await world.server.look()
        await payer.request_close()
        await world.server.look()
        await world.server._background.join()
        record = await payer.record()
        assert record.status is Status.OPEN
        assert record.close_requested_at_s > 0

        world.clock.advance(GRACE_S + 1)
        assert (await payer.withdraw()).success
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)
        assert world.events("channel.closed")[-1]["by_payer"]


async def test_a_top_up_takes_the_request_back() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.settle(payer.id)
        await payer.request_close()
        await world.server.look()
        sent = await payer.make_top_up(500)
        await broadcast(world.rpc, sent.transaction)  # the payer sends it by itself
        await world.server.look()
        record = await payer.record()
        assert (record.close_requested_at_s, record.deposit) == (0, 1_500)
        await payer.voucher(200)


async def test_a_deposit_that_grew_behind_our_back_is_found() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        sent = await payer.make_top_up(500)
        await broadcast(world.rpc, sent.transaction)
        world.clock.advance(1)
        await payer.voucher(1_500)


async def test_a_long_absence_is_made_up_for() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.request_close()
        world.make_server()  # one that has never looked
        await world.server.start()
        await world.server.look()
        await world.server._background.join_one(("close", payer.id))
        assert (await payer.record()).settled == 100


async def test_a_request_to_leave_is_not_missed_because_the_chain_could_not_be_asked() -> None:
    """A log is read once; nobody would look at the channel again before the grace is over."""
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.look()
        await payer.request_close()
        world.line.loses = "eth_call"  # the log is read, and then the channel is not
        await world.server.look()
        assert world.events("forced-close.seen") == []
        world.line.loses = None
        await world.server.look()
        await world.server._background.join()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)


async def test_a_close_that_failed_is_tried_again_while_the_payer_is_leaving() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.look()
        await payer.request_close()
        world.line.loses = "eth_estimateGas"  # so that it is surely not sent
        await world.server.look()
        await world.server._background.join()
        assert world.events("task.failed")
        record = await payer.record()
        assert (record.status, record.settled) == (Status.OPEN, 0)
        world.line.loses = None
        await world.server.look()
        await world.server._background.join()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)
        assert world.server._closer.leaving == {payer.id}
        await world.server.look()
        assert world.server._closer.leaving == set()  # and is forgotten then


async def test_a_watch_outlives_a_store_that_fails_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.start()
        await asyncio.sleep(0)
        await payer.request_close()
        with monkeypatch.context() as patch:

            async def busy() -> None:
                raise StoreBusy("The store is busy.")

            patch.setattr(world.server._watch, "look", busy)
            world.clock.advance(6)
            for _ in range(200):
                if world.events("watch.failed"):
                    break
                await asyncio.sleep(0.01)
            assert world.events("watch.failed")[0]["error"] == "StoreBusy"
        world.clock.advance(6)
        for _ in range(200):
            if (await payer.record()).status is Status.CLOSED:
                break
            await asyncio.sleep(0.01)
        assert (await payer.record()).settled == 100


async def test_what_a_payer_took_back_is_lost_and_at_risk_no_more() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.request_close()
        world.clock.advance(GRACE_S + 1)
        assert (await payer.withdraw()).success
        assert await world.server.exposure() == 100  # as far as is known
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled, record.exposure) == (Status.CLOSED, 0, 0)
        assert await world.server.exposure() == 0
