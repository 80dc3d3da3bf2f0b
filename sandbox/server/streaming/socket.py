"""A paid WebSocket, as mppx's client speaks it (facts: protocol 2.9).

    C  {mpp: authorization}          open or voucher: starts the stream
    S  {mpp: payment-receipt}        for every accepted credential
    S  {mpp: message} ...            one unit each, charged before it is sent
    S  {mpp: payment-need-voucher}   the stream holds; C sends another authorization
    C  {mpp: payment-close-request}  or the stream ends by itself
    S  {mpp: payment-close-ready}    what was spent
    C  {mpp: authorization}          close, for exactly that; or C just leaves
    S  {mpp: payment-receipt}, then 1000

Credentials are worked off one by one, in order, while the stream runs; a request to close stops the
stream at once, between two units. What a client may not say ends the socket with `payment-error`.

A session whose price is for a request and not for a unit buys the GET that the socket stands for:
the credential that starts the stream pays that price before anything is sent, or is refused with
402; then all of the stream is delivered, and the receipts say the same as those of that GET.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mpp import Credential
from mpp._parsing import ParseError
from mpp.errors import PaymentError

from sandbox.server.streaming.app_stream import StreamRefused
from sandbox.server.streaming.hold import HOLD_S, Hold, HoldExpired
from sandbox.server.streaming.receipts import current, settled
from sandbox.streaming import frames
from sandbox.streaming.frames import ClientFrame, CloseCode, FrameError, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, MutableMapping

    from mock_rails.core import Clock
    from sandbox.server.exchange import Exchange
    from sandbox.server.offer import Settlement

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

MAX_QUEUED: Final = 32
"""Frames that wait for their turn; more is an attack or a loop."""

IDLE_S: Final = 300
"""How long a socket on which nothing is streamed waits for the next frame, in real time."""

_STARTING: Final = frozenset({"open", "voucher"})
_ACKNOWLEDGED: Final = 204
_STREAMED: Final = 200
_LEFT: Final = "the client left"
_LONGEST_REASON: Final = 120  # RFC 6455, 5.5: 125 bytes with the code

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SocketPayment:
    """A credential that came over the socket and was accepted."""

    settlement: Settlement
    challenge_id: str
    exchange: Exchange | None = None
    """Its record; None if no records are kept."""

    def acknowledged(self) -> None:
        """Record that its receipt is all that comes of it, as a 204 would be of a POST."""
        if self.exchange is None:
            return
        if self.settlement.delivers:
            self.exchange.failed("nothing was streamed for it", None)
        else:
            self.exchange.delivered(_ACKNOWLEDGED)

    def streamed(self, reason: str) -> None:
        """Record that its stream has ended, and why too early if it was."""
        if self.exchange is None:
            return
        self.exchange.lap("deliver")
        meter = self.settlement.meter
        total = None if meter is None else meter.total
        if reason:
            self.exchange.failed(reason, None, total)
        else:
            self.exchange.delivered(_STREAMED, total)


Pay = Callable[[str], Awaitable[SocketPayment]]
"""Settles a frame's authorization, or raises `PaymentError`."""


async def serve_socket(
    scope: MutableMapping[str, Any],
    receive: Receive,
    send: Send,
    *,
    pay: Pay,
    open_stream: Callable[[Settlement], AsyncIterator[str]],
    clock: Clock,
    buy: Pay | None = None,
    hold_s: float = HOLD_S,
    idle_s: float = IDLE_S,
) -> None:
    """Serve one paid WebSocket from its handshake to its end.

    `pay` settles an authorization as the gate would for a POST with nothing but this header, and
    raises `PaymentError` if it refuses; the settlement of an open or a voucher has the meter. Where
    it has none, `buy` settles the same authorization once more, for the GET of the same URL;
    without `buy` such a session is refused. `open_stream` yields the data to be sent; it is closed
    when the stream is stopped.
    """
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    socket = _Socket(send, pay=pay, buy=buy, open_stream=open_stream, clock=clock, hold_s=hold_s)
    reading = asyncio.ensure_future(socket.read(receive, idle_s))
    ended = asyncio.ensure_future(socket.closed.wait())
    try:
        await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, ended):
            task.cancel()
        await asyncio.wait({reading, ended})
        await socket.stop()
    if not reading.cancelled():
        reading.result()


