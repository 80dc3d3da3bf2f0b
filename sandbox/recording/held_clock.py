"""A clock that is told what time the wall shows, and believes it until it is told again.

All that is computed between two steps of a recording sees one instant, so that nothing depends on
how fast the machine was. Moving, freezing and setting it work as ever: they are relative to what
the wall is said to show. Who waits in real time, as a held stream does for its voucher, waits for
this wall, too: so a replay takes no longer than its work, and wakes him at the same place.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mock_rails.core.clock import US_PER_S, Clock


class HeldClock(Clock):
    """A clock whose wall stands at `wall_us` until `hold` says otherwise, or it is let go."""

    def __init__(self, wall_us: int) -> None:
        self._wall_us = wall_us
        self._let_go_us: int | None = None
        self._keeps_waits = False
        self._waits: dict[asyncio.Event, int] = {}
        """Those who wait in real time, and what the wall shows when they need not any more."""
        super().__init__()

    def wall_us(self) -> int:
        """What the wall was last said to show; and what has passed since it was let go."""
        if self._let_go_us is None:
            return self._wall_us
        return self._wall_us + super().wall_us() - self._let_go_us

    def monotonic_ns(self) -> int:
        """The same: spans are nothing until the next step, in each run alike."""
        return self.wall_us() * 1_000

    async def wall_sleep(self, span: int | timedelta) -> None:
        """Wait until this wall has come so far; before and after the steps, in real time."""
        if not self._keeps_waits:
            await super().wall_sleep(span)
            return
        seconds = span if isinstance(span, int) else span / timedelta(seconds=1)
        woken = asyncio.Event()
        self._waits[woken] = self._wall_us + round(seconds * US_PER_S)
        try:
            await woken.wait()
        finally:
            del self._waits[woken]

    def begin(self) -> None:
        """The first step comes: from now on nobody waits for another wall than this one."""
        self._keeps_waits = True

    def let_go(self) -> None:
        """The last step is over: the wall goes on from where it stands, and nobody holds it."""
        self._keeps_waits, self._let_go_us = False, super().wall_us()
        for woken in self._waits:
            woken.set()
        self.wake()

    def hold(self, wall_us: int) -> None:
        """The wall shows this from now on; never earlier than before."""
        if wall_us >= self._wall_us:
            self._wall_us = wall_us
            for woken, due_us in self._waits.items():
                if due_us <= wall_us:
                    woken.set()
            self.wake()

    def due_wall_us(self) -> int | None:
        """What the wall shows when the next one who waits is due; None if nobody waits, or only
        for a time that stands still."""
        found = [due_us for woken, due_us in self._waits.items() if not woken.is_set()]
        due_us = self.next_due_us
        if due_us is not None and not self.is_frozen:
            found.append(self._wall_us + due_us - self.now_us())
        return max(self._wall_us, min(found)) if found else None
