"""The wire under `pay`: shows the conversation as it goes, notes the transactions it caused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from sandbox.cli.conversation import request_lines, response_lines
from sandbox.client.outcome import read_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_rails.core.clock import Clock

_HASH: Final = 66


class ObservedTransport(httpx.AsyncBaseTransport):
    """A transport that tells what passes. With `show`, it gets every line of the conversation."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        clock: Clock,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.transactions: dict[str, None] = {}
        """The hashes that receipts name, in order."""
        self.waited_us = 0
        """How long answers took in all, up to their headers."""
        self._inner = inner
        self._clock = clock
        self._show = show

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if self._show is not None:
            for line in request_lines(request):
                self._show(line)
        begun_ns = self._clock.monotonic_ns()
        response = await self._inner.handle_async_request(request)
        elapsed_us = (self._clock.monotonic_ns() - begun_ns) // 1_000
        self.waited_us += elapsed_us
        self._note(read_receipt(response) or {})
        if self._show is not None:
            response, body = await _with_its_problem(response)
            for line in response_lines(response, elapsed_us, body):
                self._show(line)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _note(self, receipt: Mapping[str, Any]) -> None:
        found = receipt.get("txHash")
        if found is None and receipt.get("intent") != "session":
            found = receipt.get("reference")
        if isinstance(found, str) and found.startswith("0x") and len(found) == _HASH:
            self.transactions[found.lower()] = None


async def _with_its_problem(response: httpx.Response) -> tuple[httpx.Response, bytes | None]:
    """The response, and the body if it is an error's: then it has been read, and is put back."""
    if not response.is_error or not isinstance(response.stream, httpx.AsyncByteStream):
        return response, None
    try:
        body = b"".join([chunk async for chunk in response.stream])
    finally:
        await response.aclose()
    again = httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx.ByteStream(body),
        extensions=response.extensions,
    )
    return again, None if "content-encoding" in response.headers else body
