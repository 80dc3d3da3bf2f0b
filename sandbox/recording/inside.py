"""A second way to an application, for the devnet's own programs, which no recording looks at.

Its lifetime is looked after by the first way's host, and must not begin twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send


class Inside:
    """The application without its lifetime."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request; agree to begin and to end."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        for _ in range(2):
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
