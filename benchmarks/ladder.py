"""A ladder of rates that finds the knee: how much a server can be asked before it falls behind.

Each rate is the one before times a factor, until one breaks what is promised; then the one halfway
is tried once. The highest that held is the knee (style 4.2). A rate whose generator had no time
left does not hold: it tells nothing of a server, and what is measured at shares of a knee must be
believed. Pure: whoever climbs brings the measurement.

A leg is marked when its generator was the slow one: when it had no processor time left, or when it
sent requests late, by more than a twentieth of the latency (p99 of both). Latencies count from the
moment when a request was due, so that what was sent late is told too long and never too short. No
loop is in time by less than what it is late by at rest on this machine; where a twentieth of a
latency of two milliseconds is less than that, it says nothing of the generator, and the lag at rest
is the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FACTOR: Final = 1.5
MOST_RUNGS: Final = 16
LEAST_ACHIEVED: Final = 0.95
"""Of what was offered, or the server falls behind."""
MOST_FAILED: Final = 0.01
SLO_P99_US: Final = 250_000
"""Who waits longer for one request than a quarter of a second is not served well."""
SHARES: Final = (0.5, 0.7, 0.85)
"""Of the knee, for steady legs."""
MOST_BUSY: Final = 0.9
"""Of a core, for a load generator that is still believed."""
MOST_LAG: Final = 0.05
"""Of the latency's p99, for the lag's p99 (style 4.2)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What one rate came to."""

    offered_per_s: float
    achieved_per_s: float
    requests: int
    failed: int
    p99_us: int
    generator_busy: float

    def broken(self, slo_p99_us: int) -> str | None:
        """Which promise was broken, in words; None if it held."""
        if self.failed > self.requests * MOST_FAILED:
            return f"{self.failed} of {self.requests} requests failed"
        # What is offered is drawn at random: what was due counts, not the rate that was meant.
        if self.achieved_per_s < LEAST_ACHIEVED * self.offered_per_s:
            return f"{self.achieved_per_s:.0f} of {self.offered_per_s:.0f} a second were served"
        if self.p99_us > slo_p99_us:
            return f"p99 was {self.p99_us / 1_000:.0f} ms"
        if self.is_spent:
            return f"the load generator took {self.generator_busy:.0%} of a core"
        return None

    @property
    def is_spent(self) -> bool:
        """Whether its generator could do no more."""
        return self.generator_busy > MOST_BUSY


@dataclass(frozen=True, slots=True)
class Knee:
    """Where a ladder ended."""

    per_s: float
    """The highest rate that held."""
    why: str
    """What the next one broke, or that none was broken."""
    by_generator: bool
    """Whether it was the load generator that could do no more: the server's own knee is higher."""


_Tried = tuple[float, Rung, str]
"""A rate that did not hold, what it came to, and which promise it broke."""


def climb(
    measure: Callable[[float], Rung],
    *,
    first_per_s: float,
    slo_p99_us: int = SLO_P99_US,
    factor: float = FACTOR,
    most_rungs: int = MOST_RUNGS,
) -> Knee:
    """Measure at growing rates until one breaks a promise. Where the first does, at smaller ones
    until one holds."""
    rate = first_per_s
    held: float | None = None
    broken: _Tried | None = None
    for _ in range(most_rungs):
        rung = measure(rate)
        why = rung.broken(slo_p99_us)
        if why is None:
            held = rate
            rate *= factor
        else:
            broken = rate, rung, why
            rate /= factor
        if held is not None and broken is not None:
            return _between(measure, held, broken, slo_p99_us)
    if broken is not None:  # not even the lowest rate held
        return Knee(broken[0], _told(broken), broken[1].is_spent)
    return Knee(rate / factor, "nothing was broken by then", by_generator=False)


def _between(
    measure: Callable[[float], Rung],
    held: float,
    broken: _Tried,
    slo_p99_us: int,
) -> Knee:
    """The knee between a rate that held and one that did not: halfway, by their ratio, or below."""
    rate = sqrt(held * broken[0])
    rung = measure(rate)
    why = rung.broken(slo_p99_us)
    if why is None:
        return Knee(rate, _told(broken), broken[1].is_spent)
    broken = rate, rung, why
    return Knee(held, _told(broken), rung.is_spent)


def _told(broken: _Tried) -> str:
    rate, _, why = broken
    return f"at {rate:.0f}/s {why}"


def marks(
    *, busy: float, lag_p99_us: int, latency_p99_us: int, lag_at_rest_us: int = 0
) -> tuple[str, ...]:
    """Why a leg should not be believed: its generator was the slow one."""
    found = []
    if busy > MOST_BUSY:
        found.append(f"the load generator took {busy:.0%} of a core")
    if lag_p99_us > max(MOST_LAG * latency_p99_us, lag_at_rest_us):
        found.append(
            f"requests were sent up to {lag_p99_us / 1_000:.1f} ms late (p99), more than "
            f"{MOST_LAG:.0%} of the latency's p99 of {latency_p99_us / 1_000:.1f} ms and than the "
            f"{lag_at_rest_us / 1_000:.1f} ms of an idle generator"
        )
    return tuple(found)
