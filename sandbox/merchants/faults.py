"""Where the merchants can be made to fail, and how: what happens to what has been paid for.

The rails' own faults are theirs; these two stand where a payment is no longer the rail's affair.
An answer that is lost after the money moved is the oldest double charge there is (facts: protocol
1.1, row 16), and a process that dies between the payment and the delivery the next (G8); no rail
sees either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.connection import break_off
from mock_rails.core.faults import FaultAction, FaultPoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mock_rails.connection import Message, Receive, Send
    from mock_rails.core.faults import Faults

ANSWER: Final = "merchants.answer"
DELIVER: Final = "merchants.deliver"
_RECEIPT: Final = b"payment-receipt"

FAULT_POINTS: Final = (
    FaultPoint(
        ANSWER,
        "The answer to a request that was paid for is about to be sent.",
        (FaultAction("lose", "deliver, then break the connection before the answer"),),
        context=("method", "path", "status"),
    ),
    FaultPoint(
        DELIVER,
        "A request was paid for, and what was bought is about to be made.",
        (FaultAction("crash", "die here; other merchants go on with what the store holds"),),
        context=("method", "path"),
    ),
)


class MerchantKilled(BaseException):
    """What a kill is to the code that runs: nothing may catch it, and nothing after it is done."""


class DiesDelivering:
    """What is sold, made by a process that dies where a fault says so."""

    def __init__(self, app: Any, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve it, unless it is paid for and this is the end."""
        if scope.get("mpp") is not None and self._faults.check(
            DELIVER, method=scope["method"], path=scope["path"]
        ):
            raise MerchantKilled
        await self._app(scope, receive, send)


class LosesAnswers:
    """The paid application, whose answers get lost where a fault says so: alone, or with the
    process that was to give them."""

    def __init__(
        self, app: Any, faults: Faults, killed: Callable[[], Awaitable[None]] | None
    ) -> None:
        """`killed` puts others in the place of merchants that died."""
        self._app = app
        self._faults = faults
        self._killed = killed

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

        try:
            await self._app(scope, receive, heard)
        except MerchantKilled:
            is_lost = True
            if self._killed is not None:
                await self._killed()
        if is_lost:
            await break_off(receive, send)


def _is_paid(start: Message) -> bool:
    return any(name == _RECEIPT for name, _ in start.get("headers", ()))
