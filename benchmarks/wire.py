"""HTTP/1.1 for a load generator: httpx's transport for as little processor time as it takes.

httpx's own is written for every case, proxies, TLS and HTTP/2 among them, and costs more than the
request that is measured. This one speaks plain HTTP/1.1 (RFC 9112) over connections that it keeps,
with the parser of the servers (httptools). What goes wrong is said in httpx's exceptions, for the
client above decides by them whether a payment may have been made.

    Wire            the transport: idle connections by origin, others as they are needed
     └── _Line      one connection, which carries one request at a time
          └── _Answer   what comes of it: a head, and a body piece by piece
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools
import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

IDLE_S: Final = 4.0
"""How long a connection is kept that nobody uses: less than servers wait before they close it."""
_MOST_AHEAD: Final = 256 * 1024
"""Bytes of a body that wait to be read before the server is made to wait."""
_FINAL_STATUS: Final = 200
"""What is below it announces another answer."""

_Origin = tuple[str, int]


class Wire(httpx.AsyncBaseTransport):
    """Sends requests over connections of its own. Only http is spoken, and no proxy used; bodies
    are sent whole."""

    def __init__(self) -> None:
        self._idle: dict[_Origin, list[_Line]] = {}
        self._lines: set[_Line] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one; the answer's head, and its body as it is read."""
        url = request.url
        if url.scheme != "http":
            raise httpx.UnsupportedProtocol(f"Only http is spoken here, not {url.scheme!r}.")
        origin = url.host, url.port or 80
        limits: Mapping[str, float | None] = request.extensions.get("timeout", {})
        message = await _message(request)
        line = self._kept(origin) or await self._connected(origin, limits.get("connect"))
        answer = line.send(message, limits.get("read"), has_body=request.method != "HEAD")
        try:
            await answer.head()
        except BaseException:
            line.drop()
            raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=answer,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Close all connections, those in use as well."""
        for line in list(self._lines):
            line.drop(httpx.ReadError("The client was closed."))
        self._idle.clear()

    def keep(self, line: _Line) -> None:
        """A line's answer is there, and it can carry another request."""
        self._idle.setdefault(line.origin, []).append(line)

    def forget(self, line: _Line) -> None:
        """A line is closed."""
        self._lines.discard(line)

    def _kept(self, origin: _Origin) -> _Line | None:
        """The connection that was used last, if it still is one; the others grow old."""
        idle = self._idle.get(origin)
        while idle:
            line = idle.pop()
            if line.is_usable:
                return line
            line.drop()
        return None

    async def _connected(self, origin: _Origin, connect_s: float | None) -> _Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(connect_s):
                _, line = await loop.create_connection(lambda: _Line(self, origin), *origin)
        except TimeoutError as error:  # an OSError as well, and so it is asked for first
            raise httpx.ConnectTimeout("The connection took too long.") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self._lines.add(line)
        return line


