"""What all channels of a payer share: its wallet, ledger, book, nodes and way to servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx.model import TYPE_FEE_PAYER_HANDOFF
from sandbox.chain import Sender, find_close, read_channel, receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Seeds
    from sandbox.chain import OnChainChannel, TempoRpc
    from sandbox.client.ledger import Ledger
    from sandbox.client.living import ChannelsInUse
    from sandbox.client.session.book import ChannelBook
    from sandbox.client.session.channel import PayerChannel
    from sandbox.client.session.settings import SessionSettings
    from sandbox.client.session.wire import Wire
    from sandbox.client.wallet import Wallet


_LATE_S: Final = 5
"""How much longer than its window a transaction is waited for: clocks differ."""


class Ended(NamedTuple):
    """How a channel that the chain no longer has came to its end."""

    captured: int | None
    tx_hash: bytes | None


class Services:
    """One payer's tools."""

    def __init__(
        self,
        wallet: Wallet,
        ledger: Ledger,
        *,
        rpc_for: Callable[[int], TempoRpc],
        wire: Wire,
        clock: Clock,
        seeds: Seeds,
        settings: SessionSettings,
        book: ChannelBook,
        in_use: ChannelsInUse,
    ) -> None:
        self.wallet = wallet
        self.ledger = ledger
        self.rpc_for = rpc_for
        self.wire = wire
        self.clock = clock
        self.settings = settings
        self.book = book
        self.in_use = in_use
        self._seeds = seeds
        self._senders: dict[tuple[int, bytes], Sender] = {}
        self._salts = 0

    def sender(self, chain_id: int, fee_token: bytes) -> Sender:
        """The wallet on a chain, paying fees in this token: the channel's own, for it is there."""
        key = chain_id, fee_token
        if key not in self._senders:
            self._senders[key] = Sender(
                self.rpc_for(chain_id),
                self.wallet,
                clock=self.clock,
                seeds=self._seeds,
                fee_token=fee_token,
            )
        return self._senders[key]

    def salt(self) -> bytes:
        """A channel's salt. A payer that starts again with the same seed must not repeat one: in
        v1 the id would be the same, so the time goes into it."""
        self._salts += 1
        drawn = self._seeds.stream("client.session.salt").bytes(32)
        return keccak256(drawn + self.clock.now_us().to_bytes(8) + self._salts.to_bytes(8))

    async def look(self, channel: PayerChannel) -> OnChainChannel | None:
        """The channel on the chain; None if it is not open there."""
        found = await read_channel(self.rpc_for(channel.chain_id), channel.id, channel.book)
        return None if found is None or not found.is_open else found

    def waiting_s(self, channel: PayerChannel) -> int:
        """How long its pending transaction may still turn up in a block; 0 if it no longer can.

        By the chain's clock as far as it is known: a sandbox's need not be ours.
        """
        if channel.pending is None:
            return 0
        sender = self.sender(channel.chain_id, channel.descriptor.token)
        return max(channel.pending.valid_before_s + _LATE_S - sender.now_s(), 0)

    async def has_failed(self, channel: PayerChannel) -> bool:
        """Whether the opening was mined and reverted, so that it never can succeed. Of a hand-off
        that cannot be known: its hash is the sponsor's."""
        pending = channel.pending
        if pending is None or pending.transaction[0] == TYPE_FEE_PAYER_HANDOFF:
            return False
        found = await receipt(self.rpc_for(channel.chain_id), keccak256(pending.transaction))
        return found is not None and not found.success

    async def ended(self, channel: PayerChannel) -> Ended:
        """Who was paid what by a channel that is gone; nothing is known if it never was there."""
        rpc = self.rpc_for(channel.chain_id)
        found = await find_close(rpc, channel.book, channel.id, channel.from_block)
        return Ended(None, None) if found is None else Ended(found.captured, found.tx_hash)

    async def head_block(self, chain_id: int) -> int:
        """The chain's height: where a search for a new channel's logs may begin."""
        return await self.rpc_for(chain_id).block_number()
