"""Reserves, pays, and finds out: what every payment over Lightning goes through.

A payment's money is reserved with the largest fee it may cost, and written down with the hash by
which it can be looked up, before the node hears of it. Then it is paid, or has failed, or nobody
knows: a timeout stops nothing that is under way (facts: lightning 1.5, 5.3). What is not known is
never paid again; it is looked up, by this run or the next. Preimages are kept in memory only: a
later run asks the node for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sandbox.client.budget import Limit, Payment
from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.lightning.errors import LightningPaymentFailedError
from sandbox.client.lightning.reading import CURRENCY
from sandbox.lightning.node import (
    NEVER_BEGUN,
    NodeError,
    Paid,
    PaymentFailed,
    PaymentOutcomeUnknown,
)

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from mock_rails.lightning.bolt11 import Bolt11
    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.lightning.wallet import LightningWallet

MSAT: Final = 1_000
_STEP_MS: Final = 100


@dataclass(eq=False, slots=True)
class Debit:
    """One payment of this wallet, from its reservation to its preimage."""

    payment_hash: bytes
    amount_sat: int
    reservation: Reservation
    preimage: bytes | None = field(default=None, repr=False)
    """The proof, once it is paid."""

    @property
    def fee_limit_sat(self) -> int:
        """What is reserved besides the amount."""
        return self.reservation.payment.amount - self.amount_sat


class Cashier:
    """One wallet's payments within one ledger."""

    def __init__(self, wallet: LightningWallet, ledger: Ledger, clock: Clock) -> None:
        self.wallet = wallet
        self.ledger = ledger
        self.clock = clock

    def reserve(
        self,
        invoice: Bolt11,
        *,
        host: str,
        evidence: dict[str, Any],
        session: str | None = None,
        price_sat: int | None = None,
    ) -> Debit:
        """Set the invoice's amount aside, with as much for the fee as wallet and budget allow.

        `price_sat` is what one request costs, where the invoice is a deposit for many.
        """
        amount_sat = (invoice.amount_msat or 0) // MSAT
        payment = Payment(
            amount_sat,
            currency=CURRENCY,
            host=host,
            recipient=invoice.payee.hex(),
            session=session,
        )
        left = self.ledger.left(payment)
        if price_sat is not None:
            left.pop(Limit.PER_REQUEST, None)
        room = (one - amount_sat for one in left.values())
        fee_sat = max(0, min((self.wallet.fee_limit_sat(amount_sat), *room)))
        noted = {
            **evidence,
            "paymentHash": invoice.payment_hash.hex(),
            "amount": amount_sat,
        }
        reservation = self.ledger.reserve(
            replace(payment, amount=amount_sat + fee_sat), noted, price=price_sat
        )
        return Debit(invoice.payment_hash, amount_sat, reservation)

    def again(self, payment_hash: bytes, amount_sat: int, *, host: str) -> Debit:
        """A payment that was begun under another budget, whose it is: nothing more is set aside."""
        nothing = Payment(0, currency=CURRENCY, host=host)
        return Debit(payment_hash, amount_sat, self.ledger.reserve(nothing))

    def left_over(self, reservation: Reservation) -> Debit | None:
        """A payment that an earlier run began; None if its note cannot be read."""
        evidence = reservation.evidence
        try:
            payment_hash = bytes.fromhex(evidence["paymentHash"])
            return Debit(payment_hash, int(evidence["amount"]), reservation)
        except (KeyError, TypeError, ValueError):
            return None

    async def pay(self, debit: Debit, invoice: Bolt11) -> bytes:
        """Pay it; the preimage. Raises `LightningPaymentFailedError` if it certainly failed, and
        `OutcomeUnknownError` if nobody knows: then `find` tells later."""
        try:
            found = await self._pay(debit, invoice)
        except BaseException:
            self.ledger.mark_unknown(debit.reservation)  # whatever it was, it may be under way
            raise
        return self._end(debit, found)

    async def find(self, debit: Debit) -> bytes:
        """Look up what became of it; raises like `pay`."""
        if debit.preimage is not None:
            return debit.preimage
        return self._end(debit, await self._look(debit))

    def commit(self, debit: Debit) -> None:
        """It was paid, and that is the end of it."""
        self.ledger.commit(debit.reservation)

    # -- inside -----------------------------------------------------------------------------------

    async def _pay(self, debit: Debit, invoice: Bolt11) -> Paid | PaymentFailed | None:
        try:
            return await self.wallet.node.pay(
                invoice.text,
                fee_limit_sat=debit.fee_limit_sat,
                timeout_s=self.wallet.timeout_s,
            )
        except PaymentFailed as failed:
            return failed
        except PaymentOutcomeUnknown:
            pass
        waited_ms = 0
        while True:
            found = await self._look(debit)
            # A node that has not heard of it yet may still be about to.
            is_known = isinstance(found, Paid) or (found and found.reason != NEVER_BEGUN)
            if is_known or waited_ms >= self.wallet.patience_ms:
                return found
            await self.clock.wall_sleep(timedelta(milliseconds=_STEP_MS))
            waited_ms += _STEP_MS

    async def _look(self, debit: Debit) -> Paid | PaymentFailed | None:
        """A node that does not answer does not know."""
        try:
            return await self.wallet.node.find_payment(debit.payment_hash)
        except NodeError:
            return None

    def _end(self, debit: Debit, found: Paid | PaymentFailed | None) -> bytes:
        if isinstance(found, PaymentFailed):
            self.ledger.release(debit.reservation)
            raise LightningPaymentFailedError(
                f"The Lightning payment failed: {found.reason.rstrip('.')}.",
                hint=f"Nothing was paid. The fee could be {debit.fee_limit_sat} sat at the most.",
                details={"reason": found.reason, "fee_limit_sat": debit.fee_limit_sat},
            )
        if found is None or sha256(found.preimage).digest() != debit.payment_hash:
            self.ledger.mark_unknown(debit.reservation)
            raise unknown_outcome(debit, "The Lightning payment is under way.", paid=None)
        debit.preimage = found.preimage
        self._fit(debit, debit.amount_sat + -(-found.fee_msat // MSAT))
        return found.preimage

    def _fit(self, debit: Debit, cost_sat: int) -> None:
        """What is reserved is what was paid: the rest of the fee is free again."""
        if debit.reservation.payment.amount > cost_sat:
            debit.reservation = self.ledger.shrink(debit.reservation, cost_sat)
        self.ledger.take_over(debit.reservation)


def unknown_outcome(
    debit: Debit, detail: str, *, paid: bool | None, **details: Any
) -> OutcomeUnknownError:
    """The error that says what is known of a payment; the preimage is not in it."""
    payment = debit.reservation.payment
    return OutcomeUnknownError(
        detail,
        paid=paid,
        hint=_HINTS[paid],
        details={
            "payment_hash": debit.payment_hash.hex(),
            "host": payment.host,
            "amount": debit.amount_sat,
            "currency": payment.currency,
            "final": True,
            **details,
        },
    )


_HINTS: Final = {
    True: "It is not paid again: asked for the same, the client shows the server that it was paid.",
    None: "It is not paid again: asked for the same, the client looks up what became of it.",
}
