"""Runs the paid application and puts the payment's headers on what it answers.

Facts: protocol 1.1, rows 5 and 14. The receipt goes on answers below 400 only; every paid answer is
kept out of shared caches, which would hand it to callers who did not pay. On a metered route the
meter stands between the application and this: it knows what was spent by then, and has put the
receipt in (2.8, D13).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import PaymentError

from sandbox.server.idempotency import LARGEST_BODY, KeptResponse
from sandbox.server.refusals import (
    EXPOSED,
    DeliveryFailedError,
    Headers,
    Refused,
    problem_body,
    refusal_headers,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from mock_rails.core.clock import Clock
    from sandbox.server.admission import Admitted
    from sandbox.server.exchange import Exchange
    from sandbox.server.offer import Settlement
    from sandbox.server.repeats import Repeat
    from sandbox.server.visit import Visit

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]
    Receive = Callable[[], Awaitable[Message]]

_LOG: Final = logging.getLogger("sandbox.server")
_CACHE_CONTROL: Final = b"cache-control"
_RECEIPT: Final = b"payment-receipt"
_SERVER_TIMING: Final = b"server-timing"
_EXPOSE: Final = b"access-control-expose-headers"
_PRIVATE: Final = (_CACHE_CONTROL, b"private")
_SHARED: Final = ("public", "s-maxage")


class Courier:
    """Runs the application for requests that were paid for."""

    def __init__(self, app: Any, clock: Clock, *, server_timing: bool = False) -> None:
        self._app = app
        self._clock = clock
        self._server_timing = server_timing

    async def deliver(
        self,
        visit: Visit,
        admitted: Admitted,
        settlement: Settlement,
        repeat: Repeat | None,
        receive: Receive,
    ) -> None:
        """Run it, and say in the journal what came of it.

        Raises Refused if a stream was not covered after all and nothing was sent; whatever the
        application raises after its answer has begun, so that the server breaks the connection.
        """
        is_metered = visit.route.streams and settlement.meter is not None
        delivery = Delivery(
            visit.send,
            settlement,
            cors=visit.is_foreign,
            keep=repeat is not None,
            is_metered=is_metered,
            exchange=visit.exchange if self._server_timing else None,
        )
        incoming = Incoming(visit.request.body, receive)
        reason = "the request was cancelled"
        try:
            await self._run(visit, admitted, settlement, incoming, delivery)
            reason = ""
            if delivery.status is None and not incoming.has_left:
                reason = "the application gave no answer"
                await _own_up(visit, settlement, delivery)
        except Refused as refused:
            reason = str(refused.error)
            raise
        except Exception as error:
            reason = f"the application raised {type(error).__name__}"
            _LOG.exception("the application failed after it was paid")
            if delivery.status is not None:
                raise
            await _own_up(visit, settlement, delivery)
        finally:
            if visit.exchange is not None:
                visit.exchange.lap("deliver")
                meter = settlement.meter if is_metered else None
                total = None if meter is None else meter.total
                _tell(visit, delivery, incoming, reason, total)
        if repeat is not None:
            await repeat.finish(delivery.kept())

    async def _run(
        self,
        visit: Visit,
        admitted: Admitted,
        settlement: Settlement,
        incoming: Incoming,
        delivery: Delivery,
    ) -> None:
        scope = visit.request.scope
        scope["mpp"] = settlement
        if not delivery.is_metered:
            await self._app(scope, incoming, delivery)
            return
        from sandbox.server.streaming import serve_metered

        try:
            await serve_metered(
                self._app,
                scope,
                incoming,
                delivery,
                settlement,
                challenge_id=admitted.challenge_id,
                clock=self._clock,
            )
        except PaymentError as error:
            if delivery.status is not None:
                raise
            raise Refused("payment", error) from error


class Delivery:
    """The `send` that a paid application is given. It sees all that passes, and holds nothing
    back; with `keep` it also keeps the answer, to give it again."""

    __slots__ = (
        "_body",
        "_cors",
        "_exchange",
        "_send",
        "_settlement",
        "_size",
        "headers",
        "is_done",
        "is_metered",
        "status",
    )

    def __init__(
        self,
        send: Send,
        settlement: Settlement,
        *,
        cors: bool,
        keep: bool,
        is_metered: bool,
        exchange: Exchange | None = None,
    ) -> None:
        """`exchange` is the record whose phases the answer is to tell; None where it is to tell
        none."""
        self._send = send
        self._exchange = exchange
        self._settlement = settlement
        self._cors = cors
        self._body: list[bytes] | None = [] if keep else None
        self._size = 0
        self.is_metered = is_metered
        """Whether the meter in front of it has put the payment's own headers in."""
        self.status: int | None = None
        """The answer's status, once it was begun."""
        self.headers: Headers = []
        self.is_done = False
        """Whether the answer was sent to its end."""

    async def __call__(self, message: Message) -> None:
        """Pass a message of the application on."""
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            self.headers = paid_headers(
                message.get("headers", ()),
                self._settlement,
                message["status"],
                cors=self._cors,
                is_metered=self.is_metered,
            )
            shown = self.headers
            if self._exchange is not None:  # not in what is kept: another time has other phases
                shown = [*shown, (_SERVER_TIMING, self._exchange.timing())]
            message = {**message, "headers": shown}
        elif kind.startswith("http.response.") and kind != "http.response.trailers":
            if self._body is not None:
                self._keep(message)
            if not message.get("more_body", False):
                self.is_done = True
        await self._send(message)

    def kept(self) -> KeptResponse:
        """The answer to give again; without a body if it was streamed or too large."""
        body = None if self._body is None or not self.is_done else b"".join(self._body)
        headers = tuple((name.decode("latin-1"), v.decode("latin-1")) for name, v in self.headers)
        return KeptResponse(self.status or 500, headers, body)

    def _keep(self, message: Message) -> None:
        assert self._body is not None
        piece = message.get("body")
        if piece is None or is_event_stream(self.headers):  # files are sent by other messages
            self._body = None
            return
        self._size += len(piece)
        self._body.append(piece)
        if self._size > LARGEST_BODY:
            self._body = None


