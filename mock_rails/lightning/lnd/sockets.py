"""LND's WebSockets: a stream's lines as frames, for programs that cannot read a body that grows
(facts: lightning 4.2).

The method stands in the query, the request's message is the first frame, and the macaroon may ride
in `Sec-WebSocket-Protocol`, because browsers let nobody set another header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import orjson

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.lnd.permissions import HEADER
from mock_rails.lightning.lnd.waiting import Departed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mock_rails.connection import Message, Receive, Send


_CARRIER: Final = HEADER + "+"


class Socket:
    """One WebSocket."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        self.verb = query.get("method", ["GET"])[-1].upper()
        """What the stream's call is in REST."""
        offered = [one for one in scope.get("subprotocols", ()) if isinstance(one, str)]
        carried = [one for one in offered if one.lower().startswith(_CARRIER)]
        self._protocol = carried[0] if carried else None
        self.macaroons = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1").lower() == HEADER
        ] or [one[len(_CARRIER) :] for one in carried]

    async def accept(self) -> None:
        """Agree, also to the protocol that carried the macaroon: browsers insist on an answer."""
        await self._send({"type": "websocket.accept", "subprotocol": self._protocol})

    async def first_frame(self) -> bytes | None:
        """The request's message; None if the client left without one."""
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            return None
        return event.get("bytes") or (event.get("text") or "").encode()

    async def write(self, document: dict[str, Any]) -> None:
        """One frame."""
        await self._send({"type": "websocket.send", "text": orjson.dumps(document).decode()})

    async def close(self) -> None:
        """Nothing more will come."""
        await self._send({"type": "websocket.close", "code": 1000})

    async def write_all(
        self,
        following: Callable[[], Awaitable[dict[str, Any]]],
        told: Callable[[LightningError], dict[str, Any]],
    ) -> None:
        """A stream, message by message, until it ends or the client leaves."""
        while True:
            try:
                await self.write({"result": await following()})
            except StopAsyncIteration:
                break
            except Departed:
                return
            except LightningError as error:
                await self.write({"error": told(error)})
                break
        await self.close()
