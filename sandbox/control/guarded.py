"""Bodies that are nested without end are refused like any other that is no JSON.

Where a library has raised Python's recursion limit (py-evm does), the parser would overflow the C
stack and take the whole devnet with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.routing import APIRoute

from mock_rails.core.snapshot import modest_recursion

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Response


class GuardedRequest(Request):
    """A request whose JSON is read with a modest stack."""

    async def json(self) -> Any:
        """The body's JSON."""
        body = await self.body()
        try:
            with modest_recursion():
                return json.loads(body)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError):
            raise json.JSONDecodeError("no text, too deep, or a number too long", "", 0) from None


class GuardedRoute(APIRoute):
    """A route whose requests are guarded; FastAPI's own way to another class of them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, on a guarded request."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            return await handle(GuardedRequest(request.scope, request.receive))

        return guarded
