"""Budgets as conversations: what is asked for, what is refused and with which words."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from typing import Any

import pytest

from mock_rails.core import BadInput, Clock, Conflict
from sandbox.client.amounts import MAX_AMOUNT, host_of
from sandbox.client.budget import Budget, Limit, Payment
from sandbox.client.errors import (
    BudgetExceededError,
    CurrencyNotAllowedError,
    HostNotAllowedError,
    InvalidAmountError,
    InvalidBudgetError,
    PaymentRefusedError,
    ReservationClosedError,
)
from sandbox.client.ledger import Ledger, Tally

USD = "0x20c0000000000000000000000000000000000000"
ALPHA = "0x20c0000000000000000000000000000000000001"
SHOP = "0x" + "ab" * 20
OTHER = "0x" + "cd" * 20


def pay(amount: int, **changes: Any) -> Payment:
    """A payment to the shop, with changes."""
    asked: dict[str, Any] = {"currency": USD, "host": "api.example.com:443", "recipient": SHOP}
    return Payment(amount, **(asked | changes))


def ledger(**limits: Any) -> Ledger:
    """A ledger with these limits, in pathUSD or AlphaUSD."""
    return Ledger(Budget(allowed_currencies=[USD, ALPHA], **limits), Clock.frozen(1_000))


def refused(book: Ledger, payment: Payment) -> BudgetExceededError:
    """The refusal of a payment, which must change nothing."""
    before = book.tally(), book.open
    with pytest.raises(BudgetExceededError) as refusal:
        book.reserve(payment)
    assert (book.tally(), book.open) == before
    return refusal.value


# -- limits ----------------------------------------------------------------------------------------


def test_a_request_over_its_limit_is_refused_with_the_figures() -> None:
    book = ledger(per_request=100)
    book.reserve(pay(100))
    error = refused(book, pay(130))
    assert (error.limit, error.asked, error.left, error.excess) == ("per_request", 130, 100, 30)
    assert str(error) == (
        "api.example.com:443 asks for 130 base units, but 100 base units is left of per_request"
        " (100 base units): 30 base units too little."
        " Raise per_request in the budget if that is meant to be paid."
    )
    assert error.problem()["details"]["limit_base_units"] == 100


def test_what_is_reserved_counts_as_spent() -> None:
    book = ledger(total=100)
    first = book.reserve(pay(60))
    error = refused(book, pay(41))
    assert (error.limit, error.left, error.excess) == ("total", 40, 1)
    book.commit(first)
    assert refused(book, pay(41)).left == 40
    book.reserve(pay(40))
    assert book.tally() == Tally(spent=60, reserved=40)


def test_what_is_released_is_free_again() -> None:
    book = ledger(total=100)
    book.release(book.reserve(pay(100)))
    assert book.tally() == Tally(0, 0)
    book.reserve(pay(100))


def test_sessions_and_recipients_have_limits_of_their_own() -> None:
    book = ledger(per_session=50, per_recipient=80)
    book.commit(book.reserve(pay(50, session="0xA1")))
    error = refused(book, pay(1, session="0xa1"))
    assert (error.limit, error.left) == ("per_session", 0)
    error = refused(book, pay(31, session="0xb2"))
    assert (error.limit, error.left) == ("per_recipient", 30)
    assert error.details["recipient"] == SHOP
    book.reserve(pay(30, recipient="0x" + "AB" * 20, session="0xb2"))
    book.reserve(pay(80, recipient=OTHER))
    assert book.tally(Limit.PER_SESSION, "0xa1") == Tally(50, 0)
    assert book.tally(Limit.PER_RECIPIENT, SHOP.upper()) == Tally(50, 30)


def test_the_limit_that_lacks_most_is_named() -> None:
    """Raising only the other would lead to the next refusal."""
    book = ledger(per_request=90, total=100)
    book.reserve(pay(50))
    error = refused(book, pay(95))
    assert (error.limit, error.left, error.excess) == ("total", 50, 45)


def test_a_zero_limit_allows_proofs_only() -> None:
    """A zero-amount proof (facts 1.1, row 31) costs nothing."""
    book = ledger(total=0)
    book.commit(book.reserve(pay(0)))
    assert refused(book, pay(1)).excess == 1


def test_without_limits_everything_is_allowed() -> None:
    book = Ledger(Budget(), Clock.frozen(0))
    book.commit(book.reserve(pay(MAX_AMOUNT, currency="sat")))
    assert book.left(pay(1)) == {}
    assert book.tally().spent == MAX_AMOUNT


def test_a_method_without_recipients_is_counted_by_host() -> None:
    book = ledger(per_recipient=10)
    book.reserve(pay(10, recipient=None))
    assert refused(book, pay(1, recipient=None)).limit == "per_recipient"
    book.reserve(pay(10, recipient=None, host="other.example.com"))


def test_each_split_counts_for_its_recipient() -> None:
    book = ledger(per_recipient=60, total=100)
    book.reserve(pay(100, splits=((OTHER, 40),)))
    assert book.tally(Limit.PER_RECIPIENT, SHOP) == Tally(0, 60)
    assert book.tally(Limit.PER_RECIPIENT, OTHER) == Tally(0, 40)
    roomy = ledger(per_recipient=60)
    error = refused(roomy, pay(100, splits=((SHOP, 10), (OTHER, 20))))
    assert (error.asked, error.left) == (80, 60)
    with pytest.raises(InvalidAmountError, match="splits"):
        pay(10, splits=((OTHER, 6), (SHOP, 5)))


def test_what_is_left_is_known_before_asking() -> None:
    book = ledger(per_request=10, per_session=50, per_recipient=70, total=100)
    book.commit(book.reserve(pay(10, session="s")))
    book.reserve(pay(10))
    assert book.left(pay(0, session="s")) == {
        Limit.PER_REQUEST: 10,
        Limit.PER_SESSION: 40,
        Limit.PER_RECIPIENT: 50,
        Limit.TOTAL: 80,
    }
    assert book.left(pay(0, recipient=OTHER)) == {
        Limit.PER_REQUEST: 10,
        Limit.PER_RECIPIENT: 70,
        Limit.TOTAL: 80,
    }
    for to, other in ((SHOP, OTHER), (OTHER, SHOP)):
        split = pay(0, recipient=to, splits=((other, 0),))
        assert book.left(split)[Limit.PER_RECIPIENT] == 50


# -- outcomes --------------------------------------------------------------------------------------


def test_an_unknown_outcome_keeps_the_money_aside() -> None:
    clock = Clock.frozen(1_000)
    book = Ledger(Budget(total=100, allowed_currencies=[USD]), clock)
    lost, known = book.reserve(pay(70)), book.reserve(pay(10))
    book.mark_unknown(lost)
    book.mark_unknown(lost)
    clock.advance(3600)
    assert book.unknown == (lost,)
    assert lost.reserved_at_us == 1_000_000_000
    assert book.open == (lost, known)
    assert refused(book, pay(21)).left == 20
    book.commit(lost)
    book.release(known)
    assert (book.unknown, book.open, book.tally()) == ((), (), Tally(70, 0))


def test_a_part_can_be_committed() -> None:
    book = ledger(total=100)
    book.commit(book.reserve(pay(100)), 30)
    assert book.tally() == Tally(30, 0)
    book.commit(book.reserve(pay(70)), 0)
    assert book.tally() == Tally(30, 0)


def test_no_more_than_was_reserved_can_be_committed() -> None:
    book = ledger(total=100)
    reservation = book.reserve(pay(50))
    for amount in (51, -1, True):
        with pytest.raises(InvalidAmountError):
            book.commit(reservation, amount)
    assert book.open == (reservation,)
    split = book.reserve(pay(50, splits=((OTHER, 5),)))
    with pytest.raises(InvalidAmountError, match="whole"):
        book.commit(split, 49)
    assert book.tally() == Tally(0, 100)


def test_a_reservation_is_closed_once_and_where_it_was_made() -> None:
    book, other = ledger(total=100), ledger(total=100)
    reservation, foreign = book.reserve(pay(40)), other.reserve(pay(40))
    for call in (book.commit, book.release, book.mark_unknown):
        with pytest.raises(ReservationClosedError):
            call(foreign)
    book.commit(reservation)
    for call in (book.commit, book.release, book.mark_unknown):
        with pytest.raises(ReservationClosedError) as error:
            call(reservation)
        assert isinstance(error.value, Conflict)
    assert book.tally() == Tally(40, 0)
    assert other.tally() == Tally(0, 40)


async def test_concurrent_tasks_never_take_the_same_money() -> None:
    book, clock = ledger(total=1_000), Clock.frozen(0)

    async def one(number: int) -> int:
        try:
            reservation = book.reserve(pay(7))
        except BudgetExceededError:
            return 0
        await clock.yield_to_loop()
        if number % 3:
            book.commit(reservation)
            return 7
        book.release(reservation)
        return 0

    paid = sum(await asyncio.gather(*(one(number) for number in range(500))))
    assert book.tally() == Tally(paid, 0)
    assert 0 < paid <= 1_000


class SlowClock(Clock):
    """A clock that lets other threads in at each reading: in the middle of a reservation."""

    def now_us(self) -> int:
        time.sleep(0.001)
        return super().now_us()


def test_threads_never_take_the_same_money() -> None:
    book = Ledger(Budget(total=100, allowed_currencies=[USD]), SlowClock())

    def one(_: int) -> bool:
        try:
            book.commit(book.reserve(pay(3)))
        except BudgetExceededError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(100))) == 33
    assert book.tally() == Tally(99, 0)


def test_tallies_are_of_what_there_is() -> None:
    book = ledger()
    assert book.tally(Limit.PER_SESSION, "never seen") == Tally(0, 0)
    for limit, name in ((Limit.TOTAL, "x"), (Limit.PER_SESSION, ""), (Limit.PER_REQUEST, "x")):
        with pytest.raises(BadInput):
            book.tally(limit, name)


# -- who may be paid, and in what ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.example.com/quote", True),
        ("https://API.Example.COM.:8443/quote", True),
        ("wss://api.example.com", True),
        ("http://localhost:8402/", True),
        ("http://localhost:8403/", False),
        ("http://[::1]:9/", True),
        ("https://b\u00fccher.example", True),
        ("https://xn--bcher-kva.example", True),
        ("https://example.com", False),
        ("https://evil-api.example.com", False),
        ("https://api.example.com.evil.test", False),
        ("https://api.example.com@evil.test/", False),
        ("https://evil.test/?api.example.com", False),
        ("https://evil.test#api.example.com", False),
    ],
)
def test_only_allowed_hosts_are_paid(url: str, allowed: bool) -> None:
    hosts = ["api.example.com", "localhost:8402", "[::1]", "B\u00dcCHER.example"]
    book = Ledger(Budget(allowed_hosts=hosts), Clock.frozen(0))
    payment = pay(1, host=host_of(url))
    if allowed:
        book.reserve(payment)
        return
    with pytest.raises(HostNotAllowedError, match="not an allowed host") as refusal:
        book.reserve(payment)
    assert isinstance(refusal.value, PaymentRefusedError)
    assert refusal.value.details["host"] == payment.host
    assert book.open == ()


@pytest.mark.parametrize("url", ["", "/x", "ftp://a/", "a.example", "https://", "http://a:x/", 7])
def test_what_is_no_url_has_no_host(url: Any) -> None:
    with pytest.raises(BadInput):
        host_of(url)


@pytest.mark.parametrize(
    "host",
    ["", "https://a", "a/b", "u@a", "a:0", "a:99999", "a:x", "*.a", "a b", "a?b", "a#b", "a%41"],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(BadInput, match="not a host"):
        Budget(allowed_hosts=[host])
    with pytest.raises(BadInput, match="not a host"):
        pay(1, host=host)


def test_only_allowed_currencies_are_spent() -> None:
    book = ledger(total=100)
    book.reserve(pay(1, currency=ALPHA.upper().replace("X", "x")))
    with pytest.raises(CurrencyNotAllowedError, match="sat, which is not an allowed currency"):
        book.reserve(pay(1, currency="sat"))


def test_allowed_currencies_are_counted_together() -> None:
    book = ledger(total=100)
    book.reserve(pay(60, currency=USD))
    assert refused(book, pay(60, currency=ALPHA)).left == 40


def test_nothing_allowed_allows_nothing() -> None:
    """As pympp: an empty sequence rejects every charge."""
    with pytest.raises(HostNotAllowedError, match="Allowed: none"):
        Ledger(Budget(allowed_hosts=[]), Clock.frozen(0)).reserve(pay(0))
    with pytest.raises(CurrencyNotAllowedError, match="Allowed: none"):
        Ledger(Budget(allowed_currencies=()), Clock.frozen(0)).reserve(pay(0))


# -- making budgets and payments -------------------------------------------------------------------


def test_a_limit_needs_a_currency() -> None:
    """A number of base units is a cent of one token and a fortune of another."""
    for limit in Limit:
        with pytest.raises(InvalidBudgetError, match=f"{limit} .* which currency"):
            Budget(**{limit.value: 5})


@pytest.mark.parametrize("bad", [-1, True, 1.5, "5", MAX_AMOUNT + 1])
def test_limits_and_amounts_are_integers(bad: Any) -> None:
    with pytest.raises(InvalidAmountError):
        Budget(total=bad, allowed_currencies=[USD])
    with pytest.raises(InvalidAmountError):
        pay(bad)
    with pytest.raises(InvalidAmountError):
        pay(5, splits=((OTHER, bad),))


def test_a_single_text_is_no_list() -> None:
    with pytest.raises(InvalidBudgetError, match="allowed_hosts"):
        Budget(allowed_hosts="api.example.com")
    with pytest.raises(InvalidBudgetError, match="allowed_currencies"):
        Budget(allowed_currencies=USD)


@pytest.mark.parametrize("field", ["currency", "recipient", "session"])
@pytest.mark.parametrize("bad", ["", "a\nb", "\x1b[31m", "x" * 257, 7])
def test_names_are_printable_texts(field: str, bad: Any) -> None:
    with pytest.raises(BadInput, match=f"A {field} is"):
        pay(1, **{field: bad})


def test_a_budget_is_frozen() -> None:
    hosts = ["a.example"]
    budget = Budget(allowed_hosts=hosts)
    hosts.append("evil.test")
    assert budget.allowed_hosts == frozenset({"a.example"})
    with pytest.raises(FrozenInstanceError):
        budget.total = 5  # type: ignore[misc]
    assert replace(budget) == budget
    assert hash(replace(budget)) == hash(budget)


def test_a_budget_reads_people_s_words() -> None:
    budget = Budget.parse(
        decimals=6,
        per_request="0.01",
        per_session="$1",
        per_recipient=Decimal("2.5"),
        total="$5",
        allowed_currencies=[USD],
        allowed_hosts=["localhost"],
    )
    assert budget == Budget(
        per_request=10_000,
        per_session=1_000_000,
        per_recipient=2_500_000,
        total=5_000_000,
        allowed_currencies=[USD],
        allowed_hosts=["LOCALHOST."],
        decimals=6,
    )
    error = refused(Ledger(budget, Clock.frozen(0)), pay(15_000, host="localhost:8402"))
    assert error.detail == (
        "localhost:8402 asks for 0.015, but 0.01 is left of per_request (0.01): 0.005 too little."
    )
    assert Budget.parse(decimals=6, allowed_currencies=[USD]).total is None
