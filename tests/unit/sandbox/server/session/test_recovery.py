"""A server that was killed in the middle of something, and the one that comes after it.

The first server's process ends wherever the line to the chain fails it; the second has the same
store and nothing else (facts: protocol 2.5).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from mpp.errors import PaymentOutcomeUnknownError

from sandbox.chain import TransactionOutcomeUnknown
from sandbox.methods.tempo_session import SessionProtocol, Status, rules
from sandbox.methods.tempo_session.calls import close_call
from sandbox.methods.tempo_session.problems import ChannelClosedError
from sandbox.methods.unchecked import PaymentUncheckedError
from sandbox.server.session import actions
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.session.support import PAYEE, make_world, receipt_of

if TYPE_CHECKING:
    from tests.unit.sandbox.server.session.support import Payer, World


class Killed(BaseException):
    """The process ends here."""


async def killed(*_: object, **__: object) -> None:
    """Stands where the process ended."""
    raise Killed


async def opened_by_nobody(world: World, monkeypatch: pytest.MonkeyPatch, *, sent: bool) -> Payer:
    """An opening that was written down; the process ended before or after it was broadcast."""
    payer = world.payer(world.offer())
    payload = await payer.make_open()
    with monkeypatch.context() as patch:
        patch.setattr(actions, "broadcast", killed)
        with pytest.raises(Killed):
            await payer.send(payload)
    assert (await payer.record()).status is Status.OPENING
    if sent:
        assert world.chain.send(payload.transaction).status
    return payer


async def test_an_opening_that_was_mined_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async with make_world() as world:
        payer = await opened_by_nobody(world, monkeypatch, sent=True)
        world.make_server()
        assert (await world.server.start()).settled == 1
        record = await payer.record()
        assert (record.status, record.accepted, record.spent) == (Status.OPEN, 100, 0)
        payer.offer = world.offer()
        assert receipt_of(await payer.voucher(100)).spent == 100


async def test_an_opening_that_was_not_sent_is_kept_for_the_client_to_resend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with make_world() as world:
        payer = await opened_by_nobody(world, monkeypatch, sent=False)
        world.make_server()
        assert (await world.server.start()).in_doubt == 1
        await world.server.look()
        assert (await payer.record()).status is Status.OPENING
        world.clock.advance(3_600)
        await world.server.look()  # an hour later nobody will send it any more
        assert await world.server.channels() == []


async def closing(world: World, *, sent: bool) -> Payer:
    """A close that was written down; the process ended before or after it was broadcast."""
    payer = world.payer(world.offer())
    await payer.open()
    await payer.voucher(200)
    context = world.server._context
    record = await context.book.update(
        payer.id, lambda one: one and rules.close_by_payee(one, closer=PAYEE.address)
    )
    assert record is not None
    assert record.close_order is not None
    assert record.status is Status.CLOSING
    if sent:
        await context.sender.send([close_call(record, record.close_order)])
    return payer


@pytest.mark.parametrize("sent", [False, True])
async def test_a_close_is_carried_out_once(sent: bool) -> None:
    async with make_world() as world:
        theirs = await world.balance(PAYEE.address)
        payer = await closing(world, sent=sent)
        world.make_server()
        assert (await world.server.start()).settled == 1
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 200)
        assert world.chain.receipt(record.closed_tx).status
        assert await world.balance(PAYEE.address) == theirs + 200


async def test_a_close_without_a_chain_is_tried_again_by_the_watch() -> None:
    async with make_world() as world:
        payer = await closing(world, sent=False)
        world.make_server()
        world.line.is_cut = True
        assert (await world.server.start()).in_doubt == 1
        assert (await payer.record()).status is Status.CLOSING
        world.line.is_cut = False
        await world.server.look()
        assert (await payer.record()).status is Status.CLOSED


async def test_a_close_of_unknown_outcome_stays_and_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        sender = world.server._context.sender
        plain = sender.send

        async def lossy(calls: object) -> object:
            await plain(calls)  # type: ignore[arg-type]
            raise TransactionOutcomeUnknown(b"\x01" * 32, "the answer is lost")

        monkeypatch.setattr(sender, "send", lossy)
        with pytest.raises(PaymentOutcomeUnknownError):
            await payer.close(100)
        assert (await payer.record()).status is Status.CLOSING
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)


async def test_an_accepted_voucher_survives_and_the_next_server_goes_on() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        await payer.voucher(300)
        world.make_server()
        await world.server.start()
        payer.offer = world.offer()
        assert receipt_of(await payer.voucher(400)).spent == 300
        assert [one.captured for one in await world.server.stop()] == [300]


async def test_a_close_that_nobody_waits_for_any_more_is_carried_out_by_the_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()

        async def never(calls: object) -> None:
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(world.server._context.sender, "send", never)
            left = asyncio.ensure_future(payer.close(100))
            await asyncio.sleep(0.01)
            left.cancel()  # the client has gone
            await asyncio.gather(left, return_exceptions=True)
        assert (await payer.record()).status is Status.CLOSING
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)


async def test_a_close_that_was_left_before_it_was_sent_is_carried_out_by_the_watch() -> None:
    """The settlement under way is waited for first; there the request may be cancelled too."""
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        done = asyncio.Event()
        settling = world.server._background.start(("settle", payer.id), done.wait)
        left = asyncio.ensure_future(payer.close(100))
        for _ in range(200):
            if (await payer.record()).status is Status.CLOSING:
                break
            await asyncio.sleep(0.01)
        left.cancel()  # the client has gone
        await asyncio.gather(left, return_exceptions=True)
        done.set()
        await settling
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 100)


async def test_a_close_of_a_process_that_died_is_carried_out_by_another_one() -> None:
    """Processes share a store, and not all of them are started again."""
    async with make_world() as world:
        await world.server.start()
        await world.server.look()
        payer = await closing(world, sent=False)
        world.clock.advance(600)
        await world.server.look()  # it may be under way in its own process
        assert (await payer.record()).status is Status.CLOSING
        world.clock.advance(600)
        await world.server.look()
        await world.server.look()
        record = await payer.record()
        assert (record.status, record.settled) == (Status.CLOSED, 200)


@pytest.mark.parametrize("protocol", SessionProtocol)
@pytest.mark.parametrize("past", ["closed", "settled", "leaving"])
async def test_an_opening_is_not_taken_again_by_a_server_that_lost_its_store(
    past: str, protocol: SessionProtocol
) -> None:
    """It would be served for what was captured before, or for nothing at all."""
    async with make_world() as world:
        payer = world.payer(world.offer(protocol=protocol))
        sent = await payer.make_open()
        await payer.send(sent)
        if past == "closed":
            await payer.close(100)
        elif past == "settled":
            await world.server.settle(payer.id)
        else:
            await payer.request_close()
        world.store = MemoryStore(world.clock)
        world.make_server()
        payer.offer = world.offer(protocol=protocol)
        with pytest.raises(ChannelClosedError) as caught:
            await payer.send(sent)
        assert caught.value.status == 410
        assert await world.server.channels() == []


async def test_an_opening_that_the_node_does_not_show_yet_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two nodes behind one address, one may be a block behind."""
    async with make_world() as world:
        payer = world.payer(world.offer())

        async def behind(*_: object) -> None:
            return None

        with monkeypatch.context() as patch:
            patch.setattr(actions, "read_channel", behind)
            assert receipt_of(await payer.open()).spent == 100
        assert (await payer.record()).status is Status.OPEN


async def test_an_opening_that_could_not_be_looked_at_is_kept_and_sent_again() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open()
        world.line.loses = "eth_call"
        with pytest.raises(PaymentUncheckedError):
            await payer.send(sent)
        assert (await payer.record()).status is Status.OPENING
        world.line.loses = None
        assert receipt_of(await payer.send(sent)).spent == 100
