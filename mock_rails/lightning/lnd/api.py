"""One node's LND as a plain ASGI application: REST, streams and WebSockets (facts: lightning 4.2).

A request is answered in LND's order: is there such a call, can the message be read, may the caller
do it, and only then what the node says. LND's gateway writes one call's answer as one JSON object
and a stream's as one object a line; a stream that fails before its first line has the error's own
HTTP status, and a 200 afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import orjson

from mock_rails.connection import break_off, live, read_body
from mock_rails.lightning.errors import (
    INVALID_ARGUMENT,
    UNAUTHENTICATED,
    UNAVAILABLE,
    LightningError,
    ResponseLostError,
)
from mock_rails.lightning.lnd import invoices, node, payments
from mock_rails.lightning.lnd.call import UNIMPLEMENTED, Call, Endpoint, Table
from mock_rails.lightning.lnd.lenient import Deviation, tolerates
from mock_rails.lightning.lnd.permissions import HEADER, Permissions, bake_for
from mock_rails.lightning.lnd.sockets import Socket
from mock_rails.lightning.lnd.waiting import Departed, unless

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator

    from mock_rails.connection import Message, Receive, Send
    from mock_rails.lightning.rail import Lightning


BODY_LIMIT: Final = 1024 * 1024
MOST_STREAMS: Final = 1_000
"""Streams that one node serves at a time."""

_NOT_FOUND: Final = 5
_EXHAUSTED: Final = 8
_JSON: Final = (b"content-type", b"application/json")
_CALLS: Final = (*invoices.ENDPOINTS, *payments.ENDPOINTS, *node.ENDPOINTS)


class LndApi:
    """One node's endpoint. Hand it to any ASGI server, or to httpx's ASGI transport."""

    def __init__(self, rail: Lightning, node_name: str, *, body_limit: int = BODY_LIMIT) -> None:
        self.rail = rail
        self.node = rail.node(node_name)
        self.body_limit = body_limit
        self.permissions = Permissions(self.node)
        self.streams = 0
        settings = rail.settings
        self._table = Table(_CALLS, settings.lnd_version, lenient=settings.is_lenient)
        self._ending = False
        self._clients: set[asyncio.Future[None]] = set()
        """For each client that waits for an answer, what is done when it leaves."""

    def macaroon(self, role: str = "admin") -> str:
        """What goes into the header `Grpc-Metadata-macaroon`: of `admin`, `invoice`, `readonly`."""
        return bake_for(self.node, role).hex()

    def end_streams(self) -> None:
        """Tell whoever waits for an answer that none will come: the server is about to stop."""
        self._ending = True
        for left in self._clients:
            left.cancel()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket, or the application's lifetime."""
        kind = scope["type"]
        if kind == "http":
            try:
                self.node.reached()
                await self._http(scope, receive, send)
            except ResponseLostError:
                await break_off(receive, send)
        elif kind == "websocket":
            try:
                self.node.reached()
                await self._websocket(scope, receive, send)
            except ResponseLostError:
                await break_off(receive, send)
        elif kind == "lifespan":
            self._ending = False
            await live(receive, send, self.rail.keep_time)
        else:
            raise ValueError(f"ASGI scope {kind!r} is not served here")

    # -- HTTP -------------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self.body_limit)
        if body is None:
            return
        try:
            endpoint, call = self._read(scope["method"], scope, body)
        except LightningError as error:
            await _answer(send, error.status, _told(error))
            return
        macaroons = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1").lower() == HEADER
        ]
        if endpoint.stream is not None:
            await self._lines(self._stream(endpoint, call, macaroons), receive, send)
            return
        assert endpoint.unary is not None
        try:
            self._admit(macaroons, endpoint)
            with self._client(receive) as left:
                answer = await self._awaited(left, endpoint.unary(call))
        except LightningError as error:
            await _answer(send, error.status, _told(error))
        except Departed:
            return
        else:
            await _answer(send, 200, answer)

    def _read(self, verb: str, scope: Message, body: bytes) -> tuple[Endpoint, Call]:
        """The call that is meant, with its message, or what the gateway says."""
        raw_path = scope.get("raw_path")
        path = raw_path.decode("latin-1") if raw_path else scope["path"]
        endpoint, parts, is_known = self._table.find(verb, path)
        if endpoint is None and is_known:
            raise LightningError("Method Not Allowed", UNIMPLEMENTED)
        if endpoint is None:
            raise LightningError("Not Found", _NOT_FOUND)
        if len(body) > self.body_limit:
            raise LightningError(
                f"grpc: received message larger than max ({len(body)} vs. {self.body_limit})",
                _EXHAUSTED,
            )
        if self.rail.settings.lnd_version not in endpoint.profiles:
            tolerates(self.node, Deviation.REMOVED_CALL)
        message = endpoint.message
        if endpoint.verb == "GET":
            fields = message.query(_query(scope))
        else:
            passes = partial(tolerates, self.node, Deviation.UNKNOWN_FIELD)
            fields = message.parse(body, passes)
        for name, value in parts.items():
            try:
                fields[name] = message.fields[name](value)
            except LightningError as error:
                raise LightningError(
                    f"type mismatch, parameter: {name}, error: {error.detail}", INVALID_ARGUMENT
                ) from None
        return endpoint, Call(self.node, fields)

    def _admit(self, macaroons: list[str], endpoint: Endpoint) -> None:
        """Raise what LND says to somebody who may not."""
        try:
            self.permissions.check(macaroons, endpoint.permission)
        except LightningError as error:
            if tolerates(self.node, Deviation.MACAROON_CODE):
                raise LightningError(error.detail, UNAUTHENTICATED) from None
            raise

    # -- streams ----------------------------------------------------------------------------------

    async def _stream(
        self, endpoint: Endpoint, call: Call, macaroons: list[str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """A stream's messages, after the door."""
        assert endpoint.stream is not None
        self._admit(macaroons, endpoint)
        if self.streams >= MOST_STREAMS:
            raise LightningError(f"this node serves {MOST_STREAMS} streams at most", _EXHAUSTED)
        self.streams += 1
        try:
            async with contextlib.aclosing(endpoint.stream(call)) as messages:
                async for message in messages:
                    yield message
        finally:
            self.streams -= 1

    @contextlib.contextmanager
    def _client(self, receive: Receive) -> Iterator[asyncio.Future[None]]:
        """Something that is done when the client leaves."""
        left = asyncio.ensure_future(_left(receive))
        self._clients.add(left)
        try:
            yield left
        finally:
            self._clients.discard(left)
            left.cancel()

    async def _awaited(
        self, left: asyncio.Future[None], work: Awaitable[dict[str, Any]]
    ) -> dict[str, Any]:
        """What the work gives, unless the client leaves or the server stops."""
        try:
            return await unless(left, work)
        except Departed:
            if self._ending:
                raise LightningError("server shutting down", UNAVAILABLE) from None
            raise

    async def _lines(
        self, messages: AsyncGenerator[dict[str, Any], None], receive: Receive, send: Send
    ) -> None:
        """Write a stream, a line each, until it ends or the client leaves."""
        started = False
        with self._client(receive) as left:
            async with contextlib.aclosing(messages):
                while True:
                    status = 200
                    try:
                        line = {"result": await self._awaited(left, anext(messages))}
                    except (StopAsyncIteration, Departed):
                        break
                    except LightningError as error:
                        line, status = {"error": _told(error)}, error.status
                    if not started:
                        await _start(send, status)
                        started = True
                    await _more(send, orjson.dumps(line) + b"\n")
                    if "error" in line:
                        break
        if not started:
            await _start(send, 200)
        await send({"type": "http.response.body", "body": b""})

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        """The same stream with a frame for each line."""
        socket = Socket(scope, receive, send)
        await receive()
        endpoint, _, _ = self._table.find(socket.verb, scope["path"])
        if endpoint is None or endpoint.stream is None:
            await send({"type": "websocket.close"})  # a 403: no stream is there
            return
        await socket.accept()
        body = b"" if socket.verb == "GET" else await socket.first_frame()
        if body is None:
            return
        try:
            endpoint, call = self._read(socket.verb, scope, body)
        except LightningError as error:
            await socket.write(_told(error))
            await socket.close()
            return
        messages = self._stream(endpoint, call, socket.macaroons)
        with self._client(receive) as left:
            async with contextlib.aclosing(messages):
                await socket.write_all(lambda: self._awaited(left, anext(messages)), _told)

    # -- lifetime ---------------------------------------------------------------------------------


def _query(scope: Message) -> dict[str, list[str]]:
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise LightningError("too many query parameters", INVALID_ARGUMENT) from None


def _told(error: LightningError) -> dict[str, Any]:
    return {"code": error.grpc_code, "message": error.detail, "details": []}


async def _left(receive: Receive) -> None:
    """Wait until the client is gone."""
    while not (await receive())["type"].endswith(".disconnect"):
        pass


async def _answer(send: Send, status: int, document: dict[str, Any]) -> None:
    body = orjson.dumps(document)
    await _start(send, status, [(b"content-length", b"%d" % len(body))])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, *headers]})


async def _more(send: Send, line: bytes) -> None:
    await send({"type": "http.response.body", "body": line, "more_body": True})
