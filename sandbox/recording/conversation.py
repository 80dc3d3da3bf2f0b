"""One request and its answer as ASGI carries them, listened to: both sides see what they would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.recording.capture import to_body

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send


class Listening:
    """Passes an application's messages on and keeps what they say."""

    def __init__(self, send: Send) -> None:
        # A fault that breaks the connection looks for it here (`mock_rails.connection`).
        self.transport = getattr(getattr(send, "__self__", None), "transport", None)
        self._send = send
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.complete = False

    async def send(self, message: Message) -> None:
        """What the application calls."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [
                (bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)
        await self._send(message)

    def answer(self, *, left: bool) -> dict[str, Any]:
        """What was answered. `broken` is an answer that did not come to its end; `left` says that
        its reader had gone before."""
        found: dict[str, Any] = {
            "status": self.status,
            "headers": [list(one) for one in self.headers],
            "body": to_body(bytes(self.body)),
        }
        if not self.complete:
            found["left" if left else "broken"] = True
        return found


class Given:
    """A request's body, whole, and then what else its client says."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._first: Message | None = None
        self.left = False
        self.body = b""

    async def read(self) -> None:
        """Take the whole body."""
        chunks: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.left = True
                break
            chunks.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.body = b"".join(chunks)
        self._first = {"type": "http.request", "body": self.body, "more_body": False}

    async def receive(self) -> Message:
        """What the application calls."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.left = True
        return message
