"""How fast the machine is: only the loop is timed, and a stalled round does not count."""

from __future__ import annotations

from itertools import count

from benchmarks.pace import pace_us
from mock_rails.core.clock import Clock


class _Ticking(Clock):
    """A millisecond passes from one look to the next, and once a second."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = count()

    def monotonic_ns(self) -> int:
        looked = next(self._looks)
        return looked * 1_000_000 + (1_000_000_000 if looked > 4 else 0)


def test_it_is_the_middle_of_some_rounds() -> None:
    """A round of a hundred calls takes a millisecond: ten microseconds for each."""
    assert pace_us(_Ticking()) == 10
