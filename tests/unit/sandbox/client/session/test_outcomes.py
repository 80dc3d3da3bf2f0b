"""Lost answers, refusals and dead channels: never a second unit, never a second deposit."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from mock_rails.core import Clock
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.tx.model import Call
from sandbox.chain import ChainError, broadcast
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.payer import Order
from sandbox.client.session import BookDamagedError, ChannelState, SessionSettings
from sandbox.client.session.book import ChannelBook
from sandbox.methods.tempo_session import SessionProtocol, rules
from sandbox.methods.tempo_session.calls import close_call
from tests.unit.sandbox.client.session.merchant import HOST, NOW_S, PRICE, URL, V1, V2, Street

ORDER = Order(URL, "GET", HOST)
TRANSFER = Function("transfer(address,uint256)")


async def test_a_lost_request_is_sent_again_with_the_same_voucher() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.lose = [False]
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == 2 * PRICE


async def test_a_lost_answer_is_not_paid_twice() -> None:
    """The same voucher again finds its unit spent: delivered or not, nobody knows, and no more is
    signed for it."""
    async with Street() as street:
        await street.buy()
        street.shop.lose = [True]
        response = await street.buy()
        assert response.status_code == 402
        (channel,) = street.payer.channels()
        assert channel.signed == channel.claimed == street.shop.channel.spent == 2 * PRICE
        assert [one.payment.amount for one in street.ledger.unknown] == [PRICE]
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == street.shop.channel.spent == 3 * PRICE


async def test_what_is_lost_twice_is_reported() -> None:
    async with Street() as street:
        await street.buy()
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError) as unknown:
            await street.buy()
        assert unknown.value.paid is None
        assert street.payer.channels()[0].signed == 2 * PRICE


async def test_a_server_that_cannot_be_reached_has_cost_nothing() -> None:
    async with Street() as street:
        await street.buy()
        attempt = await street.payer.prepare(await street.challenge(), ORDER)
        await attempt.lost(httpx.ConnectError("refused"))
        with pytest.raises(httpx.ConnectError):
            await attempt.lost(httpx.ConnectError("refused"))
        # The voucher was never out, and is used by the next request.
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.signed == channel.spent == street.ledger.tally().spent == 2 * PRICE
        assert street.ledger.open == ()


@pytest.mark.parametrize("protocol", SessionProtocol)
@pytest.mark.parametrize("arrives", [True, False])
async def test_a_lost_opening_opens_one_channel(protocol: SessionProtocol, arrives: bool) -> None:
    async with Street(protocol) as street:
        street.shop.lose = [arrives]
        first = await street.buy()
        assert first.status_code == (402 if arrives else 200)
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.state is ChannelState.OPEN
        assert channel.id == street.shop.channel.id
        assert await street.balance(channel.escrow) == 10 * PRICE


async def test_an_opening_lost_twice_is_looked_up_and_gone_on_with() -> None:
    async with Street() as street:
        street.shop.lose = [True, False]
        with pytest.raises(OutcomeUnknownError) as unknown:
            await street.buy()
        assert unknown.value.paid is True
        (channel,) = street.payer.channels()
        assert channel.state is ChannelState.OPEN
        assert (await street.buy()).status_code == 200
        assert len(street.payer.channels()) == 1


async def test_an_opening_that_never_arrived_is_replaced_when_it_cannot_any_more() -> None:
    async with Street() as street:
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError) as unknown:
            await street.buy()
        assert unknown.value.paid is None
        street.clock.set_us((NOW_S + 60) * 1_000_000)
        assert (await street.buy()).status_code == 200
        ended, current = street.payer.channels()
        assert (ended.state, ended.captured) == (ChannelState.CLOSED, None)
        assert current.state is ChannelState.OPEN


async def test_a_channel_that_the_server_forgot_is_replaced_and_can_be_left() -> None:
    """410: mppx evicts and retries once (facts, protocol 2.10); the deposit is not forgotten."""
    async with Street() as street:
        await street.buy()
        street.shop.channels.clear()
        assert (await street.buy()).status_code == 200
        lost, current = street.payer.channels()
        assert (lost.state, current.state) == (ChannelState.LOST, ChannelState.OPEN)
        # Its vouchers may still be captured, so that money is not free.
        assert sum(one.payment.amount for one in street.ledger.unknown) == PRICE
        left = await street.payer.force_close(lost.id)
        assert left.close_requested_at_s == NOW_S
        street.clock.advance(16 * 60)
        assert (await street.payer.withdraw(lost.id)).state is ChannelState.CLOSED
        assert street.ledger.unknown == ()


@pytest.mark.parametrize("deposit", [None, PRICE], ids=["a voucher is due", "a top-up is due"])
async def test_a_channel_that_the_payee_closed_is_replaced(deposit: int | None) -> None:
    """By its word, or where the chain refuses to add to a channel that it does not have."""
    async with Street(settings=SessionSettings(deposit=deposit, close_on_exit=False)) as street:
        await street.buy()
        first = street.payer.channels()[0]
        closing = rules.close_by_payee(street.shop.channel, closer=street.shop.sender.address)
        assert closing.close_order is not None
        result = await street.shop.sender.send([close_call(closing, closing.close_order)])
        street.shop.channels[first.id] = rules.finish_close(closing, result.hash, PRICE)
        assert (await street.buy()).status_code == 200
        ended, current = street.payer.channels()
        assert (ended.state, ended.captured) == (ChannelState.CLOSED, PRICE)
        assert ended.closed_tx == result.hash
        assert current.state is ChannelState.OPEN
        assert street.ledger.open == ()


async def test_an_expired_challenge_costs_no_second_voucher() -> None:
    async with Street() as street:
        await street.buy()
        challenge = await street.challenge()
        attempt = await street.payer.prepare(challenge, ORDER)
        street.clock.advance(301)
        headers = {"Authorization": attempt.authorization}
        refused = await street.http.get(URL, headers=headers)
        assert await attempt.refused(refused)
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == 2 * PRICE


async def test_a_voucher_that_the_payee_has_captured_is_not_sent_for_ever() -> None:
    """What is settled cannot be used again (facts, protocol 2.5): the payer signs on."""
    async with Street() as street:
        await street.buy()
        challenge = await street.challenge()
        attempt = await street.payer.prepare(challenge, ORDER)
        headers = {"Authorization": attempt.authorization}
        await street.http.post(URL, headers=headers)  # taken as management: nothing is served
        await attempt.lost(httpx.ConnectError("a client that thinks it was never sent"))
        with pytest.raises(httpx.ConnectError):
            await attempt.lost(httpx.ConnectError("a client that thinks it was never sent"))
        await street.shop.settle()
        assert (await street.buy()).status_code == 200
        assert street.payer.channels()[0].signed == 3 * PRICE


@pytest.mark.parametrize("protocol", [V1, V2])
async def test_a_sponsored_session_costs_the_payer_no_fee(protocol: SessionProtocol) -> None:
    async with Street(protocol, fee_payer=True, suggested_deposit=2 * PRICE) as street:
        rich = await street.balance()
        for _ in range(3):
            assert (await street.buy()).status_code == 200
        assert street.shop.actions() == ["open", "voucher", "topUp", "voucher"]
        assert await street.balance() == rich - 4 * PRICE


async def test_an_opening_that_reverted_is_not_sent_again() -> None:
    async with Street() as street:
        attempt = await street.payer.prepare(await street.challenge(), ORDER)
        pending = street.payer.channels()[0].pending
        assert pending is not None
        # The payer's money is gone before the opening is mined.
        payer, held = street.sender(1), await street.balance()
        await payer.send([Call(PATH_USD, 0, TRANSFER.call(b"\x51" * 20, held - 100_000))])
        street.shop.lose = [False]
        with suppress(ChainError):
            await broadcast(street.rpc, pending.transaction)
        await attempt.lost(httpx.ReadError("lost"))
        with suppress(OutcomeUnknownError):
            await attempt.lost(httpx.ReadError("lost"))
        await street.sender(0).send([Call(PATH_USD, 0, TRANSFER.call(payer.address, 10**9))])
        await street.buy()
        await street.buy()
        states = [channel.state for channel in street.payer.channels()]
        assert states[-1] is ChannelState.OPEN


async def test_a_deposit_that_is_smaller_than_thought_is_asked_of_the_chain() -> None:
    """amount-exceeds-deposit: a server that said it had topped up, and had not."""
    async with Street() as street:
        await street.buy()
        account = street.payer.channels()[0]
        street.shop.lies_about_top_ups = True
        for _ in range(9):
            await street.buy()
        assert (await street.buy()).status_code == 402
        street.shop.lies_about_top_ups = False
        assert (await street.buy()).status_code == 200
        assert street.shop.channel.deposit > account.deposit


async def test_an_opening_that_a_stranger_answered_is_still_an_opening() -> None:
    """An error that says nothing of the payment proves no channel: the chain is asked, and the
    transaction is not forgotten while it can still be mined."""
    async with Street() as street:
        attempt = await street.payer.prepare(await street.challenge(), ORDER)
        await attempt.taken(httpx.Response(404, text="no such page"))
        (channel,) = street.payer.channels()
        assert channel.state is ChannelState.OPENING
        assert channel.pending is not None
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert channel.state is ChannelState.OPEN


async def test_an_answer_that_was_paid_for_is_not_lost_with_the_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is full by then; the voucher was written down before it was sent."""
    async with Street() as street:
        attempt = await street.payer.prepare(await street.challenge(), ORDER)
        answer = await street.http.get(URL, headers={"Authorization": attempt.authorization})

        def fail(*_: object) -> None:
            raise BookDamagedError("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(ChannelBook, "save", fail)
            await attempt.taken(answer)
        assert street.ledger.tally() == (PRICE, 0)
        (channel,) = street.payer.channels()
        assert (channel.state, channel.spent) == (ChannelState.OPEN, PRICE)
        assert (await street.buy()).status_code == 200


async def test_the_chains_clock_decides_whether_an_opening_may_still_be_mined() -> None:
    """A sandbox's clock stands where it was put, an hour back for instance."""
    async with Street() as street:
        street.chain.mine(1)
        street.payer._services.clock = Clock.frozen(NOW_S + 3_600)
        await street.payer._services.sender(street.chain.chain_id, PATH_USD).sync()
        street.shop.lose = [False, False]
        with pytest.raises(OutcomeUnknownError):
            await street.buy()
        (first,) = street.payer.channels()
        assert first.pending is not None
        assert (await street.buy()).status_code == 200
        (channel,) = street.payer.channels()
        assert (channel.id, channel.state) == (first.id, ChannelState.OPEN)