class _Line(asyncio.Protocol):
    """One connection. It has an answer while it waits for one."""

    def __init__(self, wire: Wire, origin: _Origin) -> None:
        self.origin = origin
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._answer: _Answer | None = None
        self._is_closed = False
        self._used_s = self._loop.time()

    @property
    def is_usable(self) -> bool:
        """Whether it can carry a request."""
        return not self._is_closed and self._loop.time() - self._used_s < IDLE_S

    def send(self, message: bytes, read_s: float | None, *, has_body: bool) -> _Answer:
        """Send a request, whole."""
        self._answer = answer = _Answer(self, self._loop, read_s, has_body=has_body)
        self._transport.write(message)
        return answer

    def drop(self, why: httpx.TransportError | None = None) -> None:
        """Close it, whatever is under way."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(why or httpx.ReadError("The connection was closed."))
        if not self._is_closed:
            self._is_closed = True
            self._wire.forget(self)
            self._transport.abort()

    def hold(self) -> None:
        """Let the server wait."""
        self._transport.pause_reading()

    def go_on(self) -> None:
        """Let it send again."""
        if not self._is_closed:
            self._transport.resume_reading()

    # -- for asyncio ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.drop(httpx.RemoteProtocolError(f"That is no answer: {error}"))

    def eof_received(self) -> None:
        if self._answer is not None and self._answer.is_until_close:
            self._end(may_keep=False)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.drop(httpx.ReadError(str(exc) or type(exc).__name__))
        elif self._answer is not None and self._answer.status:
            self.drop(httpx.RemoteProtocolError("The server closed in the middle of an answer."))
        else:
            self.drop(httpx.RemoteProtocolError("The server closed without an answer."))

    # -- for the parser ---------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answer is None:
            raise ValueError("nobody has asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._answer is not None:
            self._answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        answer, status = self._answer, self._parser.get_status_code()
        if answer is None:
            return
        if status < _FINAL_STATUS:
            answer.headers.clear()
            return
        answer.begin(status)
        if not answer.has_body:  # the parser waits for one, and cannot be used again
            self._end(may_keep=False)

    def on_body(self, body: bytes) -> None:
        if self._answer is not None:
            self._answer.add(body)

    def on_message_complete(self) -> None:
        if self._answer is not None and self._answer.status:
            self._end(may_keep=self._parser.should_keep_alive())

    def _end(self, *, may_keep: bool) -> None:
        """The answer is whole."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end()
        self._used_s = self._loop.time()
        if may_keep and not self._is_closed:
            self._wire.keep(self)
        else:
            self.drop()


class _Answer(httpx.AsyncByteStream):
    """What comes of one request. Closed before its end, it takes the connection with it, for nobody
    knows how much would follow."""

    def __init__(
        self, line: _Line, loop: asyncio.AbstractEventLoop, read_s: float | None, *, has_body: bool
    ) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_body = has_body
        self._line = line
        self._loop = loop
        self._read_s = read_s
        self._pieces: list[bytes] = []
        self._ahead = 0
        self._is_over = False
        self._failure: httpx.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_until_close(self) -> bool:
        """Whether its body ends with the connection (RFC 9112, section 6.3)."""
        names = {name.lower() for name, _ in self.headers}
        return bool(self.status) and not names & {b"content-length", b"transfer-encoding"}

    # -- for who asked ----------------------------------------------------------------------------

    async def head(self) -> None:
        """Wait for the status and the headers."""
        while not self.status:
            await self._wait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces of its body, as they come."""
        while True:
            if self._pieces:
                yield self._taken()
            elif self._is_over:
                return
            else:
                await self._wait()

    async def aclose(self) -> None:
        """The reader has had enough."""
        if not self._is_over:
            self._line.drop()

    # -- for the line -----------------------------------------------------------------------------

    def begin(self, status: int) -> None:
        """The head has come."""
        self.status = status
        self._wake()

    def add(self, piece: bytes) -> None:
        """A piece of the body has come."""
        self._pieces.append(piece)
        self._ahead += len(piece)
        if self._ahead > _MOST_AHEAD:
            self._line.hold()
        self._wake()

    def end(self) -> None:
        """Nothing more comes."""
        self._is_over = True
        if self._ahead > _MOST_AHEAD:
            self._line.go_on()
        self._wake()

    def fail(self, failure: httpx.TransportError) -> None:
        """Nothing more comes, though something should."""
        self._failure = failure
        self._wake()

    # -- inside -----------------------------------------------------------------------------------

    def _taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        if self._ahead > _MOST_AHEAD:
            self._line.go_on()
        self._ahead = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        """Until something has come; raises if it is nothing good, or takes too long."""
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        timer = None
        if self._read_s is not None:
            timer = self._loop.call_later(self._read_s, self._stall)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _stall(self) -> None:
        self._line.drop(httpx.ReadTimeout("The server says nothing."))


async def _message(request: httpx.Request) -> bytes:
    """A request as it goes over the wire."""
    stream = cast("httpx.AsyncByteStream", request.stream)
    body = b"".join([piece async for piece in stream])
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    is_chunked = False
    for name, value in request.headers.raw:
        is_chunked = is_chunked or name.lower() == b"transfer-encoding"
        lines.append(b"%b: %b" % (name, value))
    if is_chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    return b"\r\n".join([*lines, b"", body])
