"""One session in use: its record, what was paid in, and the preimage of its deposit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.lightning.errors import LightningPaymentFailedError
from sandbox.client.lightning.record import State
from sandbox.lightning.node import NodeError, PaymentFailed

if TYPE_CHECKING:
    from sandbox.client.ledger import Ledger
    from sandbox.client.lightning.book import LightningBook
    from sandbox.client.lightning.cashier import Cashier, Debit
    from sandbox.client.lightning.record import SessionRecord
    from sandbox.client.lightning.session.settings import LightningSessionSettings
    from sandbox.client.lightning.session.wire import Wire


class Services:
    """What all sessions of a payer share."""

    def __init__(
        self, cashier: Cashier, wire: Wire, book: LightningBook, settings: LightningSessionSettings
    ) -> None:
        self.cashier = cashier
        self.ledger = cashier.ledger
        self.wallet = cashier.wallet
        self.clock = cashier.clock
        self.wire = wire
        self.book = book
        self.settings = settings


class Live:
    """One session. Its record is on disk before anything of it leaves."""

    def __init__(self, services: Services, record: SessionRecord) -> None:
        self.record = record
        self.outlay = Outlay(services.ledger)
        self.funding = asyncio.Lock()
        """One further deposit at a time."""
        self.spent_sat = 0
        """What this run's requests have cost, as far as it can be told; what an earlier one's did,
        only the server knows."""
        self.top_ups = 0
        self.open_refused = False
        self.bearer_refused = False
        self._services = services
        self._preimage: bytes | None = None

    @property
    def left_sat(self) -> int:
        """What may be left of what was paid in."""
        return self.record.deposit_sat - self.spent_sat

    def not_covered(self, price_sat: int) -> None:
        """The server says that this much is not left."""
        self.spent_sat = max(self.spent_sat, self.record.deposit_sat - price_sat + 1)

    @property
    def is_sure(self) -> bool:
        """Whether the server has said that it is open."""
        return self.record.state is State.OPEN

    def save(self, **fields: Any) -> None:
        """Write down what has changed."""
        self.record = self.record.changed(**fields)
        self._services.book.save(self.record)

    async def preimage(self) -> bytes:
        """The proof that the session is this payer's; raises like `Cashier.find`."""
        if self._preimage is None:
            self._preimage = await self.proof_of(self.record.id)
            if self.record.state is State.PAYING:
                self.save(state=State.PAID)
        return self._preimage

    async def look_up(self) -> bool:
        """Find out what became of deposits that nobody has; whether all of them are known."""
        is_known = True
        for debit in tuple(self.outlay.debits):
            try:
                await self._services.cashier.find(debit)
            except LightningPaymentFailedError:
                self.outlay.drop(debit)
            except OutcomeUnknownError:
                is_known = False
        return is_known

    async def proof_of(self, payment_hash: bytes) -> bytes:
        """The preimage of one of its deposits, from the node if need be."""
        debit = self.outlay.debit(payment_hash)
        if debit is not None:
            return await self._services.cashier.find(debit)
        try:
            found = await self._services.wallet.node.find_payment(payment_hash)
        except NodeError as error:
            raise PaymentNotPreparedError(error.detail) from error
        if isinstance(found, PaymentFailed):
            raise LightningPaymentFailedError(f"The deposit was not paid: {found.reason}.")
        if found is None:
            raise OutcomeUnknownError(
                "The deposit of a session is under way.",
                paid=None,
                details={"payment_hash": payment_hash.hex(), "final": True},
            )
        return found.preimage

    def __repr__(self) -> str:
        """Which one it is, and how far it has come."""
        return f"<Live {self.record.id.hex()} {self.record.state.value}>"


class Outlay:
    """What was paid into a session, as the ledger has it: set aside until it is known what comes
    back, for only that was spent which does not."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.debits: list[Debit] = []

    @property
    def total_sat(self) -> int:
        """All that is set aside, with the fees."""
        return sum(one.reservation.payment.amount for one in self.debits)

    def debit(self, payment_hash: bytes) -> Debit | None:
        """The payment with this hash."""
        return next((one for one in self.debits if one.payment_hash == payment_hash), None)

    def drop(self, debit: Debit) -> None:
        """It was not paid; the cashier has let go of it."""
        self.debits.remove(debit)

    def spend(self, amount_sat: int) -> None:
        """So much of it is spent for good."""
        kept: list[Debit] = []
        for debit in self.debits:
            payment = debit.reservation.payment
            part = min(amount_sat, payment.amount)
            amount_sat -= part
            if part == payment.amount:
                self._ledger.commit(debit.reservation)
                continue
            if part:
                parts = (replace(payment, amount=one) for one in (part, payment.amount - part))
                spent, debit.reservation = self._ledger.exchange(debit.reservation, *parts)
                self._ledger.commit(spent)
            kept.append(debit)
        self.debits = kept

    def doubt(self) -> None:
        """Nobody knows yet whether the rest comes back."""
        for debit in self.debits:
            self._ledger.mark_unknown(debit.reservation)

    def free(self) -> None:
        """The rest has come back."""
        for debit in self.debits:
            self._ledger.release(debit.reservation)
        self.debits.clear()
