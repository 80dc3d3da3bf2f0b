"""A merchant of tokens behind a fake meter, and a payer who keeps count."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from mpp import Credential

from mock_rails.core import Clock
from sandbox.server.streaming import SocketPayment, run_app_as_stream, serve_metered, serve_socket
from tests.unit.sandbox.server.streaming.fakes import (
    PRICE,
    FakeMeter,
    credential,
    settlement,
    streams,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.client.streaming import NeedVoucher


class Merchant:
    """Answers GET with a metered stream, and takes vouchers by POST, HEAD or WebSocket."""

    def __init__(self, units: int, app: Any = None) -> None:
        self.app = app or streams(*[b"data: %d\n\n" % number for number in range(5)])
        self.meter = FakeMeter(units)
        self.log: list[str] = []
        self.refusals: list[tuple[int, bytes]] = []
        """How the next vouchers are answered, instead of taken."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for answer in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{answer}.complete"})
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["method"] == "GET":
            await receive()
            await serve_metered(
                self.app,
                scope,
                receive,
                send,
                settlement(self.meter),
                challenge_id="first",
                clock=Clock(),
            )
        else:
            await self._voucher(scope, send)

    async def _voucher(self, scope: Any, send: Any) -> None:
        query = scope["query_string"].decode()
        self.log.append(f"{scope['method']} {scope['path']}{'?' if query else ''}{query}")
        headers = dict(scope["headers"])
        status, challenge = self.refusals.pop(0) if self.refusals else (204, b"")
        if status == 204:
            self._take(headers[b"authorization"].decode())
        fields = [(b"www-authenticate", challenge)] if challenge else []
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if status == 204 else b"no"})

    def _take(self, authorization: str) -> Credential:
        words = Credential.from_authorization(authorization)
        self.log.append(words.payload["action"])
        if "cumulative" in words.payload:
            self.meter.authorise((words.payload["cumulative"] - self.meter.accepted) // PRICE)
        return words

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        async def pay(authorization: str) -> SocketPayment:
            words = self._take(authorization)
            return SocketPayment(settlement(self.meter), words.challenge.id)

        await serve_socket(
            scope,
            receive,
            send,
            pay=pay,
            open_stream=lambda _: run_app_as_stream(self.app, scope),
            clock=Clock(),
        )


class Payer:
    """Authorises `step` units at a time, up to `limit` in base units."""

    def __init__(self, *, step: int = 1, limit: int = 1_000) -> None:
        self.step = step
        self.limit = limit
        self.asked: list[NeedVoucher] = []

    async def __call__(self, need: NeedVoucher) -> str:
        self.asked.append(need)
        cumulative = need.required + (self.step - 1) * PRICE
        if cumulative > self.limit:
            raise OverspentError
        return credential("voucher", cumulative=cumulative)

    async def sign_close(self, receipt: Mapping[str, Any]) -> str:
        """For exactly what was spent."""
        return credential("close", spent=receipt["spent"])


class OverspentError(Exception):
    """The payer's own limit."""


class Scripted:
    """An ASGI WebSocket server that says what it is told, whatever the client says."""

    def __init__(self, *said: dict[str, Any], then: int | None = None) -> None:
        self.said = said
        self.then = then
        self.heard: list[Any] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for answer in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{answer}.complete"})
            return
        await receive()
        await send({"type": "websocket.accept"})
        self.heard.append(json.loads((await receive())["text"]))
        for frame in self.said:
            await send({"type": "websocket.send", "text": json.dumps(frame)})
        if self.then is not None:
            await send({"type": "websocket.close", "code": self.then})
        while (message := await receive())["type"] == "websocket.receive":
            self.heard.append(json.loads(message["text"]))
        self.ended.set_result(message["code"])
