"""pympp's look at the machine's time, led to a recording's.

pympp judges a challenge's end and a transaction's validity by the machine's clock and takes no
other. A replay of last month's run would have all of them expired, so for its length the modules
that judge are shown the time of the run.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.recording.held_clock import HeldClock

_US: int = 10**6


@contextmanager
def pympp_goes_by(clock: HeldClock) -> Iterator[None]:
    """While this lasts, pympp's charges see the wall that the clock was told of."""
    from mpp.methods.stripe import intents as stripe
    from mpp.methods.tempo import intents

    tempo: Any = intents
    calendar = _calendar(clock)
    shown = [
        (tempo, "time", _Time(tempo.time, clock)),
        (tempo, "datetime", calendar),
        (stripe, "datetime", calendar),
    ]
    before = [getattr(module, name) for module, name, _ in shown]
    for module, name, told in shown:
        setattr(module, name, told)
    try:
        yield
    finally:
        for (module, name, _), own in zip(shown, before, strict=True):
            setattr(module, name, own)


class _Time:
    """The module `time` with another `time()`."""

    def __init__(self, module: Any, clock: HeldClock) -> None:
        self._module = module
        self._clock = clock

    def time(self) -> float:
        """Seconds since 1970."""
        return self._clock.wall_us() / _US

    def __getattr__(self, name: str) -> Any:
        """All else as it is."""
        return getattr(self._module, name)


def _calendar(clock: HeldClock) -> type[datetime]:
    class Told(datetime):
        """A calendar whose present is the recording's."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Told:
            """The date of the recording."""
            return cls.fromtimestamp(clock.wall_us() / _US, tz)

    return Told
