"""A JSON-RPC load client that costs little itself: prepared requests over keep-alive connections.

Each connection sends its own requests one after the other, as one payer does; several connections
are several payers. The same client drives every peer, so its cost is on both sides of a ratio.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER_END = b"\r\n\r\n"
_CLOCK = Clock()


class RequestFailedError(Exception):
    """A peer answered an error where the benchmark needs a result."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests took."""

    count: int
    elapsed_ns: int
    latencies_ns: list[int]
    excused: int = 0
    """Answers that were a known flaw of the peer; counted as if they were good, in its favour."""

    @property
    def rate(self) -> int:
        """Requests a second."""
        return self.count * 1_000_000_000 // max(1, self.elapsed_ns)

    def percentile_us(self, percent: int) -> int:
        """The latency that so many in a hundred requests did not exceed."""
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] // 1_000


def http_request(method: str, params: list[object], *, port: int) -> bytes:
    """The bytes of one JSON-RPC call."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(
    port: int,
    lanes: Sequence[Sequence[bytes]],
    *,
    strict: bool = True,
    excuse: bytes | None = None,
) -> Load:
    """Send every lane's requests over a connection of its own, all lanes at the same time.

    `strict` also demands that every answer is a receipt of a successful transaction, or holds the
    text of the flaw that is to be excused.
    """
    connections = [await _Connection.open(port) for _ in lanes]
    latencies: list[int] = []
    excused: list[bytes] = []
    started = _CLOCK.monotonic_ns()
    try:
        await asyncio.gather(
            *(
                _run_lane(connection, lane, latencies, _Judge(strict, excuse, excused))
                for connection, lane in zip(connections, lanes, strict=True)
            )
        )
        elapsed = _CLOCK.monotonic_ns() - started
    finally:
        for connection in connections:
            connection.close()
    return Load(len(latencies), elapsed, latencies, len(excused))


async def call(port: int, method: str, *params: object) -> object:
    """One JSON-RPC call; returns its result."""
    connection = await _Connection.open(port)
    try:
        answer = orjson.loads(await connection.exchange(http_request(method, [*params], port=port)))
    finally:
        connection.close()
    if "error" in answer:
        raise RequestFailedError(f"{method}: {answer['error']}")
    return answer["result"]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Decides whether an answer counts."""

    strict: bool
    excuse: bytes | None
    excused: list[bytes]

    def accept(self, body: bytes) -> None:
        """Let a good or an excused answer pass."""
        if not self.strict or b'"status":"0x1"' in body:
            return
        if self.excuse is None or self.excuse not in body:
            raise RequestFailedError(body[:300].decode(errors="replace"))
        self.excused.append(body)


async def _run_lane(
    connection: _Connection, lane: Sequence[bytes], latencies: list[int], judge: _Judge
) -> None:
    for request in lane:
        sent = _CLOCK.monotonic_ns()
        body = await connection.exchange(request)
        latencies.append(_CLOCK.monotonic_ns() - sent)
        judge.accept(body)


class _Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection that carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, port: int) -> _Connection:
        """Connect to a server on this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = transport  # type: ignore[assignment]

    async def exchange(self, request: bytes) -> bytes:
        """Send a request and wait for the body of its answer."""
        if self._transport is None:
            raise RequestFailedError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer; complete when its Content-Length is there."""
        self._buffer += data
        head_end = self._buffer.find(_HEADER_END)
        if head_end < 0:
            return
        start = head_end + len(_HEADER_END)
        length = _content_length(self._buffer[:head_end])
        if len(self._buffer) - start >= length and self._answer is not None:
            body = self._buffer[start : start + length]
            self._buffer = self._buffer[start + length :]
            if not self._answer.done():
                self._answer.set_result(body)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the server hung up"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise RequestFailedError("the answer has no Content-Length")
