"""When requests are due: drawn before the run, and from nothing that happens in it (style 4.2).

A schedule that waits for answers asks a slow server less, and so leaves out the very latencies that
it was to find: coordinated omission. Here each moment is known before the first request is sent,
and a latency counts from its moment.
"""

from __future__ import annotations

from enum import StrEnum
from math import log
from typing import TYPE_CHECKING, Final

from mock_rails.core.clock import US_PER_S
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from mock_rails.core.seeds import Stream

MOST: Final = 1_000_000
"""Requests of one leg: as many as are kept one by one."""


class Arrivals(StrEnum):
    """How requests come."""

    POISSON = "poisson"
    """Independently of each other, as those of many people do."""
    CONSTANT = "constant"
    """At equal distances."""


def draw(arrivals: Arrivals, *, per_s: float, duration_s: float, stream: Stream) -> list[int]:
    """The moments of a leg, in microseconds from its beginning."""
    if per_s <= 0 or duration_s <= 0:
        raise BadInput("A schedule has a rate and a duration above 0.")
    if per_s * duration_s > MOST:
        raise BadInput(
            f"{per_s:g} requests a second for {duration_s:g} s are more than {MOST:,}.",
            hint="Measure for a shorter time.",
        )
    if arrivals is Arrivals.CONSTANT:
        gap_us = US_PER_S / per_s
        return [round(number * gap_us) for number in range(max(1, round(per_s * duration_s)))]
    due: list[int] = []
    at_s = 0.0
    while True:
        at_s += -log(1 - float(stream.uniform())) / per_s
        if at_s >= duration_s:
            return due or [0]
        due.append(round(at_s * US_PER_S))


def share(due_us: list[int], part: int, parts: int) -> list[int]:
    """One generator's part of a schedule that several keep together: together they have all of it,
    whatever their number."""
    return due_us[part::parts]
