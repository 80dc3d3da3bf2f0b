"""Dollars in satoshis, at a rate that a run fixes or scripts (facts: lightning 5.5).

    rate = Rate(100_000)
    rate = Rate(100_000, [(clock.now_s() + 120, 50_000)], clock=clock)       # halves in two minutes

A challenge keeps the price that it was made with for as long as it lives; the next has the next
rate. So an offer asks its `Price` twice: what to ask for now, and what was asked for lately.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Protocol

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal

BTC_USD: Final = 100_000
"""Dollars for a bitcoin, unless a run says otherwise: a satoshi is a tenth of a cent."""

_SATS_PER_BTC: Final = 100_000_000
_RAIL: Final = "sandbox"


class Rate:
    """Dollars for a bitcoin, by the clock."""

    def __init__(
        self,
        btc_usd: int = BTC_USD,
        steps: Sequence[tuple[int, int]] = (),
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`steps` are what it becomes later, and from which second of the clock on, in order. Each
        is journalled when it is first gone by."""
        moments = [from_s for from_s, _ in steps]
        if min((btc_usd, *(rate for _, rate in steps))) < 1:
            raise BadInput("A bitcoin costs at least a dollar.")
        if moments != sorted(set(moments)) or (steps and clock is None):
            raise BadInput("The steps of a rate are moments of a clock, each after the last.")
        self.first = btc_usd
        self.steps = tuple((from_s, then) for from_s, then in steps)
        self._clock = clock
        self._journal = journal
        self._told = btc_usd

    def now(self) -> int:
        """What a bitcoin costs."""
        rate = self.lately(0)[-1]
        if rate != self._told:
            self._told = rate
            if self._journal is not None:
                self._journal.append(_RAIL, "rate.changed", {"btc_usd": rate})
        return rate

    def lately(self, within_s: int) -> tuple[int, ...]:
        """All that it cost within so many seconds, the latest last."""
        if self._clock is None:
            return (self.first,)
        now_s = self._clock.now_s()
        begun = [(0, self.first), *(step for step in self.steps if step[0] <= now_s)]
        ends = [from_s for from_s, _ in begun[1:]]
        old = sum(end_s < now_s - within_s for end_s in ends)
        return tuple(rate for _, rate in begun[old:])


class Price(Protocol):
    """What an offer asks, in satoshis."""

    def now(self) -> int:
        """What a new challenge asks for."""
        ...

    def lately(self, within_s: int) -> tuple[int, ...]:
        """What challenges of so many seconds ago until now have asked for."""
        ...


@dataclass(frozen=True, slots=True)
class SatPrice:
    """A price in satoshis, whatever a bitcoin costs."""

    sat: int

    def now(self) -> int:
        """The price."""
        return self.sat

    def lately(self, within_s: int) -> tuple[int, ...]:
        """The price."""
        return (self.sat,)


@dataclass(frozen=True, slots=True)
class UsdPrice:
    """A price in dollars at a rate; `times` is how many such prices it is the sum of."""

    usd: str
    rate: Rate
    times: int = 1

    def now(self) -> int:
        """The price at today's rate."""
        return self.times * sats(self.usd, self.rate.now())

    def lately(self, within_s: int) -> tuple[int, ...]:
        """The price at each rate."""
        return tuple(self.times * sats(self.usd, rate) for rate in self.rate.lately(within_s))


def price_of(amount: int | Price) -> Price:
    """A number is satoshis."""
    return SatPrice(amount) if isinstance(amount, int) else amount


def sats(usd: str, btc_usd: int = BTC_USD) -> int:
    """A price in dollars as whole satoshis, rounded up; never less than one."""
    try:
        dollars = Decimal(usd)
    except InvalidOperation:
        dollars = Decimal(-1)
    if not dollars.is_finite() or dollars <= 0 or btc_usd < 1:
        raise BadInput(f"{usd!r} at {btc_usd} dollars for a bitcoin is no price.")
    exact = dollars * _SATS_PER_BTC / btc_usd
    return max(1, int(exact.to_integral_value(ROUND_CEILING)))
