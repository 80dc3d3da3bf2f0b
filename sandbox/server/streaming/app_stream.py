"""An application's event stream as an iterator: what a paid WebSocket sends.

The WebSocket twin of a streamed route runs the same application (facts: protocol 2.9), on a GET
made from the socket's handshake. The iterator pulls: the application gets no further than one event
ahead of the reader, and closing the iterator cancels it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sandbox.server.streaming.sse import EVENT_STREAM, ClientGone
from sandbox.streaming.events import DONE, LARGEST_EVENT, EventParser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    App = Callable[
        [Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
        Awaitable[None],
    ]

_HANDSHAKE: Final = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"upgrade",
    }
)


class StreamRefused(Exception):
    """The application answered the request behind the socket with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The application answered {status}.")
        self.status = status


def http_scope(
    scope: MutableMapping[str, Any], *, path: str | None = None, **more: Any
) -> dict[str, Any]:
    """The GET that a WebSocket's handshake stands for, on `path` if that is another."""
    path = scope["path"] if path is None else path
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in _HANDSHAKE and not name.startswith(b"sec-websocket-")
    ]
    inner = {
        **scope,
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https" if scope.get("scheme") == "wss" else "http",
        "path": path,
        "raw_path": path.encode(),
        "headers": [*headers, (b"accept", EVENT_STREAM)],
        "extensions": {},
        **more,
    }
    inner.pop("subprotocols", None)
    return inner


async def run_app_as_stream(
    app: App,
    scope: MutableMapping[str, Any],
    *,
    path: str | None = None,
    event_limit: int = LARGEST_EVENT,
    **more: Any,
) -> AsyncGenerator[str, None]:
    """Run the application and yield the data of its message events; `more` goes into its scope.

    An answer that is no event stream is yielded whole, as one message. Raises `StreamRefused` for
    an error's status, and whatever the application raises.
    """
    outlet = _Outlet(event_limit)
    running = asyncio.ensure_future(
        app(http_scope(scope, path=path, **more), outlet.receive, outlet.send)
    )
    running.add_done_callback(lambda _: outlet.app_ended())
    try:
        while (data := await outlet.next()) is not None:
            yield data
        await running
    finally:
        outlet.stop()
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # it was told to stop; how it took that is no news


class _Outlet:
    """The `send` of the application on one side, the reader on the other; one item between them."""

    def __init__(self, event_limit: int) -> None:
        self._parser = EventParser(event_limit)
        self._limit = event_limit
        self._is_stream = False
        self._plain = bytearray()
        self._status = 0
        self._item: str | None = None
        self._asked = asyncio.Event()
        self._filled = asyncio.Event()
        self._stopped = asyncio.Event()
        self._has_ended = False
        self._request: Message | None = {"type": "http.request", "body": b"", "more_body": False}

    # -- the reader's side ------------------------------------------------------------------------

    async def next(self) -> str | None:
        """The next message, or None when the application has said everything."""
        self._asked.set()
        await self._filled.wait()
        if self._status >= 400:
            raise StreamRefused(self._status)
        item, self._item = self._item, None
        if not self._has_ended:
            self._filled.clear()
        return item

    def stop(self) -> None:
        """The reader wants no more."""
        self._stopped.set()

    def app_ended(self) -> None:
        """The application has returned or failed."""
        self._has_ended = True
        self._filled.set()

    # -- the application's side -------------------------------------------------------------------

    async def receive(self) -> Message:
        """An empty body, then the disconnect when the reader stops."""
        request, self._request = self._request, None
        if request is not None:
            return request
        await self._stopped.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take what the application sends, no faster than the reader wants it."""
        if self._stopped.is_set():
            raise ClientGone("The stream is over.")
        if message["type"] == "http.response.start":
            self._begin(message)
        elif message["type"] == "http.response.body" and self._status < 400:
            chunk, more = message.get("body", b""), message.get("more_body", False)
            if self._is_stream:
                await self._events(chunk, more=more)
            else:
                await self._whole(chunk, more=more)

    def _begin(self, message: Message) -> None:
        self._status = message["status"]
        fields = {bytes(name).lower(): bytes(value) for name, value in message["headers"]}
        media_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self._is_stream = media_type == EVENT_STREAM
        if self._status >= 400:
            self._filled.set()

    async def _events(self, chunk: bytes, *, more: bool) -> None:
        for event in self._parser.feed(chunk):
            if event.is_message and event.data != DONE:
                await self._put(event.data)
        last = None if more else self._parser.finish()
        if last is not None and last.is_message and last.data != DONE:
            await self._put(last.data)

    async def _whole(self, chunk: bytes, *, more: bool) -> None:
        self._plain += chunk
        if len(self._plain) > self._limit:
            raise ValueError(f"An answer of more than {self._limit:,} bytes is no message.")
        if not more and self._plain:
            await self._put(self._plain.decode("utf-8", "replace"))

    async def _put(self, data: str | None) -> None:
        await self._asked.wait()
        self._asked.clear()
        self._item = data
        self._filled.set()
