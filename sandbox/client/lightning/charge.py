"""Pays `lightning/charge`: the invoice is paid once, and its preimage is the credential.

Facts: lightning 1.1-1.6. The money leaves before the server is shown anything, so that what is lost
later is not paid again: a payment whose call ended without an answer is remembered under the place
it was for, and the next call for the same place looks it up and shows it, instead of paying.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mpp import ChallengeEcho, Credential

from sandbox.client.errors import ClientError, PaymentRefusedError
from sandbox.client.lightning.attempt import ChargeAttempt
from sandbox.client.lightning.book import LightningBook
from sandbox.client.lightning.cashier import Cashier, Debit
from sandbox.client.lightning.errors import LightningPaymentFailedError
from sandbox.client.lightning.reading import CHARGE, is_of, read_charge
from sandbox.methods.lightning_charge import ChargePayload

if TYPE_CHECKING:
    from pathlib import Path

    from mpp import Challenge

    from mock_rails.core.clock import Clock
    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.lightning.wallet import LightningWallet
    from sandbox.client.payer import Attempt, Order


@dataclass(eq=False, slots=True)
class Purchase:
    """What was paid for, or is about to be, and has not been delivered."""

    place: str
    challenge: ChallengeEcho
    debit: Debit
    by: asyncio.Task[Any] | None = field(default=None, repr=False)
    """Whose call it is. A task has one call at a time, and none when it has ended."""
    is_committed: bool = False

    def is_free(self) -> bool:
        """Whether the call that began it is over."""
        return self.by is None or self.by.done() or self.by is asyncio.current_task()

    @property
    def authorization(self) -> str:
        """The credential."""
        if self.debit.preimage is None:
            raise AssertionError("what is shown to a server was paid")
        payload = ChargePayload(self.debit.preimage).to_json()
        return Credential(self.challenge, payload).to_authorization()


class LightningChargePayer:
    """Pays charges from one node, within one ledger of satoshis."""

    def __init__(
        self,
        wallet: LightningWallet,
        ledger: Ledger,
        *,
        clock: Clock,
        state: Path | None = None,
    ) -> None:
        """`state` is the directory of the book; without one, what was paid for in vain is forgotten
        with the process, unless the ledger remembers it."""
        self._wallet = wallet
        self._book = LightningBook(state, wallet.name)
        self._ledger = ledger
        self._clock = clock
        self._cashier = Cashier(wallet, ledger, clock)
        self._undelivered: list[Purchase] = []
        for reservation in ledger.left_over(CHARGE):
            self._take_over(reservation)

    @property
    def name(self) -> str:
        """`lightning/charge`."""
        return CHARGE

    def can_pay(self, challenge: Challenge) -> bool:
        """Whether it is a charge over Lightning; `prepare` says what is wrong with one."""
        return is_of(challenge, CHARGE)

    async def prepare(self, challenge: Challenge, order: Order) -> Attempt:
        """Show what an earlier call has paid for this place, or else reserve and pay."""
        request = read_charge(challenge, network=self._wallet.network, clock=self._clock)
        place = _place(challenge, order)
        earlier = self._free(place) or self._remembered(place, order)
        if earlier is not None and await self._is_paid(earlier):
            return ChargeAttempt(earlier, self)
        echo = challenge.to_echo()
        noted = {"method": CHARGE, "place": place, "challenge": asdict(echo)}
        debit = self._cashier.reserve(request.invoice, host=order.host, evidence=noted)
        purchase = Purchase(place, echo, debit, asyncio.current_task())
        self._undelivered.append(purchase)
        try:
            await self._cashier.pay(debit, request.invoice)
        except LightningPaymentFailedError:
            self.forget(purchase)
            raise
        return ChargeAttempt(purchase, self)

    @property
    def undelivered(self) -> tuple[Purchase, ...]:
        """What was paid, or may have been, and no server has answered for."""
        return tuple(self._undelivered)

    async def reconcile(self) -> None:
        """Look up the payments of calls that are over; those that were made are counted."""
        for purchase in self.undelivered:
            if not purchase.is_free():
                continue
            try:
                if await self._is_paid(purchase):
                    self.count(purchase)
            except ClientError:
                continue  # it is under way, and stays aside

    async def close(self) -> None:
        """Look a last time at what is open, and write down what no server has answered for."""
        try:
            await self.reconcile()
            for purchase in self._undelivered:
                # What is still set aside is in the ledger's own record.
                if purchase.is_committed or not self._ledger.is_kept:
                    self._keep(purchase)
        finally:
            self._book.close()

    # -- for attempts -----------------------------------------------------------------------------

    def count(self, purchase: Purchase) -> None:
        """It was paid: the money is spent, whatever the server makes of it."""
        if not purchase.is_committed:
            purchase.is_committed = True
            self._cashier.commit(purchase.debit)

    def forget(self, purchase: Purchase) -> None:
        """It came to its end."""
        if purchase in self._undelivered:
            self._undelivered.remove(purchase)

    # -- inside -----------------------------------------------------------------------------------

    def _free(self, place: str) -> Purchase | None:
        """The oldest purchase for this place whose call is over; it is this call's now."""
        for purchase in self._undelivered:
            if purchase.place == place and purchase.is_free():
                purchase.by = asyncio.current_task()
                return purchase
        return None

    def _keep(self, purchase: Purchase) -> None:
        debit = purchase.debit
        record = {
            "paymentHash": debit.payment_hash.hex(),
            "amount": debit.amount_sat,
            "challenge": asdict(purchase.challenge),
        }
        self._book.keep(debit.payment_hash, purchase.place, record)

    def _remembered(self, place: str, order: Order) -> Purchase | None:
        """One that an earlier client has left in the book; it is this call's now."""
        record = self._book.take(place)
        if record is None:
            return None
        try:
            echo, amount_sat = ChallengeEcho(**record["challenge"]), int(record["amount"])
            payment_hash = bytes.fromhex(record["paymentHash"])
        except (KeyError, TypeError, ValueError):
            return None
        try:
            debit = self._cashier.again(payment_hash, amount_sat, host=order.host)
        except PaymentRefusedError:
            self._book.keep(payment_hash, place, record)
            raise
        purchase = Purchase(place, echo, debit, asyncio.current_task())
        self._undelivered.append(purchase)
        return purchase

    async def _is_paid(self, purchase: Purchase) -> bool:
        """Whether it was paid; forgotten if not. Raises if nobody knows."""
        try:
            await self._cashier.find(purchase.debit)
        except LightningPaymentFailedError:
            self.forget(purchase)
            return False
        return True

    def _take_over(self, reservation: Reservation) -> None:
        """Go on with what an earlier run has left; it may be shown to the server yet."""
        debit = self._cashier.left_over(reservation)
        try:
            echo = ChallengeEcho(**reservation.evidence["challenge"])
            place = str(reservation.evidence["place"])
        except (KeyError, TypeError, ValueError):
            return  # it stays aside, and among the ledger's unknown
        if debit is not None:
            self._undelivered.append(Purchase(place, echo, debit))


def _place(challenge: Challenge, order: Order) -> str:
    """What is bought where. A URL may hold secrets, so that it is not written down as it is."""
    place = f"{order.method} {order.url} {challenge.digest} {challenge.credential_header}"
    return hashlib.sha256(place.encode()).hexdigest()
