"""What the chain says of our channels, asked for again when it is older than a few seconds.

mppx asks inside the request when its knowledge is older than `channelStateTtl` (5 s). Here a
channel in use is asked about ahead of time, beside the requests: knowledge that is older than the
TTL is still used, and renewed in the background; only when it is older than twice that does a
request wait for the chain. A forced close is thus seen within ten seconds, of a grace of fifteen
minutes (facts: protocol 2.5).

A chain that cannot be asked is a definite 503, never a 402, which would have the client pay again:
it is asked before anything is charged.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sandbox.chain import ChainError, find_close, read_channel, receipt
from sandbox.methods.tempo_session import Channel, Status, rules
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.methods.tempo_session.problems import ChannelNotFoundError
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.server.session.context import SessionContext

_MOST_REMEMBERED: Final = 65_536
_US_PER_S: Final = 1_000_000


class ChainState:
    """Keeps records in step with the chain."""

    def __init__(
        self, context: SessionContext, ttl_s: int, leaving: Callable[[Channel], None]
    ) -> None:
        self._context = context
        self._ttl_us = ttl_s * _US_PER_S
        self._leaving = leaving
        """Told of a channel whose payer asked the chain to let it leave."""
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    # -- how old our knowledge is -----------------------------------------------------------------

    def age_us(self, channel_id: bytes) -> int | None:
        """How old the knowledge of a channel is; None if there is none worth the name."""
        seen_us = self._seen.get(channel_id)
        if seen_us is None:
            return None
        age = self._context.clock.now_us() - seen_us
        return age if age >= 0 else None  # the clock was set back: who knows

    def saw(self, channel_id: bytes) -> None:
        """The chain has just told about this channel."""
        self._seen[channel_id] = self._context.clock.now_us()
        self._seen.move_to_end(channel_id)
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)

    def doubt(self, channel_id: bytes) -> None:
        """What is known of this channel is out of date: ask before it is used again."""
        self._seen.pop(channel_id, None)

    def is_fresh(self, channel: Channel) -> bool:
        """Whether the record will do as it is; the hot path asks this and nothing else."""
        if channel.status is not Status.OPEN:
            return channel.status is not Status.OPENING
        age = self.age_us(channel.id)
        if age is None or age > 2 * self._ttl_us:
            return False
        if age > self._ttl_us:
            self._context.background.start(("refresh", channel.id), lambda: self.refresh(channel))
        return True

    async def fresh(self, channel: Channel) -> Channel:
        """The record, brought up to date if it may be out of it."""
        if self.is_fresh(channel):
            return channel
        if channel.status is Status.OPENING:
            return await self.resolve_opening(channel)
        return await self.refresh(channel)

    # -- asking -----------------------------------------------------------------------------------

    async def refresh(self, channel: Channel) -> Channel:
        """The record of an open channel as the chain has it now."""
        context = self._context
        try:
            state = await read_channel(context.rpc, channel.id, channel.book)
            if state is None or not state.is_open:
                return await self.gone(channel)
        except ChainError as error:
            raise PaymentUncheckedError from error
        now_s = context.clock.now_s()

        def change(current: Channel | None) -> Channel | None:
            return current and rules.note_chain_state(
                current,
                deposit=state.deposit,
                settled=state.settled,
                close_requested_at_s=state.close_requested_at_s,
                now_s=now_s,
            )

        after = await context.book.update(channel.id, change)
        if after is None:
            raise ChannelNotFoundError("channel not found")
        self.saw(channel.id)
        if after.close_requested_at_s:
            if not channel.close_requested_at_s:
                context.background.note(
                    "forced-close.seen",
                    channel=to_hex(channel.id),
                    requested_at_s=after.close_requested_at_s,
                    exposure=after.exposure,
                )
            self._leaving(after)
        return after

    async def gone(self, channel: Channel) -> Channel:
        """The chain has no such open channel: find out who closed it, and take note.

        ChannelNotFoundError (410) if the chain knows nothing of it at all. The record stays then:
        a node may be behind.
        """
        context = self._context
        found = await find_close(context.rpc, channel.book, channel.id)
        if found is None:
            raise ChannelNotFoundError("channel not funded on-chain")
        after = await context.book.update(
            channel.id,
            lambda one: one and rules.finish_close(one, found.tx_hash, found.captured),
        )
        if after is None:
            raise ChannelNotFoundError("channel not found")
        await context.book.strike(after)
        context.background.note(
            "channel.closed",
            channel=to_hex(channel.id),
            tx=to_hex(found.tx_hash),
            captured=found.captured,
            by_payer=found.withdrawn,
        )
        return after

    async def resolve_opening(self, channel: Channel) -> Channel:
        """A channel that was being opened when the answer, or this process, was lost: look.

        It is confirmed, or forgotten if its transaction failed, or left as it is if the chain has
        not heard of it (yet).
        """
        context = self._context
        sent = channel.opened_tx
        try:
            mined = None if sent is None else await receipt(context.rpc, sent)
            if mined is not None and not mined.success:
                await context.book.forget_opening(channel.descriptor.payer, channel.id)
                raise ChannelNotFoundError("the opening transaction failed")
            if mined is None and await read_channel(context.rpc, channel.id, channel.book) is None:
                return channel
        except ChainError as error:
            raise PaymentUncheckedError from error
        opened = await context.book.update(
            channel.id, lambda one: one and rules.confirm_open(one, sent or bytes(32))
        )
        if opened is None:
            raise ChannelNotFoundError("channel not found")
        context.background.note("channel.opened", channel=to_hex(channel.id), recovered=True)
        return await self.refresh(opened)
