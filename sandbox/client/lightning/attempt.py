"""One preimage that was shown to a server (`Attempt` in payer.py).

It was paid before, so that no end is free: what is refused or lost has cost the same. A refusal is
told and not tried again at another invoice. What was lost may be shown again by a later call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.client.exchange import RESENDS
from sandbox.client.lightning.cashier import unknown_outcome

if TYPE_CHECKING:
    import httpx

    from sandbox.client.lightning.charge import LightningChargePayer, Purchase


class ChargeAttempt:
    """A paid invoice on its way to the server."""

    def __init__(self, purchase: Purchase, payer: LightningChargePayer) -> None:
        self._purchase = purchase
        self._payer = payer
        self._losses = 0

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._purchase.authorization

    async def taken(self, response: httpx.Response) -> None:
        """It was delivered; or the application failed, and the preimage is used all the same."""
        self._payer.count(self._purchase)
        self._payer.forget(self._purchase)

    async def refused(self, response: httpx.Response) -> bool:
        """Always raises: the money is gone, and no other invoice is paid for this call."""
        self._payer.count(self._purchase)
        self._payer.forget(self._purchase)
        raise unknown_outcome(
            self._purchase.debit,
            f"The server answered HTTP {response.status_code} to a payment that was made.",
            paid=True,
            challenge_id=self._purchase.challenge.id,
        )

    async def lost(self, error: Exception) -> None:
        """Allow the same preimage twice more; then the next call for the same shows it."""
        self._losses += 1
        if self._losses > RESENDS:
            self._payer.count(self._purchase)
            self._purchase.by = None
            raise unknown_outcome(
                self._purchase.debit,
                "The payment was made, and the answer to it lost.",
                paid=True,
                challenge_id=self._purchase.challenge.id,
            )

    def __repr__(self) -> str:
        """The challenge; the preimage is not shown."""
        return f"<ChargeAttempt {self._purchase.challenge.id}>"
