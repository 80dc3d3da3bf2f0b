"""How hard the machine was pressed while something was measured, as far as the system tells.

`stolen` is what a hypervisor gave to others, as a share of all processors' time. `pressed` is the
share of the time in which some task waited for a processor. That may be one of ours: where
generator and server share two cores, they press each other. So both are told beside a leg, to be
compared with those of other legs, and mark none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from benchmarks.environment import read

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROCESSORS: Final = Path("/proc/stat")
_STEAL: Final = 7
"""Which of its numbers is what was stolen; those after it are counted in others already."""
_WAITING: Final = Path("/proc/pressure/cpu")


@dataclass(frozen=True, slots=True)
class Pressure:
    """What the system has counted until a moment."""

    counts: Mapping[str, tuple[int, int]]
    """How much was lost, and of how much in all; only what the system tells."""

    @classmethod
    def at(cls, now_ns: int) -> Self:
        """What it has counted now."""
        counts = {"stolen": _stolen(), "pressed": _pressed(now_ns)}
        return cls({name: count for name, count in counts.items() if count is not None})

    def since(self, before: Pressure) -> dict[str, float]:
        """The shares of the time since."""
        shares = {}
        for name, (lost_before, whole_before) in before.counts.items():
            if name in self.counts:
                lost, whole = self.counts[name]
                share = (lost - lost_before) / max(1, whole - whole_before)
                shares[name] = round(min(max(0.0, share), 1.0), 4)  # counters may step back
        return shares


def _stolen() -> tuple[int, int] | None:
    """In ticks."""
    first, _, _ = (read(_PROCESSORS) or "").partition("\n")
    ticks = [int(one) for one in first.split()[1 : _STEAL + 2]]
    return (ticks[_STEAL], sum(ticks)) if len(ticks) > _STEAL else None


def _pressed(now_ns: int) -> tuple[int, int] | None:
    """In microseconds."""
    for line in (read(_WAITING) or "").splitlines():
        if line.startswith("some "):
            return int(line.rpartition("total=")[2]), now_ns // 1_000
    return None
