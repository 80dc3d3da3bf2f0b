"""A ladder of rates that finds the knee: how much a server can be asked before it falls behind.

Each rate is twice the one before, until one breaks what is promised; then the one halfway is tried
once. The highest that held is the knee (style 4.2). A rate whose generator had no time left does
not hold: it tells nothing of a server, and what is measured at shares of a knee must be believed.
Where a rate breaks for want of customers or of the generator's time, the knee is not the server's,
and says so. Pure: whoever climbs brings the measurement.

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

FACTOR: Final = 2.0
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
_ALL_WAIT: Final = 0.9
"""Of the customers' time: when so much of it is spent on requests under way, a request waits for a
free customer."""
_IDLE: Final = 0.8
"""Of a core, for a process that could do more if it were asked."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What one rate came to."""

    offered_per_s: float
    achieved_per_s: float
    requests: int
    failed: int
    p99_us: int
    generator_busy: float
    """Its share of a core."""
    server_busy: float
    """The same of the server's busiest process."""
    users: int
    users_busy: float
    """The share of the customers' time that requests were under way for, 0 to 1."""

    def broken(self, slo_p99_us: int) -> str | None:
        """Which promise was broken, in words; None if it held."""
        if self.has_failed:
            return f"{self.failed} of {self.requests} requests failed"
        # What is offered is drawn at random: what was due counts, not the rate that was meant.
        if self.achieved_per_s < LEAST_ACHIEVED * self.offered_per_s:
            return f"{self.achieved_per_s:.0f} of {self.offered_per_s:.0f} a second were served"
        if self.p99_us > slo_p99_us:
            return f"p99 was {self.p99_us / 1_000:.0f} ms"
        return self._spent

    @property
    def has_failed(self) -> bool:
        """Whether too many of its requests did."""
        return self.failed > self.requests * MOST_FAILED

    @property
    def not_the_server(self) -> str | None:
        """Why more could not be asked, if that was not the server's doing, in words."""
        if self._spent:
            return self._spent
        if self.has_failed:
            return None
        if self.users_busy > _ALL_WAIT and max(self.generator_busy, self.server_busy) <= _IDLE:
            return f"all {self.users} customers were waiting"
        if self.generator_busy > self.server_busy:
            return (
                f"the load generator took {self.generator_busy:.0%} of a core, and no server more "
                f"than {self.server_busy:.0%}"
            )
        return None

    @property
    def _spent(self) -> str | None:
        if self.generator_busy <= MOST_BUSY:
            return None
        return f"the load generator took {self.generator_busy:.0%} of a core"


@dataclass(frozen=True, slots=True)
class Knee:
    """Where a ladder ended."""

    per_s: float
    """The highest rate that held; where none did, the lowest that was tried."""
    why: str
    """What the next one broke, or that none was broken."""
    by_generator: bool
    """Whether it was the load that could do no more, its generator or its customers: the server's
    own knee is higher."""
    broken_per_s: float | None = None
    """The lowest rate that did not hold: the knee is between the two. None where all held."""


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
        return _knee(broken[0], broken)
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
    return _knee(rate, broken) if why is None else _knee(held, (rate, rung, why))


def _knee(per_s: float, broken: _Tried) -> Knee:
    rate, rung, why = broken
    whose = rung.not_the_server
    told = f"at {rate:.0f}/s {why}"
    if whose not in (None, why):
        told += f"; {whose}"
    return Knee(per_s, told, whose is not None, rate)


def is_late(*, lag_p99_us: int, latency_p99_us: int, lag_at_rest_us: int) -> bool:
    """Whether requests were sent so late that their latencies hold some of that."""
    return lag_p99_us > max(MOST_LAG * latency_p99_us, lag_at_rest_us)


def marks(
    *, busy: float, lag_p99_us: int, latency_p99_us: int, lag_at_rest_us: int = 0
) -> tuple[str, ...]:
    """Why a leg should not be believed, in short: its generator was the slow one."""
    found = []
    if is_late(lag_p99_us=lag_p99_us, latency_p99_us=latency_p99_us, lag_at_rest_us=lag_at_rest_us):
        found.append(f"late {lag_p99_us / 1_000:.1f} ms")
    if busy > MOST_BUSY:
        found.append(f"generator {busy:.0%}")
    return tuple(found)
