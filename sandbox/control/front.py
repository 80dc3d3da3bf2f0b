"""What the control's port serves: two answers of its own, and all others by the application behind.

Plain ASGI, so that a devnet is ready before FastAPI is loaded (DESIGN 2.3, `start.ready`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sandbox.devnet import Devnet

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")


class Control:
    """The ASGI application of the control port."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self._stopping = asyncio.Event()
        self._loading = asyncio.Lock()
        self._routes: Any = None

    def end_streams(self) -> None:
        """Let readers of endless answers go, so that the port can close."""
        self._stopping.set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's lifetime."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        reads = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if reads and scope["path"] == "/_sandbox/health":
            await self._health(scope, send)
        elif reads and scope["path"] == "/_sandbox/info":
            await _answer(scope, send, 200, self._devnet.info())
        else:
            routes = self._routes or await self._load()
            await routes(scope, receive, send)

    async def _health(self, scope: Message, send: Send) -> None:
        trouble = self._devnet.trouble()
        status = {"status": "ok"} if trouble is None else {"status": "not ready", "why": trouble}
        await _answer(scope, send, 200 if trouble is None else 503, status)

    async def _load(self) -> Any:
        async with self._loading:
            if self._routes is None:
                self._routes = await asyncio.to_thread(self._build)
        return self._routes

    def _build(self) -> Any:
        from sandbox.control.routes import build_routes

        return build_routes(self._devnet, self._stopping)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _answer(scope: Message, send: Send, status: int, document: Any) -> None:
    body = orjson.dumps(document)
    headers = [_JSON, _NO_STORE, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    silent = scope["method"] == "HEAD"
    await send({"type": "http.response.body", "body": b"" if silent else body})
