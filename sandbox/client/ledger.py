"""What was reserved and spent under a budget.

Every payment is reserved before anything is signed, and refused with the limit, what was left under
it and the excess. A reservation ends in one of three ways, for a payment has more outcomes than two
(DESIGN 2.5): it was made (`commit`), it certainly was not (`release`), or nobody knows yet
(`mark_unknown`), which keeps the money set aside until someone has looked.

With a place on disk (spending.py) the next ledger goes on where this one ends, however it ends, and
those of other processes that use the same place at the same time are counted with.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.core.errors import BadInput
from sandbox.client.amounts import checked_amount
from sandbox.client.budget import Limit
from sandbox.client.errors import (
    InvalidAmountError,
    ReservationClosedError,
    SpendingDamagedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mock_rails.core.clock import Clock
    from sandbox.client.budget import Budget, Payment
    from sandbox.client.spending import Spending

_log = logging.getLogger(__name__)

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_NO_PARTS: Final[Mapping[tuple[Limit, str], int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Money set aside for one payment, until its outcome is known."""

    number: int
    payment: Payment
    reserved_at_us: int
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """By what its outcome can be found out, such as a transaction's hash; no proof of anything."""
    row: int | None = None
    """Where it is on disk."""
    is_left_over: bool = False
    """Whether an earlier run made it, and came to no end with it."""


class Tally(NamedTuple):
    """What was counted under one limit, in base units."""

    spent: int
    reserved: int


