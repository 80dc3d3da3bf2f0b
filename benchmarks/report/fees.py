"""What a charge and a session cost on a rail, and from how many requests on the session is cheaper.

Fees come off the rail's own books, payment by payment. A charge pays them for every request; a
session pays to begin and to end, whatever is in between (facts: protocol E3, E4; tempo 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from benchmarks.report.results import base_units, intent, rail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.leg import Money
    from benchmarks.report.results import Results

BEGINNINGS: Final = frozenset({"open", "charge", "payment", "card"})
"""The kinds of payment that a session begins with, or that a charge is: of each there is one for
each session or charge. The others, such as `close` and `refund`, come on top."""


@dataclass(frozen=True, slots=True)
class Range:
    """A fee in millionths of a dollar: on average, and the least and the most that was paid."""

    mean: Fraction
    low: Fraction
    high: Fraction

    def __add__(self, other: Range) -> Range:
        """Both of them paid."""
        return Range(self.mean + other.mean, self.low + other.low, self.high + other.high)

    def times(self, share: Fraction) -> Range:
        """Paid so often in one session."""
        return Range(self.mean * share, self.low * share, self.high * share)


@dataclass(frozen=True, slots=True)
class Crossing:
    """From how many requests on a session costs less than charges; both ends of what was paid."""

    requests: int
    low: int
    high: int

    def __str__(self) -> str:
        """For a sentence."""
        if self.low == self.high:
            return f"{self.requests:,}"
        return f"{self.requests:,} ({self.low:,} to {self.high:,})"


@dataclass(frozen=True, slots=True)
class Fees:
    """What an operation costs: for each request, or for each session."""

    operation: str
    each: Range
    sessions: int
    """How many sessions were paid for; 0 where each request is paid for by itself."""
    delivered: int

    def after(self, requests: int) -> Fraction:
        """What so many requests of one payer cost in fees."""
        return self.each.mean if self.sessions else self.each.mean * requests


def fees(results: Results, operation: str) -> Fees | None:
    """An operation's fees, off the books of its legs: each opens its sessions and ends them."""
    books = [one.leg.money for one in results.books(operation) if one.leg.money]
    delivered = sum(money.delivered for money in books)
    if not delivered:
        return None
    kinds = _by_kind(books)
    begun = sum(len(paid) for kind, paid in kinds.items() if kind in BEGINNINGS)
    if not begun:
        return None
    each = sum((_range(paid).times(Fraction(len(paid), begun)) for paid in kinds.values()),
               start=Range(Fraction(0), Fraction(0), Fraction(0)))  # fmt: skip
    return Fees(operation, each, begun if intent(operation) != "charge" else 0, delivered)


def crossing(charge: Fees, session: Fees) -> Crossing | None:
    """Where the two meet; None where charges cost nothing, for then no session is cheaper."""
    if charge.each.mean <= 0 or charge.each.low <= 0:
        return None
    return Crossing(
        int(session.each.mean // charge.each.mean) + 1,
        int(session.each.low // charge.each.high) + 1,
        int(session.each.high // charge.each.low) + 1,
    )


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


def _range(paid: list[Fraction]) -> Range:
    return Range(sum(paid, Fraction(0)) / len(paid), min(paid), max(paid))
