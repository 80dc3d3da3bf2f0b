"""The rail's wire: Stripe's HTTP API as one plain ASGI application (facts: stripe 1.1)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_rails.stripe.endpoint import Call
from mock_rails.stripe.errors import InvalidRequest, StripeError
from mock_rails.stripe.parameters import ListOf, Text
from mock_rails.stripe.resources import ENDPOINTS
from mock_rails.stripe.wire.form import parse_form
from mock_rails.stripe.wire.render import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mock_rails.stripe.endpoint import Endpoint
    from mock_rails.stripe.rail import Stripe

BODY_LIMIT: Final = 1024 * 1024
_EXPAND: Final = ListOf(Text(200), longest=20)


class StripeApi:
    """One Stripe's endpoint. Hand it to any ASGI server, or to httpx's ASGI transport."""

    def __init__(self, rail: Stripe) -> None:
        self.rail = rail
        self._timekeeper: asyncio.Task[None] | None = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request, or the application's lifetime."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            body = b""
            while True:
                event = await receive()
                body += event.get("body", b"")
                if not event.get("more_body"):
                    break
            status, document = self._answer(scope, body)
            await send(
                {
                    "type": "http.response.start",
                    "status": status,
                    "headers": [(b"content-type", b"application/json")],
                }
            )
            await send({"type": "http.response.body", "body": orjson.dumps(document)})

    def _answer(self, scope: Mapping[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            given = parse_form((scope["query_string"] or body).decode())
            endpoint, ids = self._route(scope["method"], scope["path"])
            expand = _EXPAND.parse(given.pop("expand", []), "expand") or []
            with self.rail.operation() as operation:
                params = endpoint.takes.parse(given) or {}
                call = Call(operation, params, ids, scope["path"])
                return 200, render(operation, endpoint.handler(call), expand)
        except StripeError as error:
            return error.status, {"error": error.envelope()}

    def _route(self, verb: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        parts = path.split("/")
        for endpoint in ENDPOINTS:
            wanted = endpoint.path.split("/")
            if endpoint.verb == verb and len(wanted) == len(parts):
                ids = {
                    name[1:-1]: part
                    for name, part in zip(wanted, parts, strict=True)
                    if name.startswith("{")
                }
                if all(
                    name.startswith("{") or name == part
                    for name, part in zip(wanted, parts, strict=True)
                ):
                    return endpoint, ids
        raise InvalidRequest(f"Unrecognized request URL ({verb}: {path}).", status=404)

    async def _lifespan(
        self,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self._timekeeper = asyncio.create_task(self.rail.keep_time())
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._timekeeper is not None:
                    self._timekeeper.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await self._timekeeper
                await send({"type": "lifespan.shutdown.complete"})
                return
