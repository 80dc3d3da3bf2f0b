"""The rail's wire: Stripe's HTTP API as one plain ASGI application (facts: stripe 1.1)."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__
from mock_rails.connection import break_off, live, read_body
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.wire import disturbance
from mock_rails.stripe.wire.request import Answer, Request, dump

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send
    from mock_rails.stripe.rail import Stripe
    from mock_rails.stripe.wire.dispatcher import Dispatcher


BODY_LIMIT: Final = 1024 * 1024

_ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_FIXED: Final = [
    (b"content-type", b"application/json"),
    _ANY_ORIGIN,
    (b"access-control-expose-headers", b"Request-Id, Stripe-Version, Idempotent-Replayed"),
    (b"cache-control", b"no-store"),
]
_PREFLIGHT: Final = [
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"*, Authorization"),
    (b"access-control-max-age", b"300"),
    (b"content-length", b"0"),
]


class StripeApi:
    """One Stripe's endpoint. Hand it to any ASGI server, or to httpx's ASGI transport."""

    def __init__(self, rail: Stripe, *, body_limit: int = BODY_LIMIT, lazy: bool = False) -> None:
        """What requests need is loaded now, or, if `lazy`, by the first one: a sixth of a devnet's
        start, for a rail that a run may never use."""
        self.rail = rail
        self.body_limit = body_limit
        if not lazy:
            import_module("mock_rails.stripe.wire.dispatcher")

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """What answers the requests."""
        from mock_rails.stripe.wire.dispatcher import Dispatcher

        return Dispatcher(self.rail)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's lifetime."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "lifespan":
            await live(receive, send, self.rail.keep_time)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # a 403: there are none here
        else:
            raise ValueError(f"ASGI scope {kind!r} is not served here")

    # -- HTTP -------------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
            return
        body = await read_body(receive, self.body_limit)
        if body is None:
            return
        if scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            answer = Answer(200, dump(self.about()))
        elif len(body) > self.body_limit:
            text = f"The request is larger than {self.body_limit} bytes."
            answer = Answer(413, disturbance.body(InvalidRequest(text)))
        else:
            request = Request(
                verb=scope["method"],
                path=scope["path"],
                query=scope["query_string"],
                headers={
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in scope["headers"]
                },
                body=body,
            )
            answer = await self.dispatcher.answer(request)
        await _send(answer, receive, send, silent=scope["method"] == "HEAD")

    def about(self) -> dict[str, Any]:
        """What a browser or a health check sees on GET."""
        return {
            "name": "mpp-sandbox stripe",
            "version": __version__,
            "api_version": self.rail.settings.default_version,
            "usage": "point a Stripe SDK here; any sk_test_... key will do",
        }


async def _send(answer: Answer, receive: Receive, send: Send, *, silent: bool) -> None:
    if answer.fate == "dropped":
        await break_off(receive, send)
        return
    headers = [
        *_FIXED,
        (b"content-length", b"%d" % len(answer.body)),
        *(
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.fate == "truncated":
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await break_off(receive, send)
        return
    await send({"type": "http.response.body", "body": b"" if silent else answer.body})
