"""The channels that a payee knows, who waits for one to change, and which payer has which.

Every change is one atomic update of the store, so `spent` is kept before anything is delivered
(facts: protocol 2.5) and racing vouchers cannot overspend. A stream that ran dry waits here: it is
woken at once by a change made in this process, and looks every 100 ms for one made by another
(2.8).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.methods.tempo_session import Channel, Status, from_record, to_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.stores import Store

POLL_MS: Final = 100

_NS_PER_S: Final = 1_000_000_000


class ChannelCodec:
    """Channels as the stores keep them."""

    def encode(self, record: Channel) -> Any:
        """The record as JSON values."""
        return to_record(record)

    def decode(self, document: Any) -> Channel:
        """The record that `encode` made this of."""
        return from_record(document)


class _IdsCodec:
    """The channel ids of one payer, oldest first."""

    def encode(self, record: tuple[str, ...]) -> Any:
        return list(record)

    def decode(self, document: Any) -> tuple[str, ...]:
        if not isinstance(document, list) or not all(isinstance(one, str) for one in document):
            raise ValueError("a payer's channels are a list of ids")
        return tuple(document)


class PayerIsFull(Exception):
    """A payer has as many open channels as it may have."""


class ChannelBook:
    """All channels of one payee."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._records = store.records("channels", ChannelCodec())
        self._payers = store.records("payers", _IdsCodec())
        self._clock = clock
        self._waiting: defaultdict[bytes, set[asyncio.Event]] = defaultdict(set)

    # -- records ----------------------------------------------------------------------------------

    async def get(self, channel_id: bytes) -> Channel | None:
        """The record of a channel."""
        return await self._records.get(channel_id.hex())

    async def update(
        self, channel_id: bytes, change: Callable[[Channel | None], Channel | None]
    ) -> Channel | None:
        """Replace a record by what `change` makes of it, as one step; wakes who waits for it."""
        after = await self._records.update(channel_id.hex(), change)
        if self._waiting and channel_id in self._waiting:
            for event in self._waiting[channel_id]:
                event.set()
        return after

    async def scan(self) -> AsyncIterator[Channel]:
        """All records, whatever their status."""
        async for _, channel in self._records.scan():
            yield channel

    async def forget_opening(self, payer: bytes, channel_id: bytes) -> None:
        """Delete the record of a channel whose opening transaction surely failed."""
        left = await self.update(
            channel_id,
            lambda one: None if one is not None and one.status is Status.OPENING else one,
        )
        if left is None:
            await self._strike(payer, {channel_id.hex()})

    # -- waiting ----------------------------------------------------------------------------------

    async def wait_for(
        self, channel_id: bytes, ready: Callable[[Channel | None], bool], timeout_s: float
    ) -> bool:
        """Wait until the record is as wished, for so long in real time (somebody holds a socket
        open meanwhile); whether it is."""
        event = asyncio.Event()
        deadline_ns = self._clock.monotonic_ns() + int(timeout_s * _NS_PER_S)
        self._waiting[channel_id].add(event)
        try:
            while not ready(await self.get(channel_id)):
                if self._clock.monotonic_ns() >= deadline_ns:
                    return False
                await self._changed(event)
            return True
        finally:
            waiting = self._waiting[channel_id]
            waiting.discard(event)
            if not waiting:
                del self._waiting[channel_id]

    async def _changed(self, event: asyncio.Event) -> None:
        """Until the record was changed here, or it is time to look whether it was elsewhere."""
        alarm = asyncio.ensure_future(self._clock.wall_sleep(timedelta(milliseconds=POLL_MS)))
        change = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, change), return_when=asyncio.FIRST_COMPLETED)
        finally:
            event.clear()
            alarm.cancel()
            change.cancel()

    # -- payers -----------------------------------------------------------------------------------

    async def enlist(self, payer: bytes, channel_id: bytes, limit: int) -> None:
        """Remember that the channel is this payer's; PayerIsFull if it has `limit` open ones."""
        key = channel_id.hex()

        def change(ids: tuple[str, ...] | None) -> tuple[str, ...]:
            known = ids or ()
            if key in known:
                return known
            if len(known) >= limit:
                raise PayerIsFull
            return (*known, key)

        try:
            await self._payers.update(payer.hex(), change)
        except PayerIsFull:
            gone = {key async for key in self._ended(payer)}
            if not gone:
                raise
            await self._strike(payer, gone)
            await self._payers.update(payer.hex(), change)

    async def of_payer(self, payer: bytes) -> list[Channel]:
        """The payer's channels that are not closed, oldest first."""
        ids = await self._payers.get(payer.hex()) or ()
        found = [await self._records.get(key) for key in ids]
        return [one for one in found if one is not None and one.status is not Status.CLOSED]

    async def strike(self, channel: Channel) -> None:
        """Forget whose channel it was, for it is closed."""
        await self._strike(channel.descriptor.payer, {channel.id.hex()})

    async def _strike(self, payer: bytes, gone: set[str]) -> None:
        await self._payers.update(
            payer.hex(), lambda ids: tuple(key for key in ids or () if key not in gone) or None
        )

    async def _ended(self, payer: bytes) -> AsyncIterator[str]:
        for key in await self._payers.get(payer.hex()) or ():
            channel = await self._records.get(key)
            if channel is None or channel.status is Status.CLOSED:
                yield key
