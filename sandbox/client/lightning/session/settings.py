"""What a payer lets its Lightning sessions do by themselves. Amounts are satoshis."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sandbox.client.amounts import checked_amount
from sandbox.methods.lightning_session import RETURN_EXPIRY_S


@dataclass(frozen=True, slots=True)
class LightningSessionSettings:
    """How much a session may hold, and how it ends. The server names the deposit."""

    _: KW_ONLY
    max_deposit_sat: int | None = None
    """The most that is paid into one session, further deposits included; None for the budget."""
    close_on_exit: bool = True
    """Whether the payer closes its sessions when its client ends. If not, they wait in the book,
    or for the server to find them idle."""
    return_expiry_s: int = RETURN_EXPIRY_S
    """How long the invoice for what is left can be paid; a session that lives longer loses it."""
    patience_s: int = 60
    """How long a request waits, in real time, for another one that is opening the session."""

    def __post_init__(self) -> None:
        """Refuse amounts that are none."""
        if self.max_deposit_sat is not None:
            checked_amount(self.max_deposit_sat)
