"""One token that was shown to a server: what became of it, and what that means for the ledger.

Clients that answer a refusal with the next challenge make a second token and pay twice where only
an answer was lost, and three times where a card is declined (facts: stripe 0.2). So a call has one
token. When a server refuses it, or does not answer, the token is withdrawn at Stripe: then either
nothing was charged and nothing can be, or it is known that it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.client.cards.mint import Fate
from sandbox.client.cards.request import NAME
from sandbox.client.errors import OutcomeUnknownError, PaymentDeclinedError
from sandbox.client.exchange import NEVER_SENT, RESENDS
from sandbox.client.outcome import read_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from sandbox.client.cards.mint import Mint
    from sandbox.client.ledger import Ledger, Reservation

_ACTION: Final = "/payment-action-required"


class CardAttempt:
    """A token with the money that is reserved for it (`Attempt` in payer.py)."""

    def __init__(
        self,
        token: str,
        challenge_id: str,
        reservation: Reservation,
        *,
        authorization: str,
        ledger: Ledger,
        mint: Mint,
        closed: Callable[[CardAttempt], None],
    ) -> None:
        self.challenge_id = challenge_id
        self.reservation = reservation
        self._token = token
        self._authorization = authorization
        self._ledger = ledger
        self._mint = mint
        self._closed = closed
        self._losses = 0
        self._has_left = False
        self._fate = Fate.UNKNOWN

    @property
    def authorization(self) -> str:
        """The credential."""
        return self._authorization

    async def taken(self, response: httpx.Response) -> None:
        """Count it. What is neither a success nor has a receipt is looked up at Stripe."""
        if response.is_success or "payment-receipt" in response.headers:
            self._end(Fate.CHARGED)
        else:
            await self.settle_by_stripe()

    async def refused(self, response: httpx.Response) -> bool:
        """Always raises: no other token is made for this call."""
        fate = await self.settle_by_stripe()
        if fate is Fate.CHARGED:
            raise self._unknown(
                f"The server answered HTTP {response.status_code} to a payment that was made.",
                paid=True,
            )
        if fate is Fate.UNKNOWN:
            raise self._unknown(
                f"The server answered HTTP {response.status_code}, and Stripe does not say whether"
                " the card was charged.",
                paid=None,
            )
        problem = read_problem(response) or {}
        if str(problem.get("type", "")).endswith(_ACTION):
            words = "The bank wants to see the buyer (3D Secure), who is not here."
        else:
            words = "The payment by card was refused."
        raise PaymentDeclinedError(f"{words} Nothing was charged.")

    async def lost(self, error: Exception) -> None:
        """Allow the same credential twice more, then take the token back."""
        self._losses += 1
        self._has_left = self._has_left or not isinstance(error, NEVER_SENT)
        if self._losses <= RESENDS:
            return
        fate = await self.settle_by_stripe()
        if not self._has_left:
            self._end(Fate.WITHDRAWN)
        elif fate is Fate.CHARGED:
            raise self._unknown("The payment was made, and the answer to it lost.", paid=True)
        elif fate is Fate.WITHDRAWN:
            raise self._unknown(
                "The server did not answer. The payment was not made, and its token is withdrawn.",
                paid=False,
            )
        else:
            raise self._unknown("The answer to a payment was lost.", paid=None)

    async def settle_by_stripe(self) -> Fate:
        """Withdraw the token, and tell the ledger what became of it."""
        if self._fate is Fate.UNKNOWN:
            fate = await self._mint.withdraw(self._token)
            if fate is not Fate.UNKNOWN:
                self._end(fate)
            elif self._fate is Fate.UNKNOWN:  # nobody else has learnt more meanwhile
                self._ledger.mark_unknown(self.reservation)
        return self._fate

    def evidence(self, stripe_url: str) -> dict[str, Any]:
        """What a later run needs to find out what became of it."""
        return {
            "method": NAME,
            "challengeId": self.challenge_id,
            "token": self._token,
            "stripe": stripe_url,
        }

    def __repr__(self) -> str:
        """The challenge and the fate; the token is not shown."""
        return f"<CardAttempt {self.challenge_id} {self._fate.value}>"

    # -- inside -----------------------------------------------------------------------------------

    def _end(self, fate: Fate) -> None:
        if self._fate is not Fate.UNKNOWN:
            return
        self._fate = fate
        if fate is Fate.CHARGED:
            self._ledger.commit(self.reservation)
        else:
            self._ledger.release(self.reservation)
        self._closed(self)

    def _unknown(self, detail: str, *, paid: bool | None) -> OutcomeUnknownError:
        payment = self.reservation.payment
        details: Mapping[str, Any] = {
            "challenge_id": self.challenge_id,
            "host": payment.host,
            "amount": payment.amount,
            "currency": payment.currency,
            "final": True,
        }
        return OutcomeUnknownError(detail, paid=paid, hint=_HINTS[paid], details=details)


_HINTS: Final = {
    True: "Ask the server for what was paid for, with the challenge's id.",
    False: "It may be paid again.",
    None: "It is not paid again: the card may have been charged. Look at Stripe for its challenge.",
}
