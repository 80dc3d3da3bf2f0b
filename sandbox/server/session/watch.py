"""The watch: looks at the chain every few seconds for what happened to our channels without us.

A payer can ask the chain to let it leave. From then it takes 15 minutes until it may take back
everything that was not captured, and in this time the payee brings its last voucher (facts:
protocol 2.5, tempo 2.8). The watch reads the escrows' logs since it last looked, so that a thousand
idle channels cost one question; whatever a log names is looked at, and a channel whose payer is
leaving is closed if it owes something. Closes with an unknown outcome are tried again, settlements
that are due by time are sent, and what is old and led to nothing is forgotten.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import PaymentError

from sandbox.methods.tempo_session import Channel, Status
from sandbox.methods.tempo_session.problems import ChannelNotFoundError
from sandbox.methods.unchecked import PaymentUncheckedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.server.session.chain_state import ChainState
    from sandbox.server.session.closing import Closer
    from sandbox.server.session.context import SessionContext

_ID_TOPIC: Final = 1
"""All the escrows' events have the channel's id as their first indexed field."""

_SWEEP_S: Final = 600
"""How often all records are gone through where no schedule asks for more."""

_BREATH: Final = 64

_MOST_BLOCKS: Final = 2_000
"""A longer absence is made up for by looking at every channel: nodes limit such questions."""


class Watch:
    """One server's eye on the chain."""

    def __init__(
        self, context: SessionContext, state: ChainState, closer: Closer, interval_s: int
    ) -> None:
        self._context = context
        self._state = state
        self._closer = closer
        self._interval = timedelta(seconds=interval_s)
        self._block: int | None = None
        """The newest block that was looked at."""
        self._missed: set[bytes] = set()
        """Channels that the chain could not be asked about."""
        self._swept_s = 0
        self._closing: set[bytes] = set()
        """Channels that were in `closing` at the last sweep, and that we are not closing."""

    async def run(self) -> None:
        """Look, again and again, in sandbox time."""
        while True:
            await self._context.clock.sleep(self._interval)
            try:
                await self.look()
            except Exception as error:
                # Whatever it was, a chain or a store out of reach: payers leave all the same, and
                # nobody else would see it.
                self._context.background.note("watch.failed", error=type(error).__name__)

    async def look(self) -> None:
        """Look once."""
        missed, self._missed = self._missed, set()
        for channel_id in missed:
            channel = await self._context.book.get(channel_id)
            if channel is not None:
                await self._look_at(channel)
        await self._look_at_chain()
        for channel_id in tuple(self._closer.leaving):
            await self._see_out(channel_id)
        for channel_id in self._closer.unresolved - self._closer.under_way:
            channel = await self._context.book.get(channel_id)
            if channel is not None and channel.status is Status.CLOSING:
                await self._closer.resume(channel)
            else:
                self._closer.unresolved.discard(channel_id)
        await self._look_at_clock()

    # -- inside -----------------------------------------------------------------------------------

    async def _look_at_chain(self) -> None:
        rpc, escrows = self._context.rpc, self._context.escrows
        if not escrows:
            return
        head = int(await rpc.call("eth_blockNumber"), 16)
        first = head + 1 if self._block is None else self._block + 1
        missed = self._block is None or head < self._block or head - first > _MOST_BLOCKS
        if missed:  # the first look, a chain that was set back, or a long absence
            await self._look_at_all()
        elif first <= head:
            await self._look_at_logs(first, head)
        self._block = head

    async def _look_at_logs(self, first: int, head: int) -> None:
        addresses = sorted({f"0x{book.escrow.hex()}" for book in self._context.escrows})
        wanted = {"address": addresses, "fromBlock": hex(first), "toBlock": hex(head)}
        logs: list[dict[str, Any]] = await self._context.rpc.call("eth_getLogs", wanted)
        named = {log["topics"][_ID_TOPIC] for log in logs if len(log["topics"]) > _ID_TOPIC}
        for text in sorted(named):
            channel = await self._context.book.get(bytes.fromhex(text.removeprefix("0x")))
            if channel is not None:
                await self._look_at(channel)

    async def _look_at_all(self) -> None:
        async for channel in self._all():
            await self._look_at(channel)

    async def _look_at(self, channel: Channel) -> None:
        if channel.status is not Status.OPEN:
            return  # its own action is under way, or it is over
        try:
            await self._state.refresh(channel)
        except PaymentUncheckedError:
            self._missed.add(channel.id)  # its log is read once only: look again
        except PaymentError:
            return  # the chain does not know it; the next request will be told

    async def _see_out(self, channel_id: bytes) -> None:
        """A channel whose payer is leaving: close it, if that has not been done."""
        channel = await self._context.book.get(channel_id)
        is_leaving = channel is not None and channel.close_requested_at_s and channel.exposure
        if channel is None or channel.status is Status.CLOSED or not is_leaving:
            self._closer.leaving.discard(channel_id)
        else:
            self._closer.close_if_owed(channel)

    async def _look_at_clock(self) -> None:
        """What is due by time: settlements; openings that never came to anything; old records."""
        context = self._context
        now_s = context.clock.now_s()
        # Charges make a settlement due at once, but other processes may charge as well.
        has_bounds = context.schedule.counts or context.schedule.interval_s is not None
        if not has_bounds and 0 <= now_s - self._swept_s < _SWEEP_S:
            return
        self._swept_s = now_s
        closing: set[bytes] = set()
        async for channel in self._all():
            age_s = now_s - channel.opened_at_s
            if channel.status is Status.OPEN:
                self._closer.settle_if_due(channel)
            elif channel.status is Status.OPENING:
                if age_s >= context.limits.opening_lifetime_s:
                    await self._give_up(channel)
            elif channel.status is Status.CLOSING:
                closing.add(channel.id)
            elif channel.status is Status.CLOSED and age_s >= context.limits.closed_kept_s:
                await context.book.update(channel.id, lambda _: None)
        closing -= self._closer.under_way
        self._closer.unresolved |= closing & self._closing  # whoever began it has died since
        self._closing = closing

    async def _give_up(self, channel: Channel) -> None:
        """An opening that is old: look once more, then forget it."""
        try:
            left = await self._state.resolve_opening(channel)
        except ChannelNotFoundError:
            return  # its transaction had failed, and now it is forgotten
        if left.status is Status.OPENING:
            await self._context.book.forget_opening(channel.descriptor.payer, channel.id)

    async def _all(self) -> AsyncIterator[Channel]:
        """All records, with a breath for the requests now and then."""
        count = 0
        async for channel in self._context.book.scan():
            yield channel
            count += 1
            if count % _BREATH == 0:
                await self._context.clock.yield_to_loop()