class _Socket:
    """One connection: a reader, a worker that pays, and the stream."""

    def __init__(
        self,
        send: Send,
        *,
        pay: Pay,
        buy: Pay | None,
        open_stream: Callable[[Settlement], AsyncIterator[str]],
        clock: Clock,
        hold_s: float,
    ) -> None:
        self._send = send
        self._pay = pay
        self._buy = buy
        self._open_stream = open_stream
        self._clock = clock
        self._hold_s = hold_s
        self._queue: asyncio.Queue[ClientFrame] = asyncio.Queue()
        self._working = asyncio.ensure_future(self._work())
        self._streaming: asyncio.Task[None] | None = None
        self._paid: SocketPayment | None = None
        """The payment that started the stream, with the challenge that was answered last."""
        self._is_closing = False
        """The client wants to close: no more units."""
        self._must_not_be_cut = False
        """What the stream does right now is to be finished: it sends a unit that is charged."""
        self._is_ready = False
        self.closed = asyncio.Event()
        """The socket has ended, from either side."""
        self._hold: Hold | None = None
        self._busy = False

    # -- reading ----------------------------------------------------------------------------------

    async def read(self, receive: Receive, idle_s: float) -> None:
        """Take frames until either side ends the socket."""
        while not self.closed.is_set():
            try:
                async with asyncio.timeout(idle_s):
                    message = await receive()
            except TimeoutError:
                if not self._is_occupied:
                    await self._idle(idle_s)
                continue
            if message["type"] != "websocket.receive":
                self.closed.set()
                return
            await self._take(message)

    async def _take(self, message: Message) -> None:
        try:
            text = message.get("text")
            if text is None:  # mppx reads binary frames as text, too
                text = bytes(message.get("bytes") or b"").decode()
            frame = frames.read_client_frame(text)
        except (FrameError, UnicodeDecodeError) as error:
            await self.fail(400, str(error), CloseCode.POLICY)
            return
        if self._queue.qsize() >= MAX_QUEUED:
            await self.fail(429, "too many queued payment messages", CloseCode.POLICY)
            return
        if frame.kind is Kind.CLOSE_REQUEST:
            self._ask_to_stop()
        self._queue.put_nowait(frame)

    async def _idle(self, idle_s: float) -> None:
        if self._paid is None:
            await self.fail(402, f"nothing was paid within {idle_s:g} seconds", CloseCode.POLICY)
        else:
            await self.close(CloseCode.NORMAL, "idle")

    @property
    def _is_occupied(self) -> bool:
        return self._is_streaming or self._busy or not self._queue.empty()

    @property
    def _is_streaming(self) -> bool:
        return self._streaming is not None and not self._streaming.done()

    # -- paying -----------------------------------------------------------------------------------

    async def _work(self) -> None:
        while not self.closed.is_set():
            frame = await self._queue.get()
            self._busy = True
            try:
                if frame.kind is Kind.CLOSE_REQUEST:
                    await self._close_requested()
                else:
                    await self._authorization(frame.authorization)
            except Exception:
                if self.closed.is_set():  # the client is gone; the reader learns it, too
                    return
                # Without the error's words: they may speak of what only the server knows.
                _log.exception("A frame of a paid WebSocket could not be handled.")
                await self.fail(500, "the payment could not be handled", CloseCode.INTERNAL)
            finally:
                self._busy = False

    async def _authorization(self, authorization: str) -> None:
        action = _action(authorization)
        if action == "close":
            self._ask_to_stop()
            await self._stopped()
        try:
            payment = await self._pay(authorization)
            if self._buy is not None and self._is_for_the_request(action, payment.settlement):
                payment.acknowledged()
                payment = await self._buy(authorization)
        except PaymentError as error:
            internal = error.status >= 500
            code = CloseCode.INTERNAL if internal else CloseCode.POLICY
            await self.fail(error.status, str(error), code)
            return
        await self._text(frames.receipt(settled(payment.settlement)))
        if action not in {"close", "topUp"} and self._paid is None and not self._is_closing:
            await self._start(payment, is_session=action is not None)
            return
        payment.acknowledged()
        if action == "close":
            await self.close(CloseCode.NORMAL, "payment session closed")
        elif action != "topUp":
            self._go_on(payment)

    def _is_for_the_request(self, action: object, settlement: Settlement) -> bool:
        """Whether what was authorised is still to be spent, on the stream as a whole."""
        starts = self._paid is None and not self._is_closing and action in _STARTING
        return starts and settlement.meter is None and not settlement.delivers

    def _go_on(self, payment: SocketPayment) -> None:
        """Another voucher on the channel that pays, or one after which nothing is streamed."""
        if self._paid is None:
            self._paid = payment
            return
        started = self._paid.settlement
        if started.reference == payment.settlement.reference:
            latest = payment.settlement if started.meter is None else started
            self._paid = SocketPayment(latest, payment.challenge_id)

    async def _start(self, payment: SocketPayment, *, is_session: bool) -> None:
        self._paid = payment
        settlement = payment.settlement
        if is_session and settlement.meter is None and not settlement.delivers:
            words = "this session cannot be metered"
            payment.streamed(words)
            await self.fail(500, words, CloseCode.INTERNAL)
            return
        self._streaming = asyncio.ensure_future(self._stream(payment))

    # -- streaming --------------------------------------------------------------------------------

    async def _stream(self, payment: SocketPayment) -> None:
        reason = _LEFT
        try:
            failure = await self._run(payment.settlement)
            if not self.closed.is_set():
                reason = "" if failure is None else failure[1]
        except asyncio.CancelledError:
            reason = "" if self._is_closing else _LEFT
            raise
        finally:
            payment.streamed(reason)
        self._must_not_be_cut = True
        if failure is not None:
            await self.fail(*failure)
        elif not self._is_closing:
            with suppress(OSError):
                await self._close_ready()

    async def _run(self, settlement: Settlement) -> tuple[int, str, int] | None:
        """Stream to the end; what went wrong, as status, words and close code."""
        try:
            async with aclosing(_closable(self._open_stream(settlement))) as stream:
                await self._units(stream, settlement)
        except HoldExpired:
            return None  # the client learns from the receipt how far its authorisation went
        except PaymentError as error:
            return error.status, str(error), CloseCode.POLICY
        except StreamRefused as refusal:
            return refusal.status, str(refusal), CloseCode.INTERNAL
        except Exception:
            if not self.closed.is_set():
                _log.exception("The application behind a paid WebSocket failed.")
            return 500, "the stream failed", CloseCode.INTERNAL
        return None

    async def _units(self, stream: AsyncIterator[str], settlement: Settlement) -> None:
        if settlement.meter is not None:
            self._hold = Hold(
                settlement.meter, clock=self._clock, hold_s=self._hold_s, ask=self._ask
            )
        async for data in stream:
            if self._hold is not None:
                await self._hold.charge()
            self._must_not_be_cut = True
            await self._text(frames.message(data))
            self._must_not_be_cut = False
            if self._is_closing:
                break

    async def _ask(self, need: dict[str, Any]) -> None:
        await self._text(frames.need_voucher(need))

    # -- ending -----------------------------------------------------------------------------------

    def _ask_to_stop(self) -> None:
        """No more units. One that may be charged already is delivered first."""
        self._is_closing = True
        is_charging = False
        if self._hold is not None:
            self._hold.stop()
            is_charging = self._hold.is_charging
        if self._streaming is not None and not (is_charging or self._must_not_be_cut):
            self._streaming.cancel()

    async def _stopped(self) -> None:
        if self._streaming is not None:
            await asyncio.wait({self._streaming})

    async def _close_requested(self) -> None:
        await self._stopped()
        if self._paid is None:
            await self.close(CloseCode.NORMAL, "nothing was paid")
        else:
            await self._close_ready()

    async def _close_ready(self) -> None:
        if self._paid is not None and not self._is_ready:
            self._is_ready = True
            receipt = current(self._paid.settlement, self._paid.challenge_id)
            await self._text(frames.close_ready(receipt))

    async def _text(self, text: str) -> None:
        await self._put({"type": "websocket.send", "text": text})

    async def _put(self, message: Message) -> None:
        if self.closed.is_set():
            raise ConnectionError("The socket is closed.")
        try:
            await self._send(message)
        except (OSError, RuntimeError):  # servers say it either way when the client was faster
            self.closed.set()
            raise ConnectionError("The socket is closed.") from None

    async def fail(self, status: int, words: str, code: int) -> None:
        """Say what is wrong, and end the socket."""
        self._is_closing = True
        with suppress(OSError):
            await self._text(frames.error(status, words))
        await self.close(code, words)

    async def close(self, code: int, reason: str) -> None:
        """End the socket, once."""
        short = reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore")
        with suppress(OSError):
            await self._put({"type": "websocket.close", "code": code, "reason": short})
        self.closed.set()

    async def stop(self) -> None:
        """End the worker and the stream, whose application is cancelled."""
        self.closed.set()
        tasks = {task for task in (self._working, self._streaming) if task is not None}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _action(authorization: str) -> object:
    """What a session credential is for. One that cannot be read has none, and is refused later."""
    try:
        payload: object = Credential.from_authorization(authorization).payload
    except (ParseError, RecursionError, OverflowError):
        return None
    return payload.get("action") if isinstance(payload, dict) else None


async def _closable(stream: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """An iterator that can be closed, whatever it was made of."""
    try:
        async for item in stream:
            yield item
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
