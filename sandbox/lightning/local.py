"""An ASGI application of this process as an httpx transport that streams: a node without a socket.

The devnet's own programs speak to its nodes by HTTP as they would to any. httpx's own ASGI
transport hands an answer over when it has ended, and a payment that is followed ends late; here an
answer arrives as it is sent. What a fault breaks off is a broken connection here too.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Message = dict[str, Any]
    App = Callable[
        [Any, Callable[[], Awaitable[Message]], Callable[[Any], Awaitable[None]]], Awaitable[None]
    ]


_PATIENCE_S: Final = 1.0
"""An application that was told that its client has left ends by itself, or is ended."""


class LocalApp(httpx.AsyncBaseTransport):
    """Hands every request to one application, whatever its host is.

    async with httpx.AsyncClient(transport=LocalApp(LndApi(rail, "merchant"))) as http:
        node = LndNode("http://lnd.internal", macaroon, http=http)
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Start the request; the answer's body comes as it is sent."""
        running = _Running(self._app, request, await request.aread())
        try:
            start = await running.next()
        except BaseException:
            await running.aclose()
            raise
        if start is None:
            await running.aclose()
            raise httpx.ReadError("no answer came", request=request)
        return httpx.Response(start["status"], headers=list(start["headers"]), stream=running)


class _Running(httpx.AsyncByteStream):
    """One request under way: what the application has sent and nobody has read."""

    def __init__(self, app: App, request: httpx.Request, body: bytes) -> None:
        self._request = request
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue()
        self._body: bytes | None = body
        self._left = asyncio.Event()
        self._task = asyncio.ensure_future(app(_scope(request), self._receive, self._sent.put))
        self._task.add_done_callback(lambda _: self._sent.put_nowait(None))

    async def next(self) -> Message | None:
        """The next message; None where the application has ended."""
        message = await self._sent.get()
        if message is None and self._task.done() and not self._task.cancelled():
            error = self._task.exception()
            if isinstance(error, OSError):
                raise httpx.ReadError("the connection broke", request=self._request) from None
            if error is not None:
                raise error
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.next()) is not None:
            if body := message.get("body"):
                yield body
            if not message.get("more_body", False):
                return

    async def aclose(self) -> None:
        """Nobody reads any more: the application is told so, and ended if it goes on."""
        self._left.set()
        await asyncio.wait({self._task}, timeout=_PATIENCE_S)
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def _receive(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
    }
