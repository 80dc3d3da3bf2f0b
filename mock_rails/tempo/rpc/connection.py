"""One WebSocket client: its requests, its answers, and what it is notified of.

A slow request (a synchronous send on a chain with a block time) does not hold up the others, so
each runs as its own task, up to a limit. Everything sent goes through one bounded queue. A full
queue stops the reading of requests; a notification that finds it full ends the connection with a
reason, because a stream with a silent gap is worse than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_rails.tempo.errors import ResponseLostError

if TYPE_CHECKING:
    from mock_rails.connection import Receive, Send
    from mock_rails.tempo.rpc.dispatcher import Dispatcher


OUTBOX_LIMIT: Final = 4_096
IN_FLIGHT_LIMIT: Final = 128

CLOSE_TOO_BIG: Final = 1009
CLOSE_BROKEN: Final = 1011
CLOSE_TRY_LATER: Final = 1013
_CLOSING_S: Final = 1

_LOGGER = logging.getLogger(__name__)


class Connection:
    """A WebSocket whose handshake has been accepted."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        send: Send,
        *,
        body_limit: int,
        outbox_limit: int = OUTBOX_LIMIT,
    ) -> None:
        self.closed = asyncio.Event()
        self._dispatcher = dispatcher
        self._send = send
        self._body_limit = body_limit
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(outbox_limit)
        self._slots = asyncio.Semaphore(IN_FLIGHT_LIMIT)
        self._requests: set[asyncio.Task[None]] = set()
        self._reason: tuple[int, str] | None = None

    def notify(self, subscription: str, result: Any) -> None:
        """Send one event of a subscription, without waiting."""
        params = {"subscription": subscription, "result": result}
        message = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
        try:
            self._outbox.put_nowait(orjson.dumps(message))
        except asyncio.QueueFull:
            self._end(CLOSE_TRY_LATER, f"too slow: {self._outbox.maxsize} messages are waiting")

    async def serve(self, receive: Receive) -> None:
        """Answer until the client leaves or has to go."""
        tasks = [
            asyncio.create_task(self._read(receive)),
            asyncio.create_task(self._write()),
            asyncio.create_task(self.closed.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._report(done)
        finally:
            self.closed.set()
            await _cancel([*tasks, *self._requests])
        if self._reason is not None:
            code, reason = self._reason
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSING_S):
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def _report(self, done: set[asyncio.Task[Any]]) -> None:
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, OSError):
                _LOGGER.error("a WebSocket ended with a defect", exc_info=error)

    def _end(self, code: int, reason: str) -> None:
        if not self.closed.is_set():
            self._reason = (code, reason)
            self.closed.set()

    async def _read(self, receive: Receive) -> None:
        while (event := await receive())["type"] != "websocket.disconnect":
            body = event.get("text")
            if body is None:
                body = event.get("bytes") or b""
            if len(body) > self._body_limit:
                self._end(CLOSE_TOO_BIG, f"a message is limited to {self._body_limit} bytes")
                return
            await self._slots.acquire()
            task = asyncio.create_task(self._answer(body))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def _answer(self, body: bytes | str) -> None:
        try:
            reply = await self._dispatcher.answer(body, self)
            if reply is not None:
                await self._outbox.put(reply)
        except ResponseLostError:
            self._end(CLOSE_BROKEN, "the answer was lost")
        finally:
            self._slots.release()

    async def _write(self) -> None:
        while True:
            message = await self._outbox.get()
            await self._send({"type": "websocket.send", "text": message.decode()})


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
