"""The ledger's side of one channel: no voucher without a reservation, and none let go too early.

A request that the server refuses leaves a voucher in its hands. That money stays reserved (it is
`spare`) until another request uses the voucher, or the channel is closed without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sandbox.client.budget import Limit
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from sandbox.client.budget import Payment
    from sandbox.client.ledger import Ledger, Reservation

EVIDENCE: Final = {"method": "tempo/session"}
"""What the ledger notes with a reservation: all else is in the channel's record."""

OPENING: Final = "opening"
"""What the session of a reservation is called before its channel has an id."""


def uncounted(ledger: Ledger, channel_id: bytes, total: int | None) -> int:
    """How much of a total that left a channel is not in the ledger yet."""
    counted = ledger.tally(Limit.PER_SESSION, to_hex(channel_id)).spent
    return max((total or 0) - counted, 0)


class Purse:
    """The spare reservations of a channel. No method waits, so each is one step."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._spare: list[Reservation] = []

    @property
    def spare(self) -> int:
        """What is reserved for vouchers that nobody has used."""
        return sum(one.payment.amount for one in self._spare)

    def take(self, payment: Payment) -> Reservation:
        """A reservation for the payment: a spare one, a part of one, or a new one.

        Raises `PaymentRefusedError` and changes nothing if the budget does not allow it.
        """
        for at, one in enumerate(self._spare):
            if one.payment == payment:
                return self._spare.pop(at)
        for at, one in enumerate(self._spare):
            if one.payment.amount > payment.amount:
                rest = replace(payment, amount=one.payment.amount - payment.amount)
                taken, self._spare[at] = self._ledger.exchange(one, payment, rest)
                return taken
        return self._ledger.reserve(payment, EVIDENCE)

    def keep(self, reservation: Reservation) -> None:
        """The request came to nothing, but its voucher is out."""
        self._spare.append(reservation)

    def fit(self, headroom: int) -> None:
        """Let go of what no voucher stands behind any more."""
        while self._spare and (excess := self.spare - headroom) > 0:
            one = self._spare.pop()
            if (rest := one.payment.amount - excess) > 0:
                self._spare.append(self._ledger.shrink(one, rest))
            else:
                self._ledger.release(one)

    def use(self, amount: int) -> None:
        """The server has served this much for vouchers that were spare: it charges a stream to
        whatever the channel grants, be it meant for another request."""
        while self._spare and amount > 0:
            one = self._spare.pop()
            if (rest := one.payment.amount - amount) > 0:
                parts = (replace(one.payment, amount=each) for each in (amount, rest))
                one, spare = self._ledger.exchange(one, *parts)
                self._spare.append(spare)
            amount -= one.payment.amount
            self._ledger.commit(one)

    def spend(self) -> None:
        """The server says that all of it was used."""
        for one in self._spare:
            self._ledger.commit(one)
        self._spare.clear()

    def close(self, captured: int) -> None:
        """The channel is closed, and the payee was paid `captured` that nobody had counted yet."""
        for one in self._spare:
            part = min(one.payment.amount, captured)
            captured -= part
            if part:
                self._ledger.commit(one, part)
            else:
                self._ledger.release(one)
        self._spare.clear()

    def doubt(self) -> None:
        """Nobody knows whether the payee will capture it."""
        for one in self._spare:
            self._ledger.mark_unknown(one)
