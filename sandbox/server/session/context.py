"""What the parts of a session server share: the chain, the payee's wallet, the book, the limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.chain import Sender, TempoRpc
    from sandbox.client.wallet import Wallet
    from sandbox.methods.tempo_session import Book
    from sandbox.server.session.background import Background
    from sandbox.server.session.book import ChannelBook
    from sandbox.server.session.limits import SessionLimits
    from sandbox.server.session.schedule import Schedule


@dataclass(frozen=True, slots=True)
class SessionContext:
    """One payee's means. The wallet in it does not show its key, and neither does this."""

    rpc: TempoRpc
    sender: Sender
    """The payee, or the operator of its channels: who settles and closes."""
    book: ChannelBook
    clock: Clock
    background: Background
    limits: SessionLimits
    schedule: Schedule
    fee_payer: Wallet | None = None
    fee_token: bytes | None = None
    escrows: set[Book] = field(default_factory=set)
    """Where channels of this server's offers may be; the watch looks there."""