class Ledger:
    """What was reserved and spent under a budget; lives as long as its client, or as its file.

    A lock makes each call one step for threads as well as for tasks, and the file's lock for
    processes: two payments never take the same money, and nobody waits for longer than it takes to
    write that down. Sums of sessions and recipients are kept for good, for a
    limit that forgets is none.
    """

    def __init__(self, budget: Budget, clock: Clock, spending: Spending | None = None) -> None:
        self.budget = budget
        self._clock = clock
        self._spending = spending
        self._lock = Lock()
        self._spent: dict[tuple[Limit, str], int] = {}
        self._reserved: dict[tuple[Limit, str], int] = {}
        self._open: dict[int, Reservation] = {}
        self._unknown: dict[int, Reservation] = {}
        self._next_number = 1
        self._elsewhere: dict[tuple[Limit, str], int] = {}
        """What other runs have reserved by now."""
        self._unwritten: dict[tuple[Limit, str], int] = {}
        """What was spent and could not be written down."""
        self._heard = -1
        if spending is not None:
            try:
                self._begin(spending)
            except BaseException:
                spending.close()
                raise

    def reserve(
        self,
        payment: Payment,
        evidence: Mapping[str, Any] | None = None,
        *,
        price: int | None = None,
    ) -> Reservation:
        """Set the payment's amount aside, or raise `PaymentRefusedError` and change nothing.

        Where several limits are exceeded, the refusal names the one that lacks most. `price` is
        what one request costs, where the payment is a deposit for many.
        """
        self.budget.check(payment)
        with self._lock:
            at_us, noted = self._clock.now_us(), evidence or _NOTHING
            row = None
            with self._turn() as spending:
                self._check_limits(payment, payment.amount if price is None else price)
                if spending is not None:
                    row = spending.reserve(payment, at_us, noted)
            return self._add(payment, at_us, evidence=noted, row=row)

    def exchange(self, reservation: Reservation, *payments: Payment) -> tuple[Reservation, ...]:
        """Set the same money aside in other parts, or under another session's name.

        It is never free in between, so that nobody else can take it.
        """
        if sum(one.amount for one in payments) != reservation.payment.amount:
            raise InvalidAmountError("A reservation is exchanged for others of the same amount.")
        with self._lock:
            return self._replace(reservation, payments)

    def shrink(self, reservation: Reservation, amount: int) -> Reservation:
        """Set only so much of it aside; the rest is free again.

        In one step, and not by exchange and release: of a run that is killed between the two, both
        parts would be left over, and taken for paid.
        """
        if not 0 < amount <= reservation.payment.amount:
            raise InvalidAmountError("What stays set aside is a part of what was.")
        with self._lock:
            (kept,) = self._replace(reservation, (replace(reservation.payment, amount=amount),))
            return kept

    def note(self, reservation: Reservation, evidence: Mapping[str, Any]) -> None:
        """Write down, before a credential leaves, by what its outcome can be found out."""
        with self._lock:
            self._check_open(reservation)
            if self._spending is not None and reservation.row is not None:
                self._spending.note(reservation.row, dict(evidence))

    def commit(self, reservation: Reservation, amount: int | None = None) -> None:
        """The payment was made: all of it, or `amount`, of which the rest is free again."""
        payment = reservation.payment
        spent = payment.amount if amount is None else checked_amount(amount)
        if spent > payment.amount:
            raise InvalidAmountError(
                f"{spent} base units were spent of a reservation of {payment.amount}.",
                hint="Reserve the rest before it is signed for.",
            )
        if spent < payment.amount and payment.splits:
            raise InvalidAmountError("A payment with splits is made as a whole or not at all.")
        with self._lock:
            parts = payment.charges(spent)
            self._close(reservation, parts)
            for key, part in parts.items():
                self._spent[key] = self._spent.get(key, 0) + part

    def release(self, reservation: Reservation) -> None:
        """The payment was certainly not made, nor can it still be: the money is free again."""
        with self._lock:
            self._close(reservation)

    def mark_unknown(self, reservation: Reservation) -> None:
        """The outcome is not known: the money stays aside until a commit or a release.

        May be said again; `unknown` lists what is to be looked up.
        """
        with self._lock:
            self._check_open(reservation)
            self._unknown[reservation.number] = reservation

    def left_over(self, method: str) -> tuple[Reservation, ...]:
        """What earlier runs have set aside for this method, and come to no end with."""
        return tuple(
            one for one in self.open if one.is_left_over and one.evidence.get("method") == method
        )

    def take_over(self, reservation: Reservation) -> None:
        """What an earlier run left over is this run's now, with an outcome still to come."""
        with self._lock:
            self._check_open(reservation)
            self._unknown.pop(reservation.number, None)

    def close(self) -> None:
        """Let go of the file. What is open by then, the next ledger finds."""
        with self._lock:
            spending, self._spending = self._spending, None
            if spending is not None:
                spending.close()

    @property
    def is_kept(self) -> bool:
        """Whether it is on disk: then what other runs that are alive have set aside is theirs."""
        return self._spending is not None

    @property
    def open(self) -> tuple[Reservation, ...]:
        """All reservations that were neither committed nor released, oldest first."""
        with self._lock:
            return tuple(self._open.values())

    @property
    def unknown(self) -> tuple[Reservation, ...]:
        """Those of the open ones whose outcome is unknown, in the order of their marking."""
        with self._lock:
            return tuple(self._unknown.values())

    def tally(self, limit: Limit = Limit.TOTAL, name: str = "") -> Tally:
        """What was spent and is reserved in all, in a session, or on a recipient; by all runs."""
        if (limit is Limit.TOTAL) != (name == "") or limit is Limit.PER_REQUEST:
            raise BadInput("A tally is of all, or of one session or recipient by its name.")
        key = limit, name.lower()
        with self._lock:
            self._catch_up()
            reserved = self._reserved.get(key, 0) + self._elsewhere.get(key, 0)
            return Tally(self._spent.get(key, 0), reserved)

    def left(self, payment: Payment) -> dict[Limit, int]:
        """What each limit that is set still has for payments like this one, whatever its amount.

        A channel's deposit, for one, is bounded by all of them but `per_request`.
        """
        found: dict[Limit, int] = {}
        with self._lock:
            self._catch_up()
            for key in (*payment.charges(0), (Limit.PER_REQUEST, "")):
                left = self._left(key)
                if left is not None:
                    found[key[0]] = min(left, found.get(key[0], left))
        return found

    # -- inside, under the lock -------------------------------------------------------------------

    def _begin(self, spending: Spending) -> None:
        """Take over what runs that have ended left behind."""
        with spending.turn():
            left_over = spending.take_over(self.budget.allowed_currencies)
            self._hear(spending)
        for kept in left_over:
            self._add(
                kept.payment,
                kept.reserved_at_us,
                evidence=kept.evidence,
                row=kept.row,
                is_left_over=True,
            )
        self._unknown = dict(self._open)

    def _left(self, key: tuple[Limit, str]) -> int | None:
        whole = self.budget.limit(key[0])
        if whole is None:
            return None
        reserved = self._reserved.get(key, 0) + self._elsewhere.get(key, 0)
        return whole - self._spent.get(key, 0) - reserved

    def _check_limits(self, payment: Payment, price: int) -> None:
        worst: tuple[int, Limit, int] | None = None
        charges = payment.charges(payment.amount)
        for key, asked in (*charges.items(), ((Limit.PER_REQUEST, ""), price)):
            left = self._left(key)
            if left is not None and asked > left and (worst is None or asked - left > worst[0]):
                worst = asked - left, key[0], left
        if worst is not None:
            excess, limit, left = worst
            raise self.budget.exceeded(payment, limit, left + excess, left)

    @contextmanager
    def _turn(self) -> Iterator[Spending | None]:
        """Other processes wait, and what they have written is known."""
        spending = self._spending
        if spending is None:
            yield None
            return
        with spending.turn():
            self._hear(spending)
            yield spending

    def _catch_up(self) -> None:
        """Take what other runs have written into account; nothing is read if they have not."""
        if self._spending is not None and self._spending.version() != self._heard:
            with self._turn():
                pass

    def _hear(self, spending: Spending) -> None:
        """The same within a turn."""
        version = spending.version()
        if version == self._heard:
            return
        self._spent = spending.spent(self.budget.allowed_currencies)
        for key, part in self._unwritten.items():
            self._spent[key] = self._spent.get(key, 0) + part
        self._elsewhere = spending.set_aside_by_others(self.budget.allowed_currencies)
        self._heard = version

    def _replace(
        self, reservation: Reservation, payments: Sequence[Payment]
    ) -> tuple[Reservation, ...]:
        """Others stand in its place, in one turn."""
        self._check_open(reservation)
        rows: list[int | None] = [None] * len(payments)
        if self._spending is not None and reservation.row is not None:
            at_us, evidence = reservation.reserved_at_us, reservation.evidence
            with self._spending.turn():
                self._spending.forget(reservation.row)
                rows = [self._spending.reserve(one, at_us, evidence) for one in payments]
        was_unknown = reservation.number in self._unknown
        self._forget(reservation)
        made = [
            self._add(
                payment,
                reservation.reserved_at_us,
                evidence=reservation.evidence,
                row=row,
                is_left_over=reservation.is_left_over,
            )
            for payment, row in zip(payments, rows, strict=True)
        ]
        if was_unknown:
            self._unknown.update({one.number: one for one in made})
        return tuple(made)

    def _check_open(self, reservation: Reservation) -> None:
        if self._open.get(reservation.number) is not reservation:
            raise ReservationClosedError(
                f"Reservation {reservation.number} is not open in this ledger.",
                hint="Each reservation is committed or released once, where it was made.",
            )

    def _add(self, payment: Payment, at_us: int, **options: Any) -> Reservation:
        reservation = Reservation(self._next_number, payment, at_us, **options)
        self._next_number += 1
        self._open[reservation.number] = reservation
        for key, asked in payment.charges(payment.amount).items():
            self._reserved[key] = self._reserved.get(key, 0) + asked
        return reservation

    def _close(
        self, reservation: Reservation, spent: Mapping[tuple[Limit, str], int] = _NO_PARTS
    ) -> None:
        self._check_open(reservation)
        if self._spending is not None and reservation.row is not None:
            try:
                self._spending.end(reservation.row, reservation.payment.currency, spent)
            except SpendingDamagedError as error:
                # It stays reserved on disk, which is the careful side; the answer is not lost.
                for key, part in spent.items():
                    self._unwritten[key] = self._unwritten.get(key, 0) + part
                _log.warning("A payment's end could not be written down: %s", error.detail)
        self._forget(reservation)

    def _forget(self, reservation: Reservation) -> None:
        del self._open[reservation.number]
        self._unknown.pop(reservation.number, None)
        for key, amount in reservation.payment.charges(reservation.payment.amount).items():
            kept = self._reserved.pop(key, 0) - amount  # a zero is not kept: it leaves no trace
            if kept:
                self._reserved[key] = kept
