"""Where the merchants can be made to fail, and how: what happens to what has been paid for.

The rails' own faults are theirs; these two stand where a payment is no longer the rail's affair.
An answer that is lost after the money moved is the oldest double charge there is (facts: protocol
1.1, row 16), and it needs a point of its own, for no rail sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.connection import break_off
from mock_rails.core.faults import FaultAction, FaultPoint

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send
    from mock_rails.core.faults import Faults

ANSWER: Final = "merchants.answer"
_RECEIPT: Final = b"payment-receipt"

FAULT_POINTS: Final = (
    FaultPoint(
        ANSWER,
        "The answer to a request that was paid for is about to be sent.",
        (FaultAction("lose", "deliver, then break the connection before the answer"),),
        context=("method", "path", "status"),
    ),
)


class LosesAnswers:
    """The paid application, whose answers get lost where a fault says so."""

    def __init__(self, app: Any, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve it, and send what it answers, or nothing of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_lost = False

        async def heard(message: Message) -> None:
            nonlocal is_lost
            if message["type"] == "http.response.start" and _is_paid(message):
                struck = self._faults.check(
                    ANSWER, method=scope["method"], path=scope["path"], status=message["status"]
                )
                is_lost = struck is not None
            if not is_lost:
                await send(message)

        await self._app(scope, receive, heard)
        if is_lost:
            await break_off(receive, send)


def _is_paid(start: Message) -> bool:
    return any(name == _RECEIPT for name, _ in start.get("headers", ()))