class Incoming:
    """The `receive` that the application is given: the body that the gate has read, and then
    whatever the server says, such as that the client has left."""

    __slots__ = ("_body", "_receive", "has_left")

    def __init__(self, body: bytes | None, receive: Receive) -> None:
        self._body = body
        self._receive = receive
        self.has_left = False
        """Whether the application was told that the client has left."""

    async def __call__(self) -> Message:
        """The next event."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.has_left = True
        return message


def paid_headers(
    given: Any, settlement: Settlement, status: int, *, cors: bool, is_metered: bool = False
) -> Headers:
    """The application's headers with those of the payment."""
    is_error = status >= 400
    headers: Headers = []
    is_private = is_exposed = False
    for name, value in given:
        if name == _RECEIPT and (is_error or not is_metered):
            continue  # only the gate and its meter give receipts
        if name == _CACHE_CONTROL:
            headers.append((name, private(value)))
            is_private = True
            continue
        if name == _EXPOSE:
            is_exposed = True
            headers.append((name, value if value == b"*" else value + b", " + EXPOSED))
            continue
        headers.append((name, value))
    if not is_private:
        headers.append(_PRIVATE)
    if not is_error and not is_metered:
        headers.append((_RECEIPT, settlement.receipt.encode("latin-1")))
        headers += own_headers(settlement)
    if cors and not is_exposed:
        headers.append((_EXPOSE, EXPOSED))
    return headers


def own_headers(settlement: Settlement) -> Headers:
    """The headers that the payment method adds."""
    return [(name.lower().encode(), v.encode("latin-1")) for name, v in settlement.headers]


def private(cache_control: bytes) -> bytes:
    """A `Cache-Control` field that keeps the answer out of shared caches, the rest of it kept."""
    text = cache_control.decode("latin-1")
    kept = [part for part in (one.strip() for one in text.split(",")) if part]
    names = {part.partition("=")[0].strip().lower() for part in kept}
    if "no-store" in names and "public" not in names:
        return cache_control
    wanted = [
        part for part in kept if part.partition("=")[0].strip().lower() not in (*_SHARED, "private")
    ]
    return ", ".join(["private", *wanted]).encode("latin-1")


def is_event_stream(headers: Headers) -> bool:
    """Whether these are the headers of an event stream."""
    return any(n == b"content-type" and v.startswith(b"text/event-stream") for n, v in headers)


def expose_answers(send: Send) -> Send:
    """A `send` that tells pages of other origins which of the payment's headers they may read."""

    async def exposed(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [one for one in message.get("headers", ()) if one[0] != _EXPOSE]
            message = {**message, "headers": [*given, (_EXPOSE, EXPOSED)]}
        await send(message)

    return exposed


async def _own_up(visit: Visit, settlement: Settlement, delivery: Delivery) -> None:
    """Tell the client that it has paid and gets nothing: a problem, and no receipt."""
    error = DeliveryFailedError(settlement.reference)
    body = problem_body(error)
    headers = refusal_headers(error, (), length=len(body), cors=visit.is_foreign)
    await delivery({"type": "http.response.start", "status": error.status, "headers": headers})
    shown = b"" if visit.request.method == "HEAD" else body
    await delivery({"type": "http.response.body", "body": shown})


def _tell(
    visit: Visit, delivery: Delivery, incoming: Incoming, reason: str, total: int | None
) -> None:
    """The last line of the exchange: delivered, or paid and not delivered."""
    exchange, status = visit.exchange, delivery.status
    assert exchange is not None
    if not reason and incoming.has_left and not delivery.is_done:
        reason = "the client left"
    elif not reason and not delivery.is_done:
        reason = "the answer was not finished"
    elif not reason and status is not None and status >= 400:
        reason = f"the application answered {status}"
    if reason or status is None:
        exchange.failed(reason, status, total)
    else:
        exchange.delivered(status, total)
