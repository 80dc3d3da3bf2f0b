"""What a charge and a session cost on a rail, and from how many requests on the session is cheaper.

Fees come off the rail's own books, payment by payment. A charge pays them for every request; a
session pays to begin and to end, whatever is in between (facts: protocol E3, E4; tempo 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.report.results import base_units, intent, rail, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.leg import Money
    from benchmarks.report.results import Results

BEGINNINGS: Final = frozenset({"open", "charge", "payment", "card"})
"""The kinds of payment that a session begins with, or that a charge is: of each there is one for
each session or charge. The others, such as `close` and `refund`, come on top."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """From how many requests on a session costs less than charges."""

    requests: int
    dearest: int
    """The same for the session that cost the most in the run."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What an operation costs in millionths of a dollar: for each request, or for each session."""

    operation: str
    each: Fraction
    """The median of each kind of payment, as often as it is paid: the first session that a leg
    opens is dearer than the others, so that a mean would tell how many customers there were."""
    dearest: Fraction
    """The same by the dearest payment of each kind."""
    price: Fraction
    """What a request was paid, which a fee may depend on."""
    sessions: int
    """How many sessions were paid for; 0 where each request is paid for by itself."""
    carried: int
    """How many requests a session carried, in the leg where that was the most: what a deposit
    cannot pay for is not measured. 0 without sessions."""

    def after(self, requests: int) -> Fraction:
        """What so many requests of one payer cost in fees."""
        return self.each if self.sessions else self.each * requests


def fees(results: Results, operation: str) -> Fees | None:
    """An operation's fees, off the books of its legs: each opens its sessions and ends them."""
    books = [one.leg.money for one in results.books(operation) if one.leg.money]
    delivered = sum(money.delivered for money in books)
    kinds = _by_kind(books)
    begun = sum(len(paid) for kind, paid in kinds.items() if kind in BEGINNINGS)
    if not delivered or not begun:
        return None
    often = {kind: Fraction(len(paid), begun) for kind, paid in kinds.items()}
    has_sessions = intent(operation) != "charge"
    return Fees(
        operation,
        each=sum((median(paid) * often[kind] for kind, paid in kinds.items()), Fraction(0)),
        dearest=sum((max(paid) * often[kind] for kind, paid in kinds.items()), Fraction(0)),
        price=sum((base_units(one.currency, one.paid_units) for one in books), Fraction(0))
        * units(operation) / delivered,
        sessions=begun if has_sessions else 0,
        carried=max(map(_carried, books)) // units(operation) if has_sessions else 0,
    )  # fmt: skip


def crossing(charge: Fees, session: Fees) -> Crossing | None:
    """Where the two meet; None where charges cost nothing, for then no session is cheaper."""
    if charge.each <= 0:
        return None
    return Crossing(int(session.each // charge.each) + 1, int(session.dearest // charge.each) + 1)


def pairs(results: Results) -> list[tuple[str, Fees, Fees]]:
    """Rail by rail, its cheapest plain charge and its session per request, where both are known."""
    found = []
    for name in dict.fromkeys(rail(operation) for operation in results.operations):
        charge, session = (fees(results, f"{name}-{kind}") for kind in ("charge", "session"))
        if charge and session:
            found.append((name, charge, session))
    return found


def _by_kind(books: Iterable[Money]) -> Mapping[str, list[Fraction]]:
    kinds: dict[str, list[Fraction]] = {}
    for money in books:
        for one in money.transactions:
            fee = base_units(money.currency, int(one["fee"]))
            kinds.setdefault(str(one["kind"]), []).append(fee)
    return kinds


def _carried(money: Money) -> int:
    """What was delivered for each session of a leg."""
    begun = sum(one["kind"] in BEGINNINGS for one in money.transactions)
    return money.delivered // begun if begun else 0
