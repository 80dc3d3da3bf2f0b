"""When things happened on a customer's connection: an httpx transport that looks at its clock.

It stands below the paying client, so that what it sees is what went over the wire. The client's own
events tell the same, but decode every challenge and credential for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx

from benchmarks.leg import Phase
from benchmarks.wire import Wire

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock

_CREDENTIALS: Final = ("authorization", "payment-authorization")
_METRIC: Final = re.compile(r"(verify|settle|deliver);dur=([0-9]{1,9}(?:\.[0-9]{1,6})?)")
_US_PER_MS: Final = 1_000


class Stamps(httpx.AsyncBaseTransport):
    """The moments of one request at a time."""

    def __init__(self, clock: Clock, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._clock = clock
        self._inner = inner or Wire()
        self._challenged_ns = 0
        self._signed_ns = 0
        self._timing = ""

    def clear(self) -> None:
        """A request begins."""
        self._challenged_ns = self._signed_ns = 0
        self._timing = ""

    def phases(self, began_ns: int, ended_ns: int) -> dict[Phase, int]:
        """The phases of the request that has ended, as far as it had them."""
        took: dict[Phase, int] = {}
        at_ns = began_ns
        if self._challenged_ns:
            took[Phase.CHALLENGE] = (self._challenged_ns - at_ns) // 1_000
            at_ns = self._challenged_ns
        if self._signed_ns:
            took[Phase.SIGN] = (self._signed_ns - at_ns) // 1_000
            took[Phase.PAID] = (ended_ns - self._signed_ns) // 1_000
        for name, milliseconds in _METRIC.findall(self._timing):
            took[Phase(name)] = round(float(milliseconds) * _US_PER_MS)
        return took

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and note what it was."""
        pays = any(name in request.headers for name in _CREDENTIALS)
        if pays and not self._signed_ns:
            self._signed_ns = self._clock.monotonic_ns()
        response = await self._inner.handle_async_request(request)
        if response.status_code == httpx.codes.PAYMENT_REQUIRED and not self._challenged_ns:
            self._challenged_ns = self._clock.monotonic_ns()
        elif pays and not self._timing:
            self._timing = response.headers.get("server-timing", "")
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
