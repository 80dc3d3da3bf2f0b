"""The transactions that a payee sends about its channels: settle, and close.

A close is written down before it is sent and struck out only when it surely did not happen, so that
whoever finds a channel in `closing` knows what to do: look at the chain, then send the same order
again. Two closes of one channel cannot both succeed. Spec: facts, protocol 2.5; tempo 2.8, 2.9.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mpp.errors import PaymentError

from mock_rails.core.errors import Conflict, NotFound
from mock_rails.tempo.addresses import ZERO_ADDRESS
from sandbox.chain import (
    ChainError,
    TransactionOutcomeUnknown,
    TransactionRefused,
    TxResult,
    read_channel,
)
from sandbox.methods.tempo_session import Channel, Status, rules
from sandbox.methods.tempo_session.calls import close_call, settle_call
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.server.session.schedule import Capture

if TYPE_CHECKING:
    from sandbox.server.session.chain_state import ChainState
    from sandbox.server.session.context import SessionContext


class Closer:
    """Settles and closes."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self.state: ChainState
        """Set by who makes both: each needs the other."""
        self.unresolved: set[bytes] = set()
        """Channels whose close was sent, with no word of what came of it."""
        self.leaving: set[bytes] = set()
        """Channels that owe something and whose payer asked the chain to let it leave."""
        self.under_way: set[bytes] = set()
        """Channels that this process is closing right now."""

    # -- settle -----------------------------------------------------------------------------------

    def settle_if_due(self, channel: Channel) -> None:
        """Start a settlement beside the requests, if the schedule asks for one."""
        context = self._context
        if context.schedule.is_due(channel, context.clock.now_s()):
            context.background.start(("settle", channel.id), lambda: self.settle(channel.id))

    async def settle(self, channel_id: bytes) -> TxResult:
        """Capture the highest voucher and leave the channel open."""
        context = self._context
        channel = await self._known(channel_id)
        if channel.status is not Status.OPEN:
            raise Conflict(f"Channel {to_hex(channel_id)} is {channel.status}, not open.")
        if channel.accepted <= channel.settled:
            raise Conflict(f"All that is authorised on {to_hex(channel_id)} is captured.")
        self._check_sender(channel)
        result = await context.sender.send([settle_call(channel)])
        if not result.success:
            await self.state.refresh(channel)
            raise TransactionRefused("the settlement reverted", tx_hash=result.hash)
        now_s = context.clock.now_s()
        await context.book.update(
            channel_id,
            lambda one: one and rules.note_settled(one, channel.accepted, now_s=now_s),
        )
        context.background.note(
            "channel.settled",
            channel=to_hex(channel_id),
            tx=to_hex(result.hash),
            captured=channel.accepted - channel.settled,
            total=channel.accepted,
            fee=result.fee,
        )
        return result

    # -- close ------------------------------------------------------------------------------------

    def close_if_owed(self, channel: Channel) -> None:
        """Start to close a channel whose payer is leaving, if it owes something: the grace period
        is for this. One that owes nothing is not worth a fee."""
        if channel.status is Status.OPEN and channel.exposure:
            self.leaving.add(channel.id)  # until it is closed: a close that fails is tried again
            self._context.background.start(("close", channel.id), lambda: self.close(channel.id))

    async def close(self, channel_id: bytes) -> Capture:
        """Close a channel with its highest voucher, as its payee."""
        channel = await self._known(channel_id)
        self._check_sender(channel)
        address = self._context.sender.address
        closing = await self._context.book.update(
            channel_id, lambda one: one and rules.close_by_payee(one, closer=address)
        )
        if closing is None:
            raise NotFound(f"There is no channel {to_hex(channel_id)}.")
        return await self.carry_out(closing)

    async def carry_out(self, closing: Channel, *, resumed: bool = False) -> Capture:
        """Send the order of a channel in `closing`, and write down what came of it.

        `resumed`: it may have been sent before, so a failure now proves nothing and strikes
        nothing out.
        """
        self.under_way.add(closing.id)
        try:
            return await self._carry_out(closing, resumed=resumed)
        except (TransactionOutcomeUnknown, asyncio.CancelledError):
            self.unresolved.add(closing.id)  # also when the client left and nobody waits any more
            raise
        finally:
            self.under_way.discard(closing.id)

    async def _carry_out(self, closing: Channel, *, resumed: bool) -> Capture:
        context = self._context
        await context.background.join_one(("settle", closing.id))  # it changes what can be captured
        before, closing = closing.settled, await context.book.get(closing.id) or closing
        order = closing.close_order
        if order is None and closing.status is not Status.CLOSED:
            raise ChainError("Another attempt to close the channel failed: it is open.")
        if order is None:  # somebody else was faster
            return self._as_found(closing, before=before)
        try:
            result = await context.sender.send([close_call(closing, order)])
            if not result.success:
                raise TransactionRefused("the close reverted", tx_hash=result.hash)
        except TransactionOutcomeUnknown:
            raise
        except ChainError as error:
            return await self._not_closed(closing, error, resumed=resumed)
        closed = await context.book.update(
            closing.id, lambda one: one and rules.finish_close(one, result.hash, order.capture)
        )
        self.unresolved.discard(closing.id)
        await context.book.strike(closed or closing)
        captured = order.capture - closing.settled
        context.background.note(
            "channel.closed",
            channel=to_hex(closing.id),
            tx=to_hex(result.hash),
            captured=captured,
            total=order.capture,
            fee=result.fee,
        )
        return Capture(closing.id, captured, result.fee, result.hash)

    async def resume(self, closing: Channel) -> Capture | None:
        """Go on with a close that was interrupted; None if nothing can be said as yet."""
        try:
            state = await read_channel(self._context.rpc, closing.id, closing.book)
            if state is None or not state.is_open:
                closed = await self.state.gone(closing)
                self.unresolved.discard(closing.id)
                return self._as_found(closed, before=closing.settled)
            return await self.carry_out(closing, resumed=True)
        except (ChainError, PaymentError):
            self.unresolved.add(closing.id)
            return None

    async def _not_closed(self, closing: Channel, failure: ChainError, *, resumed: bool) -> Capture:
        """Our transaction was not mined, or reverted: because the channel was closed before?
        If it was not, the failure goes on to whoever asked."""
        try:
            state = await read_channel(self._context.rpc, closing.id, closing.book)
            if state is None or not state.is_open:
                return self._as_found(await self.state.gone(closing), before=closing.settled)
        except (ChainError, PaymentError):
            state = None  # the first error says what happened, this one that nobody could look
        if state is not None and state.settled > closing.settled:
            settled, now_s = state.settled, self._context.clock.now_s()
            again = await self._context.book.update(
                closing.id, lambda one: one and rules.note_settled(one, settled, now_s=now_s)
            )
            if again is not None:
                return await self._carry_out(again, resumed=resumed)
        if resumed:
            self.unresolved.add(closing.id)
        else:
            await self._context.book.update(closing.id, lambda one: one and rules.abort_close(one))
            self.unresolved.discard(closing.id)
        raise failure

    def _as_found(self, closed: Channel, *, before: int) -> Capture:
        captured = max(closed.settled - before, 0)
        return Capture(closed.id, captured, 0, closed.closed_tx or bytes(32))

    async def _known(self, channel_id: bytes) -> Channel:
        channel = await self._context.book.get(channel_id)
        if channel is None:
            raise NotFound(f"There is no channel {to_hex(channel_id)}.")
        return channel

    def _check_sender(self, channel: Channel) -> None:
        ours, descriptor = self._context.sender.address, channel.descriptor
        if ours == ZERO_ADDRESS or ours not in {descriptor.payee, descriptor.operator}:
            raise Conflict(
                f"{to_hex(ours)} is neither payee nor operator of channel {to_hex(channel.id)}."
            )
