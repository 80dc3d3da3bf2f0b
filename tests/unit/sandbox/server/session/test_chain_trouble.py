"""When the chain refuses, is out of reach, or loses its answer (facts: protocol 1.5)."""

from __future__ import annotations

import pytest
from mpp.errors import PaymentOutcomeUnknownError, VerificationFailedError

from sandbox.chain import ChainError, broadcast
from sandbox.methods.tempo_session import Status, rules
from sandbox.methods.tempo_session.problems import ChannelNotFoundError
from sandbox.methods.unchecked import PaymentUncheckedError
from sandbox.server.refusals import StoreFailedError
from sandbox.server.session import actions
from tests.unit.sandbox.server.session.support import PAYEE, make_world, receipt_of

SEND = "eth_sendRawTransactionSync"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait half a minute for an answer that will not come."""

    async def soon(rpc: object, raw: bytes) -> object:
        return await broadcast(rpc, raw, timeout_s=0.05)  # type: ignore[arg-type]

    monkeypatch.setattr(actions, "broadcast", soon)


async def test_an_outage_is_503_and_not_402() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        world.clock.advance(60)  # what is known of the channel is too old to serve by
        world.line.is_cut = True
        with pytest.raises(PaymentUncheckedError) as caught:
            await payer.voucher(200)
        assert caught.value.status == 503
        assert (await payer.record()).accepted == 100
        world.line.is_cut = False
        assert receipt_of(await payer.voucher(200)).spent == 200


async def test_fresh_knowledge_serves_without_the_chain() -> None:
    async with make_world(state_ttl_s=5) as world:
        payer = world.payer(world.offer())
        await payer.open()
        asked = len(world.line.requests)
        for cumulative in (200, 300, 400):
            await payer.voucher(cumulative)
        assert len(world.line.requests) == asked


async def test_knowledge_is_renewed_beside_the_requests() -> None:
    async with make_world(state_ttl_s=5) as world:
        payer = world.payer(world.offer())
        await payer.open()
        world.clock.advance(7)
        asked = len(world.line.requests)
        await payer.voucher(200)
        assert len(world.line.requests) == asked  # not on the way of this request
        await world.server._background.join()
        assert len(world.line.requests) == asked + 1


async def test_an_open_that_surely_was_not_sent_leaves_nothing() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open()
        world.line.is_cut = True
        with pytest.raises(PaymentUncheckedError):
            await payer.send(sent)
        assert await world.server.channels() == []
        world.line.is_cut = False
        assert receipt_of(await payer.send(sent)).spent == 100


async def test_an_open_that_the_chain_refuses_leaves_nothing() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open()
        world.clock.advance(60)  # its transaction has expired
        world.chain.mine()
        with pytest.raises(VerificationFailedError, match="refused"):
            await payer.send(sent)
        assert await world.server.channels() == []


async def test_an_open_that_reverts_leaves_nothing() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        everything = await world.balance(payer.wallet.address)
        late = await payer.make_open(deposit=everything)
        first = await payer.make_open(deposit=everything)
        await payer.send(first)
        with pytest.raises(VerificationFailedError, match="revert"):
            await payer.send(late)
        assert [channel.id for channel in await world.server.channels()] == [payer.id]


async def test_an_open_of_unknown_outcome_is_kept_and_resumed() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open()
        world.line.loses = "eth_"
        with pytest.raises(PaymentOutcomeUnknownError) as caught:
            await payer.send(sent)
        record = await payer.record()
        assert record.status is Status.OPENING
        assert caught.value.transaction_hash == "0x" + record.opened_tx.hex()
        with pytest.raises(PaymentUncheckedError):
            await payer.voucher(200)
        world.line.loses = None
        assert receipt_of(await payer.send(sent)).spent == 100


async def test_a_voucher_finds_that_its_channel_was_opened_after_all() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        sent = await payer.make_open()
        world.line.loses = "eth_"
        with pytest.raises(PaymentOutcomeUnknownError):
            await payer.send(sent)
        world.line.loses = None
        assert receipt_of(await payer.voucher(200)).spent == 100
        assert (await payer.record()).status is Status.OPEN


async def test_a_close_that_surely_did_not_happen_is_struck_out() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        world.line.is_cut = True
        with pytest.raises(PaymentUncheckedError):
            await payer.close(100)
        world.line.is_cut = False
        assert (await payer.record()).status is Status.OPEN
        assert receipt_of(await payer.voucher(200)).spent == 200


async def test_a_store_that_fails_before_anything_is_sent_is_said_to_have_taken_nothing() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        top_up, close, before = (
            await payer.make_top_up(500),
            payer.make_close(100),
            world.chain.head,
        )
        await world.store.close()
        for payload in (top_up, close):
            with pytest.raises(StoreFailedError):
                await payer.send(payload)
        assert world.chain.head is before


async def test_a_close_that_another_attempt_struck_out_is_not_told_as_done() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        mine = await payer.record()
        with pytest.raises(ChainError, match="it is open"):
            await world.server._closer.carry_out(rules.close_by_payee(mine, closer=PAYEE.address))
        assert (await payer.record()).status is Status.OPEN


async def test_a_top_up_whose_answer_was_lost_is_found_again() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        sent = await payer.make_top_up(500)
        world.line.loses = "eth_"
        with pytest.raises(PaymentOutcomeUnknownError):
            await payer.send(sent)
        world.line.loses = None
        again = await payer.send(sent)
        assert receipt_of(again).tx_hash is not None
        assert (await payer.record()).deposit == 1_500


async def test_a_channel_that_the_chain_does_not_know_is_410_and_kept() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        before = world.chain.take_snapshot()
        await payer.open()
        assert world.chain.revert_to(before)
        world.clock.advance(60)
        with pytest.raises(ChannelNotFoundError):
            await payer.voucher(200)
        assert (await payer.record()).status is Status.OPEN


async def test_a_top_up_that_is_shown_again_is_counted_once_though_the_chain_cannot_be_read() -> (
    None
):
    """More than the chain holds must never be accepted: it could not be captured."""
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        sent = await payer.make_top_up(500)
        await payer.send(sent)
        world.line.loses = "eth_call"
        await payer.send(sent)
        assert (await payer.record()).deposit == 1_500
        world.line.loses = None
        await payer.voucher(1_500)


async def test_a_top_up_that_cannot_be_read_back_is_found_by_the_next_voucher() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer())
        await payer.open()
        sent = await payer.make_top_up(500)
        world.line.loses = "eth_call"
        await payer.send(sent)
        world.line.loses = None
        await payer.voucher(1_500)
        assert (await payer.record()).deposit == 1_500
