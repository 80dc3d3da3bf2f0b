"""Writes down what comes to a devnet's ports, what was answered, and what time it was.

The clock stands still but for two moments: a request arrives, or somebody's time to wake has come
(a tick). Both are lines of the capture, so that a replay has the same instants in the same order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.recording.capture import to_body
from sandbox.recording.conversation import Given, Listening

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send
    from mock_rails.core.clock import Clock
    from sandbox.recording.held_clock import HeldClock
    from sandbox.recording.secrecy import Censor

_LOOK: Final = timedelta(milliseconds=3)
_LATE_US: Final = 8_000
"""A look that comes later than this was kept waiting by somebody who works."""
_SETTLING_TURNS: Final = 25
_QUIET_LOOKS: Final = 15
"""While a request is served, time passes only when nothing has happened for so many looks: it waits
for the time. What a slow machine takes for its work is not time, for a fast one would not have it.
"""


class Recorder:
    """All that was written down."""

    def __init__(self, clock: HeldClock, real: Clock) -> None:
        self.clock = clock
        self.lines: list[dict[str, Any]] = []
        self.sockets: list[str] = []
        """The ports on which a WebSocket was opened."""
        self.censor: Censor | None = None
        """None while the devnet starts and after the command has ended: nothing is written down."""
        self._real = real
        self._steps = 0
        self._served = 0
        """Requests under way."""
        self._quiet = 0

    def tap(self, name: str, app: Any) -> Any:
        """The application, listened to."""
        return _Tap(self, port_name(name), app)

    async def keep_time(self) -> None:
        """Wake those who wait when the real time has come to it; for ever."""
        while True:
            begun_us = self._real.wall_us()
            await self._real.wall_sleep(_LOOK)
            was_busy = self._real.wall_us() - begun_us > _LATE_US
            self._quiet = 0 if was_busy else self._quiet + 1
            if not self._served or self._quiet >= _QUIET_LOOKS:
                await self._tick()

    async def begin(self, port: str, scope: Message, body: bytes) -> int:
        """A request has come: its number."""
        assert self.censor is not None
        self._quiet = 0
        await self._tick()
        self._served += 1
        self.clock.hold(self._real.wall_us())
        self._steps += 1
        kept = to_body(body)
        query = bytes(scope.get("query_string", b"")).decode("latin-1")
        target = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        headers = [
            (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
            for name, value in scope["headers"]
        ]
        self.lines.append(
            {
                "do": "begin",
                "step": self._steps,
                "wall_us": self.clock.wall_us(),
                "at_us": self.clock.now_us(),
                "port": port,
                "method": scope["method"],
                "target": f"{target}?{query}" if query else target,
                "headers": self.censor.headers(headers),
                "body": self.censor.body(kept) if isinstance(kept, str) else kept,
            }
        )
        return self._steps

    def end(self, step: int, answer: dict[str, Any]) -> None:
        """It was answered."""
        self._served -= 1
        if self.censor is not None:
            self.lines.append({"do": "end", "step": step, "answer": answer})

    def note_socket(self, port: str) -> None:
        """A WebSocket was opened, which a capture does not hold."""
        if port not in self.sockets:
            self.sockets.append(port)

    async def _tick(self) -> None:
        """All who are due by now, one time after the other."""
        while (due_us := self.clock.due_wall_us()) is not None and due_us <= self._real.wall_us():
            if self.censor is not None:
                self.lines.append({"do": "tick", "wall_us": due_us})
            self.clock.hold(due_us)
            await settled(self._real)


class _Tap:
    """One port's application, listened to."""

    def __init__(self, recorder: Recorder, port: str, app: Any) -> None:
        self._recorder = recorder
        self._port = port
        self._app = app

    def __getattr__(self, name: str) -> Any:
        """What else the application can do, for its host."""
        return getattr(self._app, name)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, and write it down."""
        recorder = self._recorder
        if scope["type"] != "http" or recorder.censor is None:
            if scope["type"] == "websocket":
                recorder.note_socket(self._port)
            await self._app(scope, receive, send)
            return
        given, heard = Given(receive), Listening(send)
        await given.read()
        step = await recorder.begin(self._port, scope, given.body)
        try:
            await self._app(scope, given.receive, heard.send)
        finally:
            recorder.end(step, heard.answer(left=given.left))


def port_name(name: str) -> str:
    """A port's name in a file: `paid-api`, `tempo-chain`, `stripe`, …"""
    return name.lower().removeprefix("the ").replace(" ", "-")


async def settled(real: Clock) -> None:
    """Let what was just woken do what it can without time passing."""
    for _ in range(_SETTLING_TURNS):
        await real.yield_to_loop()
