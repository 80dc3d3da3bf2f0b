"""WebSockets in captures: overheard while a run is recorded, and opened again in its replay.

A capture holds a socket's frames in the order in which they were said and heard, among all else
that happened (facts: protocol 2.9; RFC 6455). What an application does between two of its frames
takes no time of the clock, so how far it had come when a client's frame reached it must be settled
otherwise. The rule, in the recording as in the replay: before anything comes from outside, nobody's
frames go out any more until the applications have come to where they wait.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from sandbox.recording.capture import from_body, to_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.connection import Message, Receive, Send
    from sandbox.recording.recorder import Recorder

ABNORMAL: Final = 1006
"""The code of an end that nobody announced (RFC 6455, 7.1.5)."""

_SWITCHING: Final = 101
_FORBIDDEN: Final = 403
_PATIENCE_S: Final = 30


class Opening:
    """How an application answered a handshake."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: list[list[str]] = []
        self.body = bytearray()

    def took(self, message: Message) -> bool:
        """Whether a message belongs to the handshake; later ones are frames."""
        kind = message["type"]
        if kind == "websocket.accept":
            self._begin(_SWITCHING, message)
            if message.get("subprotocol"):
                self.headers.append(["sec-websocket-protocol", message["subprotocol"]])
        elif kind == "websocket.http.response.start":
            self._begin(message["status"], message)
        elif kind == "websocket.http.response.body":
            self.body += message.get("body", b"")
        elif kind == "websocket.close" and self.status is None:
            self.status = _FORBIDDEN
        else:
            return False
        return True

    def answer(self, *, ended: bool) -> dict[str, Any]:
        """As a request's answer; `broken` if neither side ended the socket."""
        found: dict[str, Any] = {
            "status": self.status,
            "headers": self.headers,
            "body": to_body(bytes(self.body)),
        }
        if not ended and self.status in (None, _SWITCHING):
            found["broken"] = True
        return found

    def _begin(self, status: int, message: Message) -> None:
        self.status = status
        self.headers = [
            [bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")]
            for name, value in message.get("headers", ())
        ]


def written(message: Message) -> dict[str, Any]:
    """A frame, or the end that a server made, as a capture's line has it."""
    if message["type"] == "websocket.close":
        end = {"code": message.get("code", 1000), "reason": message.get("reason") or ""}
        return {"close": end}
    text = message.get("text")
    if text is not None:
        return {"frame": text}
    return {"frame": {"base64": base64.b64encode(message.get("bytes") or b"").decode()}}


class Overheard:
    """One WebSocket of a recording: both sides see what they would."""

    def __init__(self, recorder: Recorder, step: int, receive: Receive, send: Send) -> None:
        # A fault that breaks the connection looks for it here (`mock_rails.connection`).
        self.transport = getattr(getattr(send, "__self__", None), "transport", None)
        self._recorder, self._step = recorder, step
        self._receive, self._send = receive, send
        self._opening = Opening()
        self._come: Message | None = None
        self._ended = self._left = False

    async def receive(self) -> Message:
        """What the application calls to hear its client."""
        if self._come is None:
            self._come = await self._receive()
        message = self._come  # kept while it is written down: an application may stop listening
        if message["type"] == "websocket.receive":
            await self._recorder.say(self._step, written(message))
        elif message["type"] == "websocket.disconnect" and not self._left:
            await self._recorder.come()
            self._lose(message.get("code", ABNORMAL))
        self._come = None
        return message

    async def send(self, message: Message) -> None:
        """What the application calls to answer."""
        if self._opening.took(message):
            await self._send(message)
            return
        await self._recorder.door.wait()
        try:
            await self._send(message)
        except OSError:
            self._lose(ABNORMAL)
            raise
        self._ended = self._ended or message["type"] == "websocket.close"
        self._recorder.hear(self._step, written(message))

    def _lose(self, code: int) -> None:
        """The client has left: the application learns it now, from whichever it did first."""
        if not self._left:
            self._left = True
            self._recorder.leave(self._step, code)

    def answer(self) -> dict[str, Any]:
        """How the handshake was answered, and whether the socket came to an end."""
        return self._opening.answer(ended=self._ended or self._left)


class Played:
    """One WebSocket of a replay: its client says what a capture's did.

    The application's frames go out as the player `allow`s it: as many as the recorded one's before
    the next thing came from outside. The next frame waits, as it did then.
    """

    def __init__(self, app: Any, scope: Message) -> None:
        self._opening = Opening()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        self._frames: deque[dict[str, Any]] = deque()
        """What the application said, or wants to, and nobody has asked for."""
        self._allowed = asyncio.Semaphore(0)
        self._news = asyncio.Event()
        self._left = self._ended = False
        self._task = asyncio.ensure_future(app(scope, self._inbox.get, self._send))
        self._task.add_done_callback(lambda _: self._news.set())

    # -- the client -------------------------------------------------------------------------------

    def say(self, frame: str | dict[str, str]) -> None:
        """The client's next frame."""
        content = {"text": frame} if isinstance(frame, str) else {"bytes": from_body(frame)}
        self._inbox.put_nowait({"type": "websocket.receive", **content})

    def leave(self, code: int) -> None:
        """The client leaves: what is not on its way never will be."""
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})

    def lose(self) -> None:
        """Whoever still wants to say something learns that nobody hears it."""
        self._left = True
        for _ in self._frames:
            self._allowed.release()

    def allow(self) -> None:
        """One more frame may go out."""
        self._allowed.release()

    async def heard(self) -> dict[str, Any] | None:
        """The application's next frame; None if it says no more."""
        await self._until(lambda: bool(self._frames))
        return self._frames.popleft() if self._frames else None

    async def unexpected(self) -> dict[str, Any] | None:
        """A frame after the last one that was asked for; None if the application ends without."""
        await self._until(lambda: bool(self._frames))
        return self._frames[0] if self._frames else None

    async def answer(self) -> dict[str, Any]:
        """How the handshake was answered, when the application has ended."""
        await self._until(lambda: False)
        if not self._task.done():
            self._task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await self._task
        return self._opening.answer(ended=self._ended or self._left)

    async def stop(self) -> None:
        """Its client leaves, and the application is given a moment."""
        self.leave(ABNORMAL)
        self.lose()
        await asyncio.wait({self._task}, timeout=1)
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    # -- the application --------------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        if self._opening.took(message):
            return
        if self._left:
            raise ConnectionError("The client has left.")
        said = written(message)
        self._frames.append(said)
        self._news.set()
        try:
            await self._allowed.acquire()
            if self._left:
                raise ConnectionError("The client has left.")
        except (asyncio.CancelledError, ConnectionError):
            self._forget(said)
            raise
        self._ended = self._ended or message["type"] == "websocket.close"

    def _forget(self, said: dict[str, Any]) -> None:
        for place, one in enumerate(self._frames):
            if one is said:
                del self._frames[place]
                return

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for it, or until the application has ended, as long as patience lasts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while not condition() and not self._task.done():
                    self._news.clear()
                    await self._news.wait()
