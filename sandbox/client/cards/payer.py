"""Pays `stripe/charge`: mints a token for exactly what the challenge asks, once for each call.

draft-stripe-charge-00; facts: stripe 0.2, 0.3, 1.4. The money is reserved in the cards' own ledger,
in the currency's smallest unit, before Stripe is asked for anything.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sandbox.client.budget import Payment
from sandbox.client.cards.attempt import CardAttempt
from sandbox.client.cards.mint import TOKENS, Mint
from sandbox.client.cards.request import NAME, CardCharge
from sandbox.client.errors import ChallengeExpiredError, PaymentNotPreparedError
from sandbox.client.selection import is_expired

if TYPE_CHECKING:
    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Stream
    from sandbox.client.cards.wallet import CardWallet
    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.payer import Attempt, Order

LIFETIME_S: Final = 3_600
"""Of a token for a challenge that has no end; pympp's."""
_LONGEST_CHALLENGE: Final = 200
_NONCE_DIGITS: Final = 16


class CardPayer:
    """Pays charges from one card, within one ledger.

    The key under which a token is asked for has the challenge's id in it, so that a lost answer
    gives the same token, and a part of its own: two calls that a server gives one challenge are two
    payments all the same.
    """

    def __init__(self, wallet: CardWallet, ledger: Ledger, *, clock: Clock, keys: Stream) -> None:
        self._wallet = wallet
        self._ledger = ledger
        self._clock = clock
        self._keys = keys
        self._mint = Mint(wallet, clock)
        self._open: dict[int, CardAttempt] = {}
        for reservation in ledger.left_over(NAME):
            self._take_over(reservation)

    @property
    def name(self) -> str:
        """`stripe/charge`."""
        return NAME

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether it is a charge that takes cards, of an amount that a card can be charged."""
        return CardCharge.of(challenge) is not None

    def preview(self, challenge: Challenge) -> dict[str, Any]:
        """What `prepare` would ask Stripe for."""
        charge = self._charge(challenge)
        return {
            "post": f"{self._wallet.stripe_url}{TOKENS}",
            "form": self._mint.form(charge, self._end_of(charge)),
        }

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        """Reserve the amount, then mint the token."""
        charge = self._charge(challenge)
        form = self._mint.form(charge, self._end_of(charge))
        reservation = self._ledger.reserve(_payment(charge, order), {"method": NAME})
        try:
            token = await self._mint.mint(form, self._key(charge))
            attempt = self._attempt(
                token, charge.challenge_id, reservation, await self._credential(challenge, token)
            )
            self._ledger.note(reservation, attempt.evidence(self._wallet.stripe_url))
        except BaseException:
            self._open.pop(reservation.number, None)
            self._ledger.release(reservation)  # no server was shown the token
            raise
        return attempt

    @property
    def unsettled(self) -> tuple[CardAttempt, ...]:
        """Tokens that went out, or may have, and whose end nobody knows."""
        return tuple(self._open.values())

    async def reconcile(self) -> None:
        """Withdraw the tokens whose outcome is in doubt, and count those that were charged. Those
        of calls that are under way are left alone."""
        in_doubt = {one.number for one in self._ledger.unknown}
        for attempt in self.unsettled:
            if attempt.reservation.number in in_doubt:
                await attempt.settle_by_stripe()

    async def close(self) -> None:
        """Withdraw what is open, also of calls that were given up; let go of the connections."""
        try:
            for attempt in self.unsettled:
                await attempt.settle_by_stripe()
        finally:
            await self._mint.aclose()

    # -- inside -----------------------------------------------------------------------------------

    def _charge(self, challenge: Challenge) -> CardCharge:
        if is_expired(challenge, self._clock.utc()):
            raise ChallengeExpiredError("The challenge expired before it could be paid.")
        charge = CardCharge.of(challenge)
        if charge is None:
            raise PaymentNotPreparedError("That challenge cannot be paid by card.")
        if charge.expires_s is not None and charge.expires_s <= self._clock.now_s():
            raise ChallengeExpiredError("The challenge expires within this second.")
        return charge

    def _end_of(self, charge: CardCharge) -> int:
        return charge.expires_s or self._clock.now_s() + LIFETIME_S

    def _key(self, charge: CardCharge) -> str:
        seed = f"{self._keys.hex(_NONCE_DIGITS)} {self._clock.now_us()}"
        own = hashlib.sha256(seed.encode()).hexdigest()[:_NONCE_DIGITS]
        return f"mpp_{charge.challenge_id[:_LONGEST_CHALLENGE]}_{own}"

    async def _credential(self, challenge: Challenge, token: str) -> str:
        from mpp.methods.stripe.client import OnChallengeParameters, StripeMethod

        async def minted(parameters: OnChallengeParameters) -> str:
            return token

        method = StripeMethod(create_token=minted, payment_method=self._wallet.payment_method)
        try:
            return (await method.create_credential(challenge)).to_authorization()
        except ValueError as error:
            raise PaymentNotPreparedError(f"No credential can be made: {error}.") from error

    def _attempt(
        self, token: str, challenge_id: str, reservation: Reservation, authorization: str
    ) -> CardAttempt:
        attempt = CardAttempt(
            token,
            challenge_id,
            reservation,
            authorization=authorization,
            ledger=self._ledger,
            mint=self._mint,
            closed=self._forget,
        )
        self._open[reservation.number] = attempt
        return attempt

    def _take_over(self, reservation: Reservation) -> None:
        """Go on with what an earlier run has left; its credential is not sent again."""
        evidence = reservation.evidence
        token = evidence.get("token")
        if token is None:
            self._ledger.release(reservation)  # that run ended before a server was shown a token
        elif evidence.get("stripe") == self._wallet.stripe_url:
            self._attempt(str(token), str(evidence.get("challengeId")), reservation, "")

    def _forget(self, attempt: CardAttempt) -> None:
        self._open.pop(attempt.reservation.number, None)


def _payment(charge: CardCharge, order: Order) -> Payment:
    return Payment(
        charge.amount, currency=charge.currency, host=order.host, recipient=charge.network_id
    )
