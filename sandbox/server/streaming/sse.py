"""An application's event stream, charged by the event (facts: protocol 2.8).

The application is any ASGI application that answers with `text/event-stream`. Each of its `message`
events is one unit: charged first, then sent. Comments, ids, retry times and events of other names
pass through uncharged; `[DONE]` is swallowed, as are events that pretend to be the payment's.

There are two receipts (D13). The header's says how things stood before the first event: what was
authorised and spent by then, so that it claims nothing for a stream that dies. The last event's
says what the stream came to, and is the one that counts. Both are of an answer that has begun; an
error has neither.

    the money is used up        payment-need-voucher, then the stream holds; after `hold_s` it ends
    the client goes away        the application is cancelled, nothing more is charged
    the client reads slowly     `send` waits, and with it the next charge
    the application fails       the receipt for what was delivered ends the stream

An answer that is no event stream is one unit, and has the receipt as a header. What the events are
called, and how a stream ends, is the method's dialect (`sandbox.streaming.events.Dialect`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import PaymentError

from sandbox.server.streaming.hold import HOLD_S, Hold, HoldExpired
from sandbox.server.streaming.receipts import current, current_header
from sandbox.streaming.events import (
    DONE,
    LARGEST_EVENT,
    RECEIPT,
    Event,
    EventParser,
    comment,
    json_event,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from mock_rails.core import Clock
    from sandbox.server.offer import Settlement

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

EVENT_STREAM: Final = b"text/event-stream"

_STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"connection", b"keep-alive"),
)
_REPLACED: Final = frozenset(
    {b"content-type", b"cache-control", b"connection", b"content-length", b"payment-receipt"}
)


class ClientGone(OSError):
    """The stream is over, whatever the application still wants to send (ASGI: send raises)."""


class MeteredSend:
    """An ASGI `send` that charges what passes through it."""

    def __init__(
        self,
        send: Send,
        settlement: Settlement,
        *,
        challenge_id: str,
        clock: Clock,
        hold_s: float = HOLD_S,
        event_limit: int = LARGEST_EVENT,
    ) -> None:
        self._send = send
        self._settlement = settlement
        self._challenge_id = challenge_id
        self._parser: EventParser | None = None
        self._event_limit = event_limit
        self._dialect = settlement.dialect
        self._hold: Hold | None = None
        if settlement.meter is not None:
            self._hold = Hold(
                settlement.meter,
                clock=clock,
                hold_s=hold_s,
                ask=self._ask,
                keep_alive=self._keep_alive,
            )
        self.started = False
        """Whether the client has got the head of an answer."""
        self.is_over = False
        """Whether nothing more will be sent: the answer is complete, or the client is gone."""
        self.is_cut = False
        """Whether it ended before the application did; then its complaints are no news."""
        self.refusal: PaymentError | None = None
        """Why the answer did not even start: it was not paid for."""

    async def __call__(self, message: Message) -> None:
        """Pass on one message of the application."""
        if self.is_over:
            raise ClientGone("The stream is over.")
        kind = message["type"]
        if kind == "http.response.start" and not self.started:
            await self._start(message)
        elif self._parser is None:
            self.is_over = kind == "http.response.body" and not message.get("more_body", False)
            await self._send(message)
        elif kind == "http.response.body":
            await self._body(message.get("body", b""), more=message.get("more_body", False))
        elif kind != "http.response.trailers":  # an event stream has none: its receipt is an event
            raise RuntimeError(f"A metered stream cannot send {kind!r}.")

    def abandon(self) -> None:
        """The client is gone: from now on nothing is charged or sent."""
        self.is_over = self.is_cut = True

    async def finish(self, *, is_complete: bool = False) -> None:
        """End a stream that has begun, with the receipt for what was delivered."""
        if self.is_over or not self.started:
            return
        self.is_over = True
        if self._parser is None:
            return
        receipt = json_event(RECEIPT, current(self._settlement, self._challenge_id))
        await self._write(receipt.encode(), more=True)
        if is_complete and self._dialect.done is not None:
            done = Event(data=self._dialect.done)
            await self._write(done.encode(names_content=False), more=True)
        await self._write(b"", more=False)

    async def _time_out(self) -> None:
        """End a stream for which no more was paid."""
        if self._dialect.timeout is None or self._settlement.meter is None:
            await self.finish()
            return
        self.is_over = True
        event = json_event(self._dialect.timeout, self._settlement.meter.need())
        await self._write(event.encode(), more=True)
        await self._write(b"", more=False)

    # -- the head ---------------------------------------------------------------------------------

    async def _start(self, message: Message) -> None:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in message["headers"]]
        if message["status"] >= 400:  # errors have no receipt and cost nothing more
            self.started = True
            await self._send(message)
            return
        is_stream = _is_event_stream(headers)
        extra = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self._settlement.headers
        ]
        if is_stream:
            self._parser = EventParser(self._event_limit)
            headers = [pair for pair in headers if pair[0] not in _REPLACED]
            headers += _STREAM_HEADERS
        else:
            await self._charge_plain()
            if all(name != b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"private"))
        receipt = current_header(self._settlement, self._challenge_id)
        headers += [*extra, (b"payment-receipt", receipt.encode())]
        self.started = True
        await self._send({**message, "headers": headers})

    async def _charge_plain(self) -> None:
        """One unit for an answer that is no stream: the prepaid one, if there is one."""
        meter = self._settlement.meter
        if meter is None:
            return
        try:
            await meter.charge()
        except PaymentError as error:
            self.refusal = error
            self.is_over = self.is_cut = True
            raise

    # -- the events -------------------------------------------------------------------------------

    async def _body(self, chunk: bytes, *, more: bool) -> None:
        assert self._parser is not None
        try:
            await self._deliver(self._parser.feed(chunk))
            if not more and (last := self._parser.finish()):
                await self._deliver((last,))
        except (HoldExpired, PaymentError) as error:
            # The client did not pay, or its channel is no more: what was delivered, and no more.
            self.is_cut = True
            await (self._time_out() if isinstance(error, HoldExpired) else self.finish())
            raise ClientGone("The stream ended for want of payment.") from None
        if not more:
            await self.finish(is_complete=True)

    async def _deliver(self, events: Iterable[Event]) -> None:
        for event in events:
            is_ours = event.is_reserved or event.name == self._dialect.timeout
            if is_ours or (event.is_message and event.data == DONE):
                continue
            if event.is_message and self._hold is not None:
                await self._hold.charge()
                if self.is_over:
                    raise ClientGone("The client is gone.")
            encoded = event.encode(names_content=self._dialect.names_content)
            await self._write(encoded, more=True)

    async def _ask(self, need: dict[str, Any]) -> None:
        await self._write(json_event(self._dialect.need, need).encode(), more=True)

    async def _keep_alive(self) -> None:
        await self._write(comment("keep-alive"), more=True)

    async def _write(self, data: bytes, *, more: bool) -> None:
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except OSError:
            self.abandon()
            raise ClientGone("The client is gone.") from None


def metered_send(
    send: Send,
    settlement: Settlement,
    *,
    challenge_id: str,
    clock: Clock,
    hold_s: float = HOLD_S,
) -> MeteredSend:
    """An ASGI `send` that meters. Whoever calls the application with it must watch for the client's
    disconnect and call `finish` if the application fails: `serve_metered` does both."""
    return MeteredSend(send, settlement, challenge_id=challenge_id, clock=clock, hold_s=hold_s)


async def serve_metered(
    app: Callable[[Any, Receive, Send], Awaitable[None]],
    scope: MutableMapping[str, Any],
    receive: Receive,
    send: Send,
    settlement: Settlement,
    *,
    challenge_id: str,
    clock: Clock,
    hold_s: float = HOLD_S,
) -> None:
    """Let the application answer a paid request, and stop it as soon as the client is gone.

    `receive` hands over the body again, if the gate has read it, and then the disconnect. Raises a
    `PaymentError` if the answer was no event stream and was not paid for (nothing was sent then),
    and the application's own error after the stream has been ended properly.
    """
    metered = MeteredSend(send, settlement, challenge_id=challenge_id, clock=clock, hold_s=hold_s)
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.ensure_future(app(_inner_scope(scope), inbox.get, metered))
    watching = asyncio.ensure_future(_watch(receive, inbox, metered, running))
    try:
        await asyncio.wait({running})
    finally:
        for task in (watching, running):
            task.cancel()
        await asyncio.wait({watching, running})
    error = None if running.cancelled() else running.exception()
    if metered.refusal is not None:
        raise metered.refusal
    with contextlib.suppress(ClientGone):
        await metered.finish()
    if error is not None and not metered.is_cut:
        raise error
    if not watching.cancelled():
        watching.result()


async def _watch(
    receive: Receive,
    inbox: asyncio.Queue[Message],
    metered: MeteredSend,
    running: asyncio.Future[None],
) -> None:
    """Hand the application its messages, and end it when the client leaves before the end."""
    while True:
        try:
            message = await receive()
        except Exception:
            metered.abandon()
            running.cancel()
            raise
        inbox.put_nowait(message)
        if message["type"] == "http.disconnect":
            if not metered.is_over:  # else the answer is complete, and background tasks may go on
                metered.abandon()
                running.cancel()
            return


def _inner_scope(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Without extensions that send bytes past the meter, such as `http.response.pathsend`."""
    extensions = scope.get("extensions") or {}
    kept = {
        name: value for name, value in extensions.items() if not name.startswith("http.response.")
    }
    return {**scope, "extensions": kept}


def _is_event_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """An encoded stream (gzip) cannot be read here: it counts as one plain answer."""
    fields = dict(headers)
    media_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return media_type == EVENT_STREAM and b"content-encoding" not in fields
