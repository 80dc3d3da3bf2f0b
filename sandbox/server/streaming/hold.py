"""Charging one unit, and holding the stream while the client has not authorised it.

Facts: protocol 2.8. The client is asked once for each amount that is missing, then the stream waits
for the channel to cover it, at most `hold_s`. That time is real time, as a socket's patience is:
a devnet whose clock stands still must not keep connections for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.methods.metering import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mock_rails.core import Clock
    from sandbox.server.offer import Meter

KEEP_ALIVE_S: Final = 10
"""A held stream says something this often; proxies cut silent ones after 30 or 60 seconds."""

HOLD_S: Final = 60

_NS_PER_S: Final = 1_000_000_000


class HoldExpired(Exception):
    """The client did not authorise more, in time or at all; nothing was charged."""


async def _silence() -> None:
    """WebSockets have pings of their own."""


class Hold:
    """Charges a stream's units one by one."""

    def __init__(
        self,
        meter: Meter,
        *,
        clock: Clock,
        hold_s: float,
        ask: Callable[[dict[str, Any]], Awaitable[None]],
        keep_alive: Callable[[], Awaitable[None]] = _silence,
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._hold_s = hold_s
        self._ask = ask
        self._keep_alive = keep_alive
        self._is_stopped = False
        self.is_charging = False
        """A unit may be charged right now: who stops the stream must let it be delivered."""

    def stop(self) -> None:
        """Wait for no voucher any more."""
        self._is_stopped = True

    async def charge(self) -> None:
        """Charge one unit, however long its authorisation takes. Raises `HoldExpired` when that is
        too long, and whatever else the meter raises at once."""
        # An application that never waits would otherwise never let the disconnect be seen.
        await self._clock.yield_to_loop()
        asked: dict[str, Any] | None = None
        left_s = self._hold_s
        while True:
            self.is_charging = True
            try:
                await self._meter.charge()
            except NotCoveredError:
                need = self._meter.need()
            else:
                return
            finally:
                self.is_charging = False
            if self._is_stopped:
                raise HoldExpired
            if need != asked:  # the client has moved since, or another of its streams was faster
                asked, left_s = need, self._hold_s
                await self._ask(need)
            elif left_s <= 0:
                raise HoldExpired
            left_s -= await self._wait(min(left_s, KEEP_ALIVE_S))

    async def _wait(self, span_s: float) -> float:
        """Wait for a voucher; the seconds that went by."""
        began_ns = self._clock.monotonic_ns()
        if not await self._meter.wait(span_s):
            await self._keep_alive()
            return span_s
        return (self._clock.monotonic_ns() - began_ns) / _NS_PER_S
