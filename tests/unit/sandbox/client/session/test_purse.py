"""No voucher without a reservation, and none let go while its voucher is out."""

from __future__ import annotations

import pytest

from mock_rails.core import Clock
from sandbox.client.budget import Budget, Payment
from sandbox.client.errors import BudgetExceededError
from sandbox.client.ledger import Ledger
from sandbox.client.session.purse import Purse


def payment(amount: int) -> Payment:
    """A payment on one channel."""
    return Payment(amount, currency="0xaa", host="shop.test:80", session="0x01")


@pytest.fixture
def ledger() -> Ledger:
    """A ledger of 300."""
    return Ledger(Budget(total=300, allowed_currencies=["0xaa"]), Clock.frozen(0))


def test_a_spare_reservation_is_used_before_the_budget(ledger: Ledger) -> None:
    purse = Purse(ledger)
    taken = purse.take(payment(300))
    purse.keep(taken)
    assert purse.take(payment(300)) is taken


def test_a_part_of_a_spare_reservation_leaves_the_rest(ledger: Ledger) -> None:
    purse = Purse(ledger)
    purse.keep(purse.take(payment(300)))
    taken = purse.take(payment(100))
    assert (taken.payment.amount, purse.spare) == (100, 200)
    with pytest.raises(BudgetExceededError):
        purse.take(payment(250))
    assert ledger.tally() == (0, 300)


def test_what_no_voucher_stands_behind_is_let_go(ledger: Ledger) -> None:
    purse = Purse(ledger)
    purse.keep(purse.take(payment(200)))
    purse.keep(purse.take(payment(100)))
    purse.fit(150)
    assert (purse.spare, ledger.tally().reserved) == (150, 150)
    purse.doubt()
    assert sum(one.payment.amount for one in ledger.unknown) == 150
    purse.close(0)
    assert (ledger.open, ledger.tally()) == ((), (0, 0))


def test_what_was_captured_in_the_end_is_spent_and_the_rest_is_free(ledger: Ledger) -> None:
    purse = Purse(ledger)
    for amount in (100, 50, 50):
        purse.keep(ledger.reserve(payment(amount)))
    purse.close(120)
    assert (purse.spare, ledger.open, ledger.tally()) == (0, (), (120, 0))


def test_what_was_used_is_spent(ledger: Ledger) -> None:
    purse = Purse(ledger)
    purse.keep(purse.take(payment(200)))
    purse.spend()
    assert ledger.tally() == (200, 0)


def test_what_a_stream_has_used_of_it_is_spent_and_the_rest_stays_aside(ledger: Ledger) -> None:
    purse = Purse(ledger)
    for amount in (100, 50, 50):
        purse.keep(ledger.reserve(payment(amount)))
    purse.use(70)
    assert (purse.spare, ledger.tally()) == (130, (70, 130))
    purse.use(0)
    purse.use(200)
    assert (purse.spare, ledger.tally()) == (0, (200, 0))
