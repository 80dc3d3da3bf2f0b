"""What a payer lets its sessions do by themselves. Amounts are base units of the channel's token.

The defaults are mppx's where it has one: no limit but the budget's, a top-up as large as the
server suggests, 16 minutes of patience after a forced close (facts, protocol 2.5 and 2.10).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final

from mock_rails.tempo.addresses import SESSION_ESCROW
from sandbox.client.amounts import checked_amount
from sandbox.methods.tempo_session import SessionProtocol

GRACE_S: Final = 16 * 60
"""The chain gives a payee 15 minutes; the minute more is for clocks that differ."""

_MAINNET_ESCROW: Final = bytes.fromhex("33b901018174ddabe4841042ab76ba85d4e24f25")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How much a session may lock up, and how it ends."""

    _: KW_ONLY
    max_deposit: int | None = None
    """The most that one channel may hold; its vouchers never exceed it either."""
    deposit: int | None = None
    """What to open with; the server's suggestion, if None."""
    top_up: int | None = None
    """How much to add when the deposit runs out; the server's suggestion, if None."""
    close_on_exit: bool = True
    """Whether the payer closes its channels when its client ends. If not, they wait in the book."""
    wait_for_forced_close: bool = False
    """Whether a forced close waits out the grace period and withdraws."""
    grace_s: int = GRACE_S
    protocols: frozenset[SessionProtocol] = frozenset(SessionProtocol)
    v1_escrows: frozenset[bytes] = frozenset({SESSION_ESCROW, _MAINNET_ESCROW})
    """The escrow contracts of v1 that are trusted with an approval; v2 has but one, the chain's."""
    drain_s: int = 10
    """How long a close waits, in real time, for requests that are under way."""
    patience_s: int = 60
    """How long a request waits, in real time, for others on its channel."""

    def __post_init__(self) -> None:
        """Refuse amounts that are none."""
        for amount in (self.max_deposit, self.deposit, self.top_up):
            if amount is not None:
                checked_amount(amount)
