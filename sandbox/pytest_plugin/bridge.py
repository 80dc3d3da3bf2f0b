"""The devnet for the httpx clients of a test, synchronous or not: requests cross to its thread.

An answer is handed over when it has ended; streams are read by `payer.stream`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from sandbox.pytest_plugin.stage import Stage


class Bridge(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport to every part of the devnet, and to the rest of the world.

    httpx.Client(transport=devnet.transport)
    httpx.AsyncClient(transport=devnet.transport)
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it and wait."""
        request.read()
        return _own(self._stage.call(partial(self._send, _copy(request))), request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        await request.aread()
        return _own(await self._stage.acall(partial(self._send, _copy(request))), request)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._stage.switchboard.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


def _copy(request: httpx.Request) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content,
        extensions=request.extensions,
    )


def _own(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The answer as a transport gives it: with its bytes as they came, which httpx decodes."""
    headers = [
        (name, value)
        for name, value in response.headers.raw
        if name.lower() not in {b"content-encoding", b"transfer-encoding", b"content-length"}
    ]
    return httpx.Response(
        response.status_code, headers=headers, content=response.content, request=request
    )
