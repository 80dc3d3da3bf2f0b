"""When a payee captures what it has delivered: the settlement schedule, and what is at risk.

Between settlements the payee holds only a signature (facts: protocol 2.5; experiments E12).
Exposure is what it has delivered and not captured. A schedule bounds it: by amount, by units, by
time, and at shutdown. It counts from the last settlement, as mppx's does, and never settles a
channel that owes nothing, for a settlement costs a fee.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from mock_rails.core.errors import BadInput
from sandbox.methods.tempo_session import Status

if TYPE_CHECKING:
    from sandbox.methods.tempo_session import Channel


class AtShutdown(Enum):
    """What becomes of the open channels when the server stops."""

    CLOSE = "close"
    """Those with something to capture are closed; payers get the rest back at once."""

    SETTLE = "settle"
    """Those with something to capture are settled and stay open for the next start."""

    KEEP = "keep"
    """Nothing: the store keeps the vouchers."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Settle as soon as one of the bounds is reached; None sets no such bound."""

    amount: int | None = None
    """Base units that were delivered since the last settlement."""
    units: int | None = None
    """Units that were delivered since the last settlement."""
    interval_s: int | None = None
    """Seconds since the last settlement."""
    at_shutdown: AtShutdown = AtShutdown.CLOSE

    def __post_init__(self) -> None:
        for name in ("amount", "units", "interval_s"):
            bound = getattr(self, name)
            if bound is not None and bound <= 0:
                raise BadInput(f"A settlement schedule's {name} is greater than 0, not {bound}.")

    @property
    def counts(self) -> bool:
        """Whether a charge can make a settlement due."""
        return self.amount is not None or self.units is not None

    def is_due(self, channel: Channel, now_s: int) -> bool:
        """Whether the channel is to be settled now."""
        if channel.status is not Status.OPEN or not channel.exposure:
            return False
        if self.amount is not None and channel.exposure >= self.amount:
            return True
        if self.units is not None and channel.units - channel.settled_units >= self.units:
            return True
        return self.interval_s is not None and now_s - channel.settled_at_s >= self.interval_s


class Capture(NamedTuple):
    """What a closing or settling transaction brought: `captured` more than before, for `fee`.

    Both are base units, of the channel's token and of the fee's. `fee` is 0 where someone else
    closed the channel, and `tx_hash` is theirs.
    """

    channel_id: bytes
    captured: int
    fee: int
    tx_hash: bytes
    closes: bool = True
    """Whether the channel has ended with it; after a settlement it goes on."""
