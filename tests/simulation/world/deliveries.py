"""What the merchants really handed over, seen from both sides of their gate.

Behind the gate stands `Counter`: it sees each answer that the application gives for a payment, and
which payment that was. Before it stands `Edge`: it sees what is sent to the client, message by
message of a stream, and what the receipts promise. A kept answer that is given again passes the
edge once more, but not the counter.
"""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.base64_json import read_base64_json
from sandbox.lightning.prices import sats
from sandbox.merchants.routes import TOKEN_BASE_UNITS, TOKEN_PRICE
from sandbox.streaming.frames import Kind, read_server_frame

if TYPE_CHECKING:
    from collections.abc import Callable

_SALE: Final = "world.sale"
_EVENT: Final = b"chat.completion.chunk"
_REFUSED: Final = 400
_BY_SESSION: Final = frozenset({"/lightning/search", "/lightning/complete"})
"""Lightning's receipts do not say which intent they are of."""
_TOKEN_SATS: Final = sats(TOKEN_PRICE)


@dataclass
class Deliveries:
    """All that was handed over in a world, over all lives of its merchants."""

    charges: Tally[tuple[str, str]] = field(default_factory=Tally)
    """How often a charge was delivered for, by method and reference."""
    sessions: Tally[tuple[str, str]] = field(default_factory=Tally)
    """What was delivered on a channel or session, in base units, by method and its id."""
    tickets: set[str] = field(default_factory=set)
    """The L402 tickets that opened something, by their payment hash."""
    promised: dict[str, int] = field(default_factory=dict)
    """The highest voucher that a receipt has acknowledged, by channel."""

    def promise(self, receipt: dict[str, Any]) -> None:
        """A client was told this."""
        accepted, channel = receipt.get("acceptedCumulative"), receipt.get("channelId")
        if isinstance(accepted, str) and isinstance(channel, str):
            self.promised[channel] = max(self.promised.get(channel, 0), int(accepted))


class Sale:
    """What one request came to be paid with."""

    method = ""
    reference = ""
    unit = 0
    """The price of a message, where the answer is metered."""


class Counter:
    """The paid application; counts what it answers to."""

    def __init__(self, app: Any, deliveries: Deliveries, tell: Callable[[str], None]) -> None:
        self._app = app
        self._deliveries = deliveries
        self._tell = tell

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and count it when the answer begins."""
        paid, sale = scope.get("mpp"), scope.get(_SALE)
        if paid is None or sale is None:
            await self._app(scope, receive, send)
            return
        if not paid.receipt:  # L402's tickets have none
            self._tell(f"lets the ticket {paid.reference[:18]} in")
            self._deliveries.tickets.add(paid.reference)
            await self._app(scope, receive, send)
            return
        receipt = read_base64_json(paid.receipt) or {}
        sale.method, sale.reference = str(receipt["method"]), paid.reference
        if paid.meter is not None and scope["path"].endswith("/complete"):
            sale.unit = _TOKEN_SATS if sale.method == "lightning" else TOKEN_BASE_UNITS
        is_session = scope["path"] in _BY_SESSION or receipt.get("intent") == "session"

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] < _REFUSED:
                self._tell(f"delivers {scope['path']} for {sale.method} {paid.reference[:18]}")
                key = sale.method, paid.reference
                if not is_session:
                    self._deliveries.charges[key] += 1
                elif not sale.unit:
                    self._deliveries.sessions[key] += paid.amount
            await send(message)

        await self._app(scope, receive, counted)


class Edge:
    """What is served; sees what leaves it."""

    def __init__(self, app: Any, deliveries: Deliveries) -> None:
        self._app = app
        self._deliveries = deliveries

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, and count what is sent of a stream."""
        sale = Sale()

        async def seen(message: Any) -> None:
            if message["type"] == "http.response.start":
                for name, value in message.get("headers", ()):
                    if name.lower() == b"payment-receipt":
                        self._deliveries.promise(read_base64_json(value.decode()) or {})
            elif sale.unit and message["type"] == "http.response.body":
                count = message.get("body", b"").count(_EVENT)
                self._deliveries.sessions[sale.method, sale.reference] += count * sale.unit
            elif message["type"] == "websocket.send":
                self._see_frame(message["text"], sale)
            await send(message)

        await self._app({**scope, _SALE: sale}, receive, seen)

    def _see_frame(self, text: str, sale: Sale) -> None:
        frame = read_server_frame(text)
        if frame.kind is Kind.MESSAGE:
            self._deliveries.sessions[sale.method, sale.reference] += sale.unit
        elif frame.receipt is not None:
            self._deliveries.promise(frame.receipt)
