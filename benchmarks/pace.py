"""How fast the machine is while something is measured: a loop of plain Python, now and then.

The host of a virtual machine has other guests, whose work makes this one slower by a fifth or a
half, for seconds or for minutes; no counter of the guest tells. Whoever compares two runs has to
know. The loop takes three thousandths of a core, in a thread of the benchmark, which only waits
meanwhile; its processor time counts, and not for how long it waited for a processor.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY_S: Final = 0.05
_CALLS: Final = 5


def calibration() -> object:
    """Work that only the machine and the interpreter decide on: small integers, texts, a dict."""
    found = {}
    for number in range(64):
        found[f"{number:x}"] = number * number % 97
    return sum(found[name] for name in sorted(found))


class Pace:
    """What the loop took, each time that somebody looked."""

    def __init__(self) -> None:
        self._took_us: list[float] = []

    @property
    def us(self) -> float:
        """What it took half of the times or more; 0 if nobody has looked yet."""
        return round(median(self._took_us), 3) if self._took_us else 0.0

    def look(self) -> None:
        """Run it, when what it needs is at hand again."""
        calibration()
        began_ns = time.thread_time_ns()
        for _ in range(_CALLS):
            calibration()
        self._took_us.append((time.thread_time_ns() - began_ns) / _CALLS / 1_000)


@contextmanager
def looking() -> Iterator[Pace]:
    """Look at the machine now and then, as long as the block lasts."""
    pace, is_over = Pace(), Event()

    def look() -> None:
        pace.look()
        while not is_over.wait(_EVERY_S):
            pace.look()

    thread = Thread(target=look, name="pace", daemon=True)
    thread.start()
    try:
        yield pace
    finally:
        is_over.set()
        thread.join()
