"""Clients that leave or read slowly, on a real server: what is charged and what was sent.

Issue 3, streaming: nothing is delivered unpaid beyond one unit, and nothing charged undelivered
beyond one unit. What the server's socket has taken counts as delivered.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from mock_rails.core import Clock
from mock_rails.server import Host
from sandbox.server.streaming import (
    SocketPayment,
    run_app_as_stream,
    serve_metered,
    serve_socket,
)
from tests.unit.sandbox.server.streaming.fakes import FakeMeter, credential, settlement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "x" * 20_000
PATIENCE_S = 20


class Model:
    """An application that streams large tokens without end, and counts what left its hands."""

    def __init__(self) -> None:
        self.passed = 0
        """Units that the server took."""
        self.ended = asyncio.Event()
        self.is_fast = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                body = f"data: {TOKEN}\n\n".encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self.passed += 1
                if not self.is_fast:
                    await asyncio.Event().wait()
        finally:
            self.ended.set()


class Merchant:
    """The model behind a meter, over HTTP and WebSocket."""

    def __init__(self, units: int) -> None:
        self.model = Model()
        self.units = units
        self.meter = FakeMeter(units)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for answer in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{answer}.complete"})
        elif scope["type"] == "http":
            await receive()
            paid = settlement(self.meter)
            await serve_metered(
                self.model, scope, receive, send, paid, challenge_id="c", clock=Clock()
            )
        else:
            await serve_socket(
                scope,
                receive,
                send,
                pay=self._pay,
                open_stream=lambda _: run_app_as_stream(self.model, scope),
                clock=Clock(),
            )

    async def _pay(self, authorization: str) -> SocketPayment:
        return SocketPayment(settlement(self.meter), "c")

    async def stalls(self) -> int:
        """Wait until charging stands still although the channel would cover more; units charged."""
        charged = -1
        while charged != self.meter.charged:
            charged = self.meter.charged
            await Clock().wall_sleep(timedelta(milliseconds=400))
        return charged


@pytest.fixture
async def merchant() -> AsyncIterator[tuple[Merchant, Host]]:
    one = Merchant(units=100_000)
    async with Host(one) as host:
        yield one, host


@asynccontextmanager
async def get(host: Host) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that reads no more than it is told to."""
    reader, writer = await asyncio.open_connection(host.host, host.port, limit=4_096)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_client_that_leaves_ends_the_stream(merchant: tuple[Merchant, Host]) -> None:
    one, host = merchant
    one.model.is_fast = False
    async with get(host) as (reader, _):
        await reader.readuntil(b"event: message\n")
    async with asyncio.timeout(PATIENCE_S):
        await one.model.ended.wait()
    assert one.meter.charged == one.model.passed == 1


async def test_a_client_that_leaves_at_full_speed_is_charged_one_unit_too_many_at_most(
    merchant: tuple[Merchant, Host],
) -> None:
    one, host = merchant
    async with get(host) as (reader, _):
        for _ in range(30):
            await reader.readuntil(b"event: message\n")
            await reader.readexactly(len(TOKEN))
    async with asyncio.timeout(PATIENCE_S):
        await one.model.ended.wait()
    assert 30 <= one.model.passed <= one.meter.charged <= one.model.passed + 1


async def test_a_reader_that_sleeps_is_not_charged_on(merchant: tuple[Merchant, Host]) -> None:
    one, host = merchant
    async with get(host) as (reader, _):
        await reader.readuntil(b"event: message\n")
        async with asyncio.timeout(PATIENCE_S):
            charged = await one.stalls()
        assert charged < one.units
        assert charged == one.model.passed + 1
        while one.meter.charged == charged:  # it goes on where it stood when the reader wakes up
            await reader.read(4_096)
    async with asyncio.timeout(PATIENCE_S):
        await one.model.ended.wait()
    assert one.meter.charged <= one.model.passed + 1


async def test_a_socket_that_sleeps_is_not_charged_on(merchant: tuple[Merchant, Host]) -> None:
    one, host = merchant
    async with connect(host.ws_url, max_queue=1, compression=None) as socket:
        frame = {"mpp": "authorization", "authorization": credential("open")}
        await socket.send(json.dumps(frame))
        assert json.loads(await socket.recv())["mpp"] == "payment-receipt"
        async with asyncio.timeout(PATIENCE_S):
            charged = await one.stalls()
        assert charged < one.units
        # The iterator lets the application be one event ahead of the unit that is being sent.
        assert charged <= one.model.passed + 1
        socket.transport.abort()
        async with asyncio.timeout(PATIENCE_S):
            await one.model.ended.wait()
    assert one.meter.charged == charged


async def test_a_server_that_stops_ends_its_streams() -> None:
    one = Merchant(units=0)
    async with Host(one) as host, get(host) as (reader, _):
        await reader.readuntil(b"payment-need-voucher")
        await host.stop()
        assert one.model.ended.is_set()
