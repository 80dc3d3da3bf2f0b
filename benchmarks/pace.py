"""How fast the machine is just now: the time of a loop of plain Python that nothing measured is in.

The host of a virtual machine has other guests, and their work makes it slower by a fifth for
minutes, which no counter of the guest tells. Whoever compares two runs has to know.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock

_ROUNDS: Final = 5
_CALLS: Final = 100


def calibration() -> object:
    """Work that only the machine and the interpreter decide on: small integers, texts, a dict."""
    found = {}
    for number in range(64):
        found[f"{number:x}"] = number * number % 97
    return sum(found[name] for name in sorted(found))


def pace_us(clock: Clock) -> float:
    """What it takes at the moment, in the middle of some rounds."""
    took_ns = []
    for _ in range(_ROUNDS):
        began_ns = clock.monotonic_ns()
        for _ in range(_CALLS):
            calibration()
        took_ns.append(clock.monotonic_ns() - began_ns)
    return median(took_ns) / _CALLS / 1_000
