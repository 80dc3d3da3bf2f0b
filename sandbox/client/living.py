"""Which runs of a wallet's programs are alive: each holds a lock on a small file of its own.

The system lets go of the lock however a run ends, so that a killed one is never taken for a living
one, nor the other way round, as a process number could be that was given to another since.
"""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MARK: Final = "spending.{}.alive"


class Mark:
    """One run's sign of life in a directory, until it is erased or the process ends."""

    def __init__(self, state: Path, run: int) -> None:
        self._path = state / _MARK.format(run)
        self._file = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def erase(self) -> None:
        """The run is over."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def living_runs(state: Path) -> set[int]:
    """The runs that are alive. What dead ones have left lying about is removed."""
    found: set[int] = set()
    for path in state.glob(_MARK.format("*")):
        number = path.name.split(".")[1]
        if not number.isdecimal():
            continue
        try:
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except BlockingIOError:
            found.add(int(number))
        except FileNotFoundError:
            continue  # it has just ended, and erased its own
    return found
