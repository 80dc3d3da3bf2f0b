"""How fast the machine is while something is measured: a loop of plain Python, now and then.

The host of a virtual machine has other guests, whose work makes this one slower by a fifth or a
half, for seconds or for minutes; no counter of the guest tells. Whoever compares two runs has to
know. The loop takes three thousandths of a core, in a thread of the benchmark, which only waits
meanwhile; its processor time counts, and not for how long it waited for a processor.
"""

from __future__ import annotations

import time
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_EVERY_S: Final = 0.05
_CALLS: Final = 5


def calibration() -> object:
    """Work that only the machine and the interpreter decide on: small integers, texts, a dict."""
    found = {}
    for number in range(64):
        found[f"{number:x}"] = number * number % 97
    return sum(found[name] for name in sorted(found))


class Pace:
    """Looks how fast the machine is, while it is open as a block."""

    def __init__(self) -> None:
        self._took_us: list[float] = []
        self._is_over = Event()
        self._thread = Thread(target=self._look, name="pace", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._is_over.set()
        self._thread.join()

    @property
    def us(self) -> float:
        """What the loop took, half of the times or more; 0 if nobody has looked yet."""
        return round(median(self._took_us), 3) if self._took_us else 0.0

    def _look(self) -> None:
        while True:
            calibration()  # what it needs is at hand again
            began_ns = time.thread_time_ns()
            for _ in range(_CALLS):
                calibration()
            self._took_us.append((time.thread_time_ns() - began_ns) / _CALLS / 1_000)
            if self._is_over.wait(_EVERY_S):
                return
