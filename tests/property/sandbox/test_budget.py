"""However payments interleave, no limit is passed and released money comes back exactly.

Random reserves, commits and releases go to the ledger and to a model that adds up all payments
anew at every step; refusals must come exactly where the model says, with the model's figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core import Clock
from sandbox.client.amounts import MAX_AMOUNT, format_amount, parse_amount
from sandbox.client.budget import Budget, Limit, Payment
from sandbox.client.errors import BudgetExceededError, InvalidAmountError
from sandbox.client.ledger import Ledger, Reservation, Tally

AMOUNTS = st.integers(0, 60) | st.integers(0, MAX_AMOUNT)
LIMITS = st.none() | st.integers(0, 200) | st.integers(0, MAX_AMOUNT)
RECIPIENTS = ["ann", "bob", "cy"]
SESSIONS = [None, "s1", "s2"]

BUDGETS = st.builds(
    Budget,
    per_request=LIMITS,
    per_session=LIMITS,
    per_recipient=LIMITS,
    total=LIMITS,
    allowed_currencies=st.just(["usd"]),
)


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    """Payments to a few recipients in a few sessions, some of them split."""
    amount = draw(AMOUNTS)
    splits, rest = [], amount
    for recipient in draw(st.lists(st.sampled_from(RECIPIENTS), max_size=2)):
        share = draw(st.integers(0, rest))
        rest -= share
        splits.append((recipient, share))
    return Payment(
        amount,
        currency="usd",
        host="shop.example",
        recipient=draw(st.sampled_from(RECIPIENTS)),
        session=draw(st.sampled_from(SESSIONS)),
        splits=tuple(splits),
    )


PICKS = st.integers(0, 1_000)
CALLS = st.one_of(
    st.tuples(st.just("reserve"), payments()),
    st.tuples(st.just("commit"), PICKS),
    st.tuples(st.just("commit part"), PICKS, st.integers(0, 60)),
    st.tuples(st.just("release"), PICKS),
    st.tuples(st.just("unknown"), PICKS),
)


def share(payment: Payment, recipient: str) -> int:
    """What a recipient gets of a payment."""
    given_away = sum(part for _, part in payment.splits)
    own = payment.amount - given_away if payment.recipient == recipient else 0
    return own + sum(part for to, part in payment.splits if to == recipient)


@dataclass
class Model:
    """What a ledger should know, kept as a plain list of payments with their state."""

    budget: Budget
    open: list[Reservation] = field(default_factory=list)
    spent: list[Payment] = field(default_factory=list)

    def counted(self, limit: Limit, name: str) -> Tally:
        """Spent and reserved under one limit, added up anew."""

        def of(payment: Payment) -> int:
            match limit:
                case Limit.PER_SESSION:
                    return payment.amount if payment.session == name else 0
                case Limit.PER_RECIPIENT:
                    return share(payment, name)
                case _:
                    return payment.amount

        return Tally(sum(map(of, self.spent)), sum(of(one.payment) for one in self.open))

    def lacking(self, payment: Payment) -> dict[Limit, int]:
        """By how much the payment would pass each limit."""
        asked = [(Limit.PER_REQUEST, payment.amount, 0)]
        asked.append((Limit.TOTAL, payment.amount, sum(self.counted(Limit.TOTAL, ""))))
        if payment.session is not None:
            used = sum(self.counted(Limit.PER_SESSION, payment.session))
            asked.append((Limit.PER_SESSION, payment.amount, used))
        for recipient in RECIPIENTS:
            used = sum(self.counted(Limit.PER_RECIPIENT, recipient))
            asked.append((Limit.PER_RECIPIENT, share(payment, recipient), used))
        over: dict[Limit, int] = {}
        for limit, amount, used in asked:
            whole = self.budget.limit(limit)
            if whole is not None and amount > whole - used:
                over[limit] = max(over.get(limit, 0), used + amount - whole)
        return over


def check(ledger: Ledger, model: Model) -> None:
    """The ledger agrees with the model, and both stay within every limit."""
    assert ledger.open == tuple(model.open)
    names = [(Limit.TOTAL, "")]
    names += [(Limit.PER_SESSION, session) for session in SESSIONS if session]
    names += [(Limit.PER_RECIPIENT, recipient) for recipient in RECIPIENTS]
    for limit, name in names:
        tally = ledger.tally(limit, name)
        assert tally == model.counted(limit, name)
        whole = model.budget.limit(limit)
        assert whole is None or sum(tally) <= whole
        assert min(tally) >= 0


def reserve(ledger: Ledger, model: Model, payment: Payment) -> None:
    """Reserve with both; a refusal must be right in every figure."""
    lacking = model.lacking(payment)
    if not lacking:
        model.open.append(ledger.reserve(payment))
        return
    with pytest.raises(BudgetExceededError) as refusal:
        ledger.reserve(payment)
    error = refusal.value
    assert error.excess == lacking[Limit(error.limit)] == max(lacking.values())
    assert error.asked == error.left + error.excess
    assert error.left == ledger.left(payment)[Limit(error.limit)] or payment.splits


def step(ledger: Ledger, model: Model, call: tuple[Any, ...]) -> None:
    """One call to both."""
    if call[0] == "reserve":
        reserve(ledger, model, call[1])
        return
    if not model.open:
        return
    reservation = model.open[call[1] % len(model.open)]
    payment = reservation.payment
    match call:
        case ("unknown", _):
            ledger.mark_unknown(reservation)
            assert reservation in ledger.unknown
            return
        case ("release", _):
            ledger.release(reservation)
        case ("commit", _):
            ledger.commit(reservation)
            model.spent.append(payment)
        case ("commit part", _, amount):
            if amount > payment.amount or (payment.splits and amount < payment.amount):
                with pytest.raises(InvalidAmountError):
                    ledger.commit(reservation, amount)
                return
            ledger.commit(reservation, amount)
            made = Payment(
                amount,
                currency=payment.currency,
                host=payment.host,
                recipient=payment.recipient,
                session=payment.session,
                splits=payment.splits,
            )
            model.spent.append(made)
    model.open.remove(reservation)


@given(budget=BUDGETS, calls=st.lists(CALLS, max_size=40))
def test_no_interleaving_passes_a_limit(budget: Budget, calls: list[tuple[Any, ...]]) -> None:
    ledger, model = Ledger(budget, Clock.frozen(0)), Model(budget)
    for call in calls:
        step(ledger, model, call)
        check(ledger, model)


@given(budget=BUDGETS, before=st.lists(payments(), max_size=5), asked=st.lists(payments()))
def test_what_is_released_comes_back_exactly(
    budget: Budget, before: list[Payment], asked: list[Payment]
) -> None:
    ledger = Ledger(budget, Clock.frozen(0))
    for payment in before:
        if not Model(budget, list(ledger.open)).lacking(payment):
            ledger.reserve(payment)
    held = set(ledger.open)
    left = [ledger.left(payment) for payment in asked]
    for payment in asked:
        if not Model(budget, list(ledger.open)).lacking(payment):
            ledger.reserve(payment)
    for reservation in reversed(ledger.open):
        if reservation not in held:
            ledger.release(reservation)
    assert set(ledger.open) == held
    assert [ledger.left(payment) for payment in asked] == left


@given(amount=st.integers(0, MAX_AMOUNT), decimals=st.integers(0, 77))
def test_amounts_survive_being_written_and_read(amount: int, decimals: int) -> None:
    text = format_amount(amount, decimals)
    assert parse_amount(text, decimals) == parse_amount(f"${text}", decimals) == amount
    assert parse_amount(Decimal(text), decimals) == amount
    assert Decimal(text).scaleb(decimals) == Decimal(amount) or len(str(amount)) > 28
