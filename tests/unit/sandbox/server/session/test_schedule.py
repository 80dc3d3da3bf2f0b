"""Settlement schedules, exposure, and what happens at shutdown (facts: protocol 2.5; E12)."""

from __future__ import annotations

import asyncio

import pytest

from mock_rails.core.errors import BadInput, Conflict
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import Status
from sandbox.methods.tempo_session.calls import settle_call
from sandbox.methods.tempo_session.problems import ChannelClosedError, ChannelNotFoundError
from sandbox.server.session import AtShutdown, Schedule, SessionLimits
from tests.unit.sandbox.server.session.support import PAYEE, V1, make_world


async def test_by_amount() -> None:
    async with make_world(schedule=Schedule(amount=300)) as world:
        payer = world.payer(world.offer())
        theirs = await world.balance(PAYEE.address)
        await payer.open()
        await payer.voucher(200)
        await world.server._background.join()
        assert await world.balance(PAYEE.address) == theirs
        assert await world.server.exposure() == 200

        await payer.voucher(300)
        await world.server._background.join()
        assert await world.balance(PAYEE.address) == theirs + 300
        record = await payer.record()
        assert (record.settled, record.exposure, record.status) == (300, 0, Status.OPEN)
        assert await world.server.exposure() == 0
        await payer.voucher(400)  # the channel goes on
        assert [event["captured"] for event in world.events("channel.settled")] == [300]


async def test_by_units() -> None:
    async with make_world(schedule=Schedule(units=2)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(200)
        await world.server._background.join()
        await payer.voucher(300)
        await world.server._background.join()
        assert (await payer.record()).settled == 200
        await payer.voucher(400)
        await world.server._background.join()
        assert (await payer.record()).settled == 400


async def test_by_interval() -> None:
    async with make_world(schedule=Schedule(interval_s=60)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.look()
        await world.server._background.join()
        assert (await payer.record()).settled == 0
        world.clock.advance(60)
        await world.server.look()
        await world.server._background.join()
        assert (await payer.record()).settled == 100
        world.clock.advance(60)
        await world.server.look()  # nothing was delivered since
        await world.server._background.join()
        assert len(world.events("channel.settled")) == 1


@pytest.mark.parametrize("bound", ["amount", "units", "interval_s"])
def test_a_bound_of_nothing_is_refused(bound: str) -> None:
    with pytest.raises(BadInput, match=bound):
        Schedule(**{bound: 0})


async def test_a_shutdown_closes_what_owes_and_says_what_it_captured() -> None:
    async with make_world() as world:
        offer, old = world.offer(), world.offer(protocol=V1)
        payer, second = world.payer(offer), world.payer(old, Wallet.dev(3))
        idle = world.payer(offer, Wallet.dev(4))
        theirs = await world.balance(PAYEE.address)
        await payer.open()
        await payer.voucher(200)
        await second.open()
        await idle.open()
        await idle.close(100)

        captures = {capture.channel_id: capture for capture in await world.server.stop()}
        assert {key: one.captured for key, one in captures.items()} == {
            payer.id: 200,
            second.id: 100,
        }
        for capture in captures.values():
            assert capture.fee > 0
            assert world.chain.receipt(capture.tx_hash).status
        assert await world.balance(PAYEE.address) == theirs + 400
        assert await world.server.exposure() == 0


async def test_a_shutdown_may_settle_and_leave_open() -> None:
    async with make_world(schedule=Schedule(at_shutdown=AtShutdown.SETTLE)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        (capture,) = await world.server.stop()
        assert (capture.channel_id, capture.captured, capture.closes) == (payer.id, 100, False)
        assert capture.fee > 0
        assert world.chain.receipt(capture.tx_hash).status
        record = await payer.record()
        assert (record.status, record.settled) == (Status.OPEN, 100)


async def test_a_shutdown_may_keep_everything() -> None:
    async with make_world(schedule=Schedule(at_shutdown=AtShutdown.KEEP)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        before = await payer.record()
        assert await world.server.stop() == []
        assert await payer.record() == before


async def test_a_shutdown_without_a_chain_loses_no_voucher() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        world.line.is_cut = True
        assert await world.server.stop() == []
        record = await payer.record()
        assert (record.status, record.accepted) == (Status.OPEN, 100)
        assert world.events("shutdown.failed")
        world.line.is_cut = False
        assert [one.captured for one in await world.server.stop()] == [100]


async def test_settling_nothing_is_refused() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await world.server.settle(payer.id)
        with pytest.raises(Conflict, match="captured"):
            await world.server.settle(payer.id)


async def test_a_close_waits_for_the_settlement_under_way() -> None:
    async with make_world(schedule=Schedule(amount=200)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(500)  # 200 spent, and 500 authorised: the settlement takes it all
        await asyncio.sleep(0)  # it begins
        await payer.close(500)
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 500)


async def test_a_close_follows_a_settlement_that_another_process_sent() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(500)
        await world.server._context.sender.send([settle_call(await payer.record())])
        await payer.close(500)  # what it would have captured is less than the chain has by now
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 500)


async def test_an_old_closed_channel_is_forgotten_and_still_410() -> None:
    async with make_world(limits=SessionLimits(closed_kept_s=60)) as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.close(100)
        await world.server.look()
        with pytest.raises(ChannelClosedError):
            await payer.voucher(200)
        world.clock.advance(600)
        await world.server.look()
        assert await world.server.channels() == []
        with pytest.raises(ChannelNotFoundError):
            await payer.voucher(200)


async def test_a_channel_that_is_not_ours_does_not_keep_a_shutdown_from_the_others() -> None:
    """A store may hold what another payee took; only that one can close it."""
    async with make_world() as world:
        theirs = world.payer(world.offer())
        await theirs.open()
        world.make_server(payee=Wallet.dev(5))
        ours = world.payer(world.offer(), Wallet.dev(3))
        await ours.open()
        assert [one.channel_id for one in await world.server.stop()] == [ours.id]
        assert (await theirs.record()).status is Status.OPEN
        assert world.events("shutdown.failed")[0]["error"] == "Conflict"
