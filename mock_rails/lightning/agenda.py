"""What will happen on the network, in the order of its times: HTLCs on their way, invoices ending.

Entries are plain values, so a snapshot holds payments in the middle of their route. While one runs,
the network's time is the moment it was due.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_rails.core.clock import Clock


class Entry(NamedTuple):
    """One thing that will happen; entries of one time in the order they were added."""

    due_us: int
    number: int
    what: str
    args: tuple[Any, ...]


class Agenda:
    """All of them, the earliest first."""

    def __init__(self, clock: Clock, when_sooner: Callable[[], None]) -> None:
        """`when_sooner` is called when something will now happen before everything else."""
        self._clock = clock
        self._when_sooner = when_sooner
        self._heap: list[Entry] = []
        self.count = 0
        """Entries added so far; a snapshot holds it, so that what follows is numbered alike."""
        self._now_us: int | None = None

    def now_us(self) -> int:
        """The network's time."""
        return self._clock.now_us() if self._now_us is None else self._now_us

    def now_s(self) -> int:
        """The same in seconds."""
        return self.now_us() // 1_000_000

    def add(self, due_us: int, what: str, *args: Any) -> None:
        """Let something happen at a time."""
        self.count += 1
        entry = Entry(due_us, self.count, what, args)
        heappush(self._heap, entry)
        if self._heap[0] is entry and due_us > self.now_us():
            self._when_sooner()

    def next_due_us(self) -> int | None:
        """When the next one is due."""
        return self._heap[0].due_us if self._heap else None

    def take(self) -> Entry | None:
        """The next one that is due by now; the network's time becomes its own until `rest`."""
        if not self._heap or self._heap[0].due_us > self._clock.now_us():
            return None
        entry = heappop(self._heap)
        self._now_us = entry.due_us
        return entry

    def rest(self) -> None:
        """Nothing is due: the network's time is the clock's again."""
        self._now_us = None

    def drop(self, is_void: Callable[[Entry], bool]) -> None:
        """Take out what would do nothing: it would only wait for its time."""
        self._heap = [one for one in self._heap if not is_void(one)]
        heapify(self._heap)

    def entries(self) -> list[Entry]:
        """All entries, in order."""
        return sorted(self._heap)

    def replace(self, entries: Iterable[Entry], count: int) -> None:
        """Become the entries of a snapshot."""
        self._heap = list(entries)
        heapify(self._heap)
        self.count = count
        self._when_sooner()
        self._now_us = None
