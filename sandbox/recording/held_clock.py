"""A clock that is told what time the wall shows, and believes it until it is told again.

All that is computed between two steps of a recording sees one instant, so that nothing depends on
how fast the machine was. Moving, freezing and setting it work as ever: they are relative to what
the wall is said to show.
"""

from __future__ import annotations

from mock_rails.core.clock import Clock


class HeldClock(Clock):
    """A clock whose wall stands at `wall_us` until `hold` says otherwise."""

    def __init__(self, wall_us: int) -> None:
        self._wall_us = wall_us
        super().__init__()

    def wall_us(self) -> int:
        """What the wall was last said to show."""
        return self._wall_us

    def monotonic_ns(self) -> int:
        """The same: spans are nothing until the next step, in each run alike."""
        return self._wall_us * 1_000

    def hold(self, wall_us: int) -> None:
        """The wall shows this from now on; never earlier than before."""
        if wall_us > self._wall_us:
            self._wall_us = wall_us
            self.wake()

    def due_wall_us(self) -> int | None:
        """What the wall shows when the next one who waits is due; None if time stands still or
        nobody waits."""
        due_us = self.next_due_us
        if due_us is None or self.is_frozen:
            return None
        return max(self._wall_us, self._wall_us + due_us - self.now_us())
