"""The least that any Python server costs: a bare ASGI application with one fixed answer.

It runs on the same server, with the same settings, as the Stripe rail, and says nothing but the
PaymentIntent that it was given when it started. What the rail takes beyond it is the rail's own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

from mock_rails.server import Host, run, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Floor:
    """Reads a request and answers these bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"request-id", b"req_0"),
        ]

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request, or the application's lifetime."""
        if scope["type"] == "lifespan":
            for _ in range(2):
                event = await receive()
                await send({"type": event["type"] + ".complete"})
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def main() -> None:
    """Serve what stands on the standard input until SIGTERM."""
    host = Host(Floor(sys.stdin.buffer.read()), name="the floor")

    def ready() -> None:
        sys.stdout.write(orjson.dumps({"url": host.url}).decode() + "\n")
        sys.stdout.flush()

    run(serve([host], ready=ready))


if __name__ == "__main__":
    main()
