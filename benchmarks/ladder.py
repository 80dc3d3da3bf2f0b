"""A ladder of rates that finds the knee: how much a server can be asked before it falls behind.

Each rate is the one before times a factor, until one breaks what is promised; the last that held is
the knee (style 4.2). Pure: whoever climbs brings the measurement.

A leg is marked when its generator was the slow one: when it had no processor time left, or when it
sent requests late, by more than a twentieth of the latency (p99 of both). Latencies count from the
moment when a request was due, so that what was sent late is told too long and never too short. No
loop is in time by less than what it is late by at rest on this machine; where a twentieth of a
latency of two milliseconds is less than that, it says nothing of the generator, and the lag at rest
is the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        return None


@dataclass(frozen=True, slots=True)
class Knee:
    """Where a ladder ended."""

    per_s: float
    """The highest rate that held."""
    why: str
    """What the next one broke, or that none was broken."""
    by_generator: bool
    """Whether it was the load generator that could do no more: the server's own knee is higher."""


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
    rung = measure(rate)
    why = rung.broken(slo_p99_us)
    rungs = 1
    while why is not None and rungs < most_rungs:
        lower = rate / factor
        below = measure(lower)
        rungs += 1
        if below.broken(slo_p99_us) is None:
            return Knee(lower, f"at {rate:.0f}/s {why}", _is_spent(rung))
        rate, rung, why = lower, below, below.broken(slo_p99_us)
    while rungs < most_rungs:
        if _is_spent(rung):
            return Knee(rate, "the load generator could do no more", by_generator=True)
        higher = measure(rate * factor)
        rungs += 1
        why = higher.broken(slo_p99_us)
        if why is not None:
            return Knee(rate, f"at {rate * factor:.0f}/s {why}", _is_spent(higher))
        rate, rung = rate * factor, higher
    return Knee(rate, why or "nothing was broken by then", by_generator=False)


def _is_spent(rung: Rung) -> bool:
    return rung.generator_busy > MOST_BUSY


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
