"""A charge of nothing, answered with a signature that says whose wallet asks.

No money moves, so that no outcome is ever in doubt: a lost proof is sent again, and one that is
refused has cost nothing (facts, protocol 1.1, row 31; 2.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from mpp import Challenge

    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.wallet import Wallet


class ProofAttempt:
    """A proof with its reservation of nothing (`Attempt` in payer.py)."""

    def __init__(
        self,
        challenge: Challenge,
        wallet: Wallet,
        ledger: Ledger,
        reservation: Reservation,
        *,
        refused_by: Callable[[str], None],
    ) -> None:
        from sandbox.client.session.proof import prove

        self._ledger = ledger
        self._reservation = reservation
        self._refused_by = refused_by
        try:
            self._authorization = prove(challenge, wallet)
        except BaseException:
            ledger.release(reservation)
            raise

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._authorization

    async def taken(self, response: httpx.Response) -> None:
        """The server believes it."""
        self._ledger.commit(self._reservation)

    async def refused(self, response: httpx.Response) -> bool:
        """The server wants something else; another attempt costs nothing."""
        self._ledger.release(self._reservation)
        self._refused_by(self._reservation.payment.host)
        return True

    async def lost(self, error: Exception) -> None:
        """It may be sent again."""
