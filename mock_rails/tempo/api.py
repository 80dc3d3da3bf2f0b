"""The chain's wire: JSON-RPC over HTTP POST and WebSocket, as one plain ASGI application.

Nothing stands between the socket and the dispatcher but reading the body: a payment's answer is on
the measured path (DESIGN 2.3). Transport rules are those of facts 5.1: any path, always HTTP 200
for an error that JSON-RPC can express, CORS for everyone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_rails import __version__
from mock_rails.connection import read_body
from mock_rails.tempo.errors import ResponseLostError
from mock_rails.tempo.rpc.connection import Connection
from mock_rails.tempo.rpc.dispatcher import INVALID_REQUEST, Dispatcher
from mock_rails.tempo.rpc.families import build_families

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send
    from mock_rails.tempo.rail import Chain

BODY_LIMIT: Final = 5 * 1024 * 1024

_JSON: Final = (b"content-type", b"application/json")
_UNFINISHED: Final = (b"content-length", b"1")
_ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_PREFLIGHT: Final = [
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]


class TempoApi:
    """One chain's endpoint. Hand it to any ASGI server, or to httpx's ASGI transport."""

    def __init__(
        self, chain: Chain, *, relay_key: bytes | None = None, body_limit: int = BODY_LIMIT
    ) -> None:
        self.chain = chain
        self.body_limit = body_limit
        families, self._hub = build_families(chain, relay_key=relay_key)
        self.dispatcher = Dispatcher(families)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, one WebSocket, or the application's lifetime."""
        kind = scope["type"]
        if kind == "http":
            if scope["method"] == "POST":
                await self._post(receive, send)
            else:
                await self._other(scope["method"], send)
        elif kind == "websocket":
            await self._websocket(receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise ValueError(f"ASGI scope {kind!r} is not served here")

    # -- HTTP -------------------------------------------------------------------------------------

    async def _post(self, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self.body_limit)
        if body is None:
            return
        if len(body) > self.body_limit:
            text = f"the request is larger than the limit of {self.body_limit} bytes"
            await _respond(send, 413, _refusal(text))
            return
        try:
            answer = await self.dispatcher.answer(body)
        except ResponseLostError:
            # An answer that is begun and never ended: the server breaks the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [_UNFINISHED]})
            return
        await _respond(send, 200, answer or b"")

    async def _other(self, verb: str, send: Send) -> None:
        if verb == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
        elif verb in {"GET", "HEAD"}:
            await _respond(send, 200, orjson.dumps(self.about()), silent=verb == "HEAD")
        else:
            await _respond(send, 405, _refusal(f"{verb} is not served; POST a JSON-RPC request"))

    def about(self) -> dict[str, Any]:
        """What a browser or a health check sees on GET."""
        return {
            "name": "mpp-sandbox tempo",
            "version": __version__,
            "chainId": self.chain.chain_id,
            "blockNumber": self.chain.head.number,
            "usage": "POST a JSON-RPC 2.0 request here, or open a WebSocket",
        }

    # -- WebSocket and lifetime -------------------------------------------------------------------

    async def _websocket(self, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        connection = Connection(self.dispatcher, send, body_limit=self.body_limit)
        try:
            await connection.serve(receive)
        finally:
            self._hub.forget(connection)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self.chain.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.chain.stop()
                await self._hub.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _refusal(text: str) -> bytes:
    error = {"code": INVALID_REQUEST, "message": text}
    return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error})


async def _respond(send: Send, status: int, body: bytes, *, silent: bool = False) -> None:
    headers = [_JSON, (b"content-length", b"%d" % len(body)), _ANY_ORIGIN]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if silent else body})
