"""The channels that a payee knows, who waits for one to change, and which payer has which.

Every change is one atomic update of the store, so `spent` is kept before anything is delivered
(facts: protocol 2.5) and racing vouchers cannot overspend. A stream that ran dry waits here: it is
woken at once by a change made in this process, and looks every 100 ms for one made by another
(2.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.methods.tempo_session import Channel, Status, from_record, to_record
from sandbox.server.stores.watched import WatchedRecords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.stores import Store


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
        self._channels = WatchedRecords(store.records("channels", ChannelCodec()), clock)
        self._payers = store.records("payers", _IdsCodec())

    # -- records ----------------------------------------------------------------------------------

    async def get(self, channel_id: bytes) -> Channel | None:
        """The record of a channel."""
        return await self._channels.get(channel_id)

    async def update(
        self, channel_id: bytes, change: Callable[[Channel | None], Channel | None]
    ) -> Channel | None:
        """Replace a record by what `change` makes of it, as one step; wakes who waits for it."""
        return await self._channels.update(channel_id, change)

    async def scan(self) -> AsyncIterator[Channel]:
        """All records, whatever their status."""
        async for channel in self._channels.scan():
            yield channel

    async def forget_opening(self, payer: bytes, channel_id: bytes) -> None:
        """Delete the record of a channel whose opening transaction surely failed."""
        left = await self.update(
            channel_id,
            lambda one: None if one is not None and one.status is Status.OPENING else one,
        )
        if left is None:
            await self._strike(payer, {channel_id.hex()})

    async def wait_for(
        self, channel_id: bytes, ready: Callable[[Channel | None], bool], timeout_s: float
    ) -> bool:
        """Wait until the record is as wished; whether it is."""
        return await self._channels.wait_for(channel_id, ready, timeout_s)

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
        found = [await self.get(bytes.fromhex(key)) for key in ids]
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
            channel = await self.get(bytes.fromhex(key))
            if channel is None or channel.status is Status.CLOSED:
                yield key
