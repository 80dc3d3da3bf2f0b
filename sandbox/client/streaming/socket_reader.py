"""Reads a paid WebSocket, and authorises more when the server asks (facts: protocol 2.9).

The 402 was got over plain HTTP, so the reader starts with a credential. Reading ends with the
server's `payment-close-ready`; `finish` asks for it before the end, and `close_channel` answers it
with a close for exactly what was spent.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sandbox.client.streaming.errors import StreamError, StreamPaymentError, StreamProtocolError
from sandbox.streaming import frames
from sandbox.streaming.events import LARGEST_EVENT
from sandbox.streaming.frames import CloseCode, FrameError, Kind, NeedVoucher, ServerFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from types import TracebackType

    from websockets.asyncio.client import ClientConnection

_LARGEST_FRAME: Final = 2 * LARGEST_EVENT
"""JSON writes a message's line ends and quotes in two characters."""

ANSWER_S: Final = 30
"""How long the server may take for an answer that costs no work of the application."""


class SocketReader:
    """The messages of a paid WebSocket, one by one.

    async with SocketReader(url, credential, authorize=authorize) as messages:
        async for data in messages: ...
    messages.receipt

    `url` is a ws: or wss: URL, `credential` an open or a voucher for its 402. Leaving the block
    before the end finishes the stream properly, so that the receipt is right.
    """

    def __init__(
        self,
        url: str,
        credential: str,
        *,
        authorize: Callable[[NeedVoucher], Awaitable[str]],
        channel_id: str | None = None,
        answer_s: float = ANSWER_S,
        **connect: Any,
    ) -> None:
        self.receipt: dict[str, Any] | None = None
        """The last receipt that came; when the stream has ended, what was spent."""
        self.delivered = 0
        """How many messages were handed over."""
        self._url = url
        self._credential = credential
        self._authorize = authorize
        self._channel_id = channel_id
        self._answer_s = answer_s
        self._connect = connect
        self._connection: ClientConnection | None = None
        self._is_ready = False
        self._is_over = False
        """Whether there is no point in asking the server for anything."""

    def __repr__(self) -> str:
        """Without the credential."""
        return f"SocketReader({self._url!r})"

    async def __aenter__(self) -> SocketReader:
        """Connect, and hand over the first credential."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake

        options = {"max_size": _LARGEST_FRAME, "open_timeout": self._answer_s, **self._connect}
        try:
            self._connection = await connect(self._url, **options)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise StreamError(f"The WebSocket {self._url} did not open: {error}.") from error
        await self._say(frames.authorization(self._credential))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, unless something went wrong, and disconnect."""
        try:
            if error is None and not self._is_ready and not self._is_over:
                await self.finish()
        finally:
            await self._socket.close()

    def __aiter__(self) -> AsyncIterator[str]:
        """The data of the messages."""
        return self._data()

    async def finish(self) -> Mapping[str, Any]:
        """Stop the stream; the receipt for what was spent. Messages on their way are dropped."""
        if not self._is_ready:
            await self._say(frames.close_request())
            await self._until(Kind.CLOSE_READY)
            self._is_ready = True
        assert self.receipt is not None
        return self.receipt

    async def close_channel(
        self, sign_close: Callable[[Mapping[str, Any]], Awaitable[str]]
    ) -> Mapping[str, Any]:
        """Finish, then close the channel: `sign_close` gets the receipt and makes a credential for
        exactly its `spent`, or raises if that is not what it owes. The server's last receipt."""
        ready = await self.finish()
        await self._say(frames.authorization(await sign_close(ready)))
        return await self._until(Kind.RECEIPT)

    @property
    def channel_id(self) -> str | None:
        """The channel that pays, once it is known."""
        return self._channel_id

    # -- inside -----------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether the credential may have been seen: it goes into the first frame."""
        return self._connection is not None

    @property
    def _socket(self) -> ClientConnection:
        if self._connection is None:
            raise StreamError("The WebSocket is opened by `async with`.")
        return self._connection

    async def _data(self) -> AsyncIterator[str]:
        while not self._is_ready and (frame := await self._frame()):
            match frame.kind:
                case Kind.MESSAGE:
                    self.delivered += 1
                    yield frame.text
                case Kind.NEED_VOUCHER:
                    await self._pay(frame)
                case Kind.RECEIPT:
                    self.receipt = frame.receipt
                case Kind.CLOSE_READY:
                    self.receipt = frame.receipt
                    self._is_ready = True

    async def _until(self, kind: Kind) -> Mapping[str, Any]:
        """The receipt in the next frame of a kind. Nothing is paid for any more meanwhile."""
        try:
            async with asyncio.timeout(self._answer_s):
                while frame := await self._frame():
                    if frame.receipt is not None:
                        self.receipt = frame.receipt
                        if frame.kind is kind:
                            return frame.receipt
        except TimeoutError:
            self._is_over = True
            raise StreamError(
                f"The server sent no {kind.value} within {self._answer_s:g} seconds."
            ) from None
        raise StreamError(f"The server closed the WebSocket without a {kind.value}.")

    async def _frame(self) -> ServerFrame | None:
        """The next frame, or None if the server has left in good order."""
        from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

        try:
            raw = await self._socket.recv()
        except ConnectionClosedOK:
            self._is_over = True
            return None
        except ConnectionClosedError as error:
            self._is_over = True
            raise StreamError(f"The WebSocket broke: {error}.") from error
        try:
            frame = frames.read_server_frame(raw if isinstance(raw, str) else raw.decode())
            self._check_channel(frame)
        except (FrameError, UnicodeDecodeError) as error:
            self._is_over = True
            await self._socket.close(CloseCode.CLIENT_PROTOCOL, str(error)[:120])
            raise StreamProtocolError(str(error)) from None
        if frame.kind is Kind.ERROR:
            self._is_over = True
            raise StreamPaymentError(
                f"The server ended the stream with {frame.status}: {frame.text}",
                details={"status": frame.status, "problem": frame.text},
            )
        return frame

    def _check_channel(self, frame: ServerFrame) -> None:
        """A server must not get a voucher for one channel by asking on the stream of another."""
        named = frame.need.channel_id if frame.need else (frame.receipt or {}).get("channelId")
        if named is None:
            return
        if self._channel_id is None:
            self._channel_id = named
        if named != self._channel_id:
            raise FrameError(f"received mismatched {frame.kind.value} frame")

    async def _pay(self, frame: ServerFrame) -> None:
        assert frame.need is not None
        need = replace(frame.need, delivered=self.delivered)
        await self._say(frames.authorization(await self._authorize(need)))

    async def _say(self, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            self._is_over = True
            raise StreamError(f"The WebSocket was closed: {error}.") from error
