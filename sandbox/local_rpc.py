"""A chain of this process as an httpx transport: JSON-RPC without a socket.

The devnet's own merchants speak to its chain as they would to any node, by HTTP and JSON, so that
nothing they do depends on being in its process. What a fault loses (an answer that never comes) is
lost here as on a wire: as a broken connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from mock_rails.tempo.errors import ResponseLostError

if TYPE_CHECKING:
    from mock_rails.tempo.api import TempoApi


class LocalRpc(httpx.AsyncBaseTransport):
    """Hands every request's body to one chain's dispatcher, whatever its address is.

    async with httpx.AsyncClient(transport=LocalRpc(api)) as http:
        rpc = TempoRpc("http://tempo.internal", http=http)
    """

    def __init__(self, api: TempoApi) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one JSON-RPC request or batch."""
        body = await request.aread()
        try:
            answer = await self._api.dispatcher.answer(body)
        except ResponseLostError:
            raise httpx.ReadError("the answer was lost", request=request) from None
        return httpx.Response(
            200, headers={"content-type": "application/json"}, content=answer or b""
        )
