"""How long things take on a network, seeded (facts: lightning 5.2).

`instant` is the default: tests want none of it. `realistic` follows published figures: a hop takes
about 100 ms each way (CLoTH), a payee's answer one second and an exponential tail of three (the
jamming simulator), an invoice some 60 ms; another way is found in 300 ms (LnRouter), one payment of
a hundred is slow, and three of a thousand come to nothing (River). `spark` is the same behind a
wallet service whose invoices take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.core.seeds import Seeds

_MILLION: Final = 1_000_000
_DRAWS: Final = 12
"""Twelve uniform draws sum to a bell whose spread is the draws' own."""


@dataclass(frozen=True, slots=True)
class Times:
    """The figures of one profile, in microseconds and in payments of a million."""

    hop_us: int = 0
    """The mean of an HTLC, or of its settlement, over one channel; 0 for no time at all."""
    hop_spread_us: int = 0
    payee_us: int = 0
    """What a payee takes at least."""
    payee_tail_us: int = 0
    """The mean of what comes on top."""
    slow_per_million: int = 0
    slow_us: tuple[int, int] = (0, 0)
    """How much longer the slow ones take: at least and at most."""
    retry_us: int = 0
    """What a payer takes to find another way."""
    no_way_per_million: int = 0
    """Payments for which no route is found."""
    invoice_us: int = 0
    """The median of making an invoice."""
    invoice_spread_percent: int = 30


REALISTIC: Final = Times(
    hop_us=100_000,
    hop_spread_us=20_000,
    payee_us=1_000_000,
    payee_tail_us=3_000_000,
    slow_per_million=10_000,
    slow_us=(8_000_000, 30_000_000),
    retry_us=300_000,
    no_way_per_million=3_000,
    invoice_us=60_000,
)
TIMES: Final[Mapping[str, Times]] = {
    "instant": Times(),
    "realistic": REALISTIC,
    "spark": replace(REALISTIC, invoice_us=2_500_000),
}


class Latency:
    """The times of one network."""

    def __init__(self, times: Times, seeds: Seeds) -> None:
        self._times = times
        self._stream = seeds.stream("lightning.latency")

    def hop_us(self) -> int:
        """An HTLC, or its settlement, over one channel."""
        times = self._times
        if not times.hop_us:
            return 0
        return max(1_000, times.hop_us + self._bell(times.hop_spread_us))

    def payee_us(self) -> int:
        """What the payee, and everything that is not modelled, takes on top."""
        times, took_us = self._times, self._times.payee_us
        if times.payee_tail_us:
            chance = self._stream.integer(1, _MILLION)
            took_us += int((log(_MILLION) - log(chance)) * times.payee_tail_us)
        if self._happens(times.slow_per_million):
            took_us += self._stream.integer(*times.slow_us)
        return took_us

    def retry_us(self) -> int:
        """What a payer takes to find another way after one has failed."""
        return self._times.retry_us

    def has_no_way(self) -> bool:
        """Whether a payment finds no route although there is one."""
        return self._happens(self._times.no_way_per_million)

    def invoice_us(self) -> int:
        """Making an invoice: half as much again is as likely as a third less."""
        times = self._times
        if not times.invoice_us:
            return 0
        bell = self._bell(_MILLION * times.invoice_spread_percent // 100)
        more, less = _MILLION + max(0, bell), _MILLION - min(0, bell)
        return times.invoice_us * more // less

    def _bell(self, spread: int) -> int:
        """A draw from a bell around 0."""
        return sum(self._stream.integer(0, spread) for _ in range(_DRAWS)) - _DRAWS // 2 * spread

    def _happens(self, per_million: int) -> bool:
        return bool(per_million) and self._stream.integer(1, _MILLION) <= per_million
