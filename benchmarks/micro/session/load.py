"""The load program of the session benchmark: prepared requests over keep-alive connections.

It costs little, so that what is measured is the server: a connection writes its next request as
soon as the answer before is complete, without a task or a future between. The same program drives
every server, whatever it is written in; it reads answers with Content-Length and chunked ones.
Every answer is checked: its status, and that a field is there (a receipt, a challenge).
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.micro.rpc_load import Load, RequestFailedError
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD_END: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_STATUS: Final = slice(9, 12)
_BODILESS: Final = frozenset({204, 304})
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_CLOCK: Final = Clock()


class AnswerError(RequestFailedError):
    """An answer is not the one that the benchmark counts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Field names are in lower case."""

    status: int
    fields: dict[str, list[str]]
    body: bytes

    def field(self, name: str) -> str | None:
        """The first value of a field."""
        found = self.fields.get(name)
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Expected:
    """What every answer must be to count."""

    status: int
    field: bytes
    """The lower-case name of a field that it must have, with its colon."""
    excuse: bytes | None = None
    """What the body of an error holds that is a known flaw of the peer; it counts as served."""

    def check(self, head: bytes, body: bytes) -> bool:
        """Whether the answer is as expected; False if it is excused, `AnswerError` if not."""
        if head[_STATUS] != b"%d" % self.status:
            if self.excuse is not None and self.excuse in body:
                return False
            told = head.split(b"\r\n", 1)[0] + b" " + body[:300]
            raise AnswerError(told.decode(errors="replace"))
        if b"\r\n" + self.field not in head.lower():
            raise AnswerError(f"the answer has no {self.field.decode()}")
        return True


PAID: Final = Expected(200, b"payment-receipt:")
PAID_OR_FLAWED: Final = Expected(200, b"payment-receipt:", b"internal-payment-error")
"""For anvil, which answers some payments that it carried out with an error (servers.py)."""
CHALLENGED: Final = Expected(402, b"www-authenticate:")


@dataclass(frozen=True, slots=True)
class Run:
    """A load, and the processor time that the servers took for it."""

    load: Load
    cpu_ms: float

    @property
    def cpu_ms_per_request(self) -> float:
        """Processor time of the servers, divided by the requests."""
        return self.cpu_ms / max(1, self.load.count)


def get(path: str, *, port: int, authorization: str | None = None) -> bytes:
    """The bytes of one GET."""
    paying = f"Authorization: {authorization}\r\n" if authorization else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{paying}\r\n".encode()


async def drive(
    port: int, lanes: Sequence[Sequence[bytes]], expected: Expected, *, pids: Sequence[int] = ()
) -> Run:
    """Send each lane's requests over a connection of its own, all lanes at the same time."""
    connections = [await _Connection.open(port) for _ in lanes]
    latencies: list[int] = []
    before = cpu_ms(pids)
    started = _CLOCK.monotonic_ns()
    try:
        await asyncio.gather(
            *(
                connection.run(lane, expected, latencies)
                for connection, lane in zip(connections, lanes, strict=True)
            )
        )
        elapsed = _CLOCK.monotonic_ns() - started
        spent = cpu_ms(pids) - before
    finally:
        for connection in connections:
            connection.close()
    excused = sum(connection.excused for connection in connections)
    return Run(Load(len(latencies), elapsed, latencies, excused), spent)


async def ask(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """The answers to some requests, one after the other on one connection."""
    connection = await _Connection.open(port)
    kept: list[tuple[bytes, bytes]] = []
    try:
        await connection.run(requests, None, [], kept)
    finally:
        connection.close()
    return [_answer(head, body) for head, body in kept]


def cpu_ms(pids: Sequence[int]) -> float:
    """The processor time that processes have taken so far, their own threads included."""
    ticks = 0
    for pid in pids:
        # The command's name, in brackets, may hold anything: count from behind it.
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks * 1_000 / _TICKS_PER_S


def _answer(head: bytes, body: bytes) -> Answer:
    lines = head.decode("latin-1").split("\r\n")
    fields: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip())
    return Answer(int(head[_STATUS]), fields, body)


class _Connection(asyncio.Protocol):
    """One connection that carries one lane of requests, one at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._lost: Exception | None = None
        self.excused = 0
        self._buffer = b""
        self._lane: Sequence[bytes] = ()
        self._next = 0
        self._sent_ns = 0
        self._expected: Expected | None = None
        self._latencies: list[int] = []
        self._kept: list[tuple[bytes, bytes]] | None = None
        self._done: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, port: int) -> _Connection:
        """Connect to a server on this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def run(
        self,
        lane: Sequence[bytes],
        expected: Expected | None,
        latencies: list[int],
        kept: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """Send a lane of requests; returns when the last answer is there."""
        if not lane:
            return
        self._done = asyncio.get_running_loop().create_future()
        self._lane, self._next = lane, 0
        self._expected, self._latencies, self._kept = expected, latencies, kept
        if self._lost is not None:
            raise self._lost
        self._send()
        await self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Collect an answer, and send the next request when it is complete."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            found = split_answer(self._buffer)
        except AnswerError as error:
            self._fail(error)
            return
        if found is None:
            return
        self._latencies.append(_CLOCK.monotonic_ns() - self._sent_ns)
        head, body, self._buffer = found
        if self._expected is not None:
            try:
                self.excused += not self._expected.check(head, body)
            except AnswerError as error:
                self._fail(error)
                return
        if self._kept is not None:
            self._kept.append((head, body))
        if self._next < len(self._lane):
            self._send()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail whoever waits, now or later."""
        self._fail(error or AnswerError("the server hung up"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        request = self._lane[self._next]
        self._next += 1
        assert self._transport is not None
        self._sent_ns = _CLOCK.monotonic_ns()
        self._transport.write(request)

    def _fail(self, error: Exception) -> None:
        self._lost = error
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)


def split_answer(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The head and body of the first complete answer, and what follows; None if more must come."""
    head_end = data.find(_HEAD_END)
    if head_end < 0:
        return None
    head, start = data[:head_end], head_end + len(_HEAD_END)
    if int(head[_STATUS]) in _BODILESS:
        return head, b"", data[start:]
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        end = start + int(lowered[at + 17 :].split(b"\r\n", 1)[0])
        return (head, data[start:end], data[end:]) if len(data) >= end else None
    if b"\r\ntransfer-encoding: chunked" not in lowered:
        raise AnswerError("an answer says neither its length nor that it is chunked")
    return _split_chunked(head, data, start)


def _split_chunked(head: bytes, data: bytes, start: int) -> tuple[bytes, bytes, bytes] | None:
    pieces: list[bytes] = []
    while True:
        line_end = data.find(b"\r\n", start)
        if line_end < 0:
            return None
        size = int(data[start:line_end].split(b";", 1)[0], 16)
        if size == 0:
            end = start + len(_LAST_CHUNK)
            if data[start:end] != _LAST_CHUNK[: len(data) - start]:
                raise AnswerError("a chunked answer has trailers, which nothing here sends")
            return (head, b"".join(pieces), data[end:]) if len(data) >= end else None
        piece_end = line_end + 2 + size
        if len(data) < piece_end + 2:
            return None
        pieces.append(data[line_end + 2 : piece_end])
        start = piece_end + 2
