"""Writes down what comes to a devnet's ports, what was answered, and what time it was.

The clock stands still but for two moments: a request or a socket's frame arrives, or somebody's
time to wake has come (a tick). Both are lines of the capture, so that a replay has the same
instants in the same order.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.recording.capture import to_body
from sandbox.recording.conversation import Given, Listening
from sandbox.recording.sockets import Overheard

if TYPE_CHECKING:
    from mock_rails.connection import Message, Receive, Send
    from mock_rails.core.clock import Clock
    from sandbox.recording.held_clock import HeldClock
    from sandbox.recording.secrecy import Censor

_LOOK: Final = timedelta(milliseconds=3)
_LATE_US: Final = 8_000
"""A look that comes later than this was kept waiting by somebody who works."""
_SETTLING_TURNS: Final = 250
_QUIET_LOOKS: Final = 15
"""While a request is served, time passes only when nothing has happened for so many looks: it waits
for the time. What a slow machine takes for its work is not time, for a fast one would not have it.
"""


class Recorder:
    """All that was written down."""

    def __init__(self, clock: HeldClock, real: Clock) -> None:
        self.clock = clock
        self.lines: list[dict[str, Any]] = []
        self.door = Door(real)
        self.censor: Censor | None = None
        """None while the devnet starts and after the command has ended: nothing is written down."""
        self._real = real
        self._steps = 0
        self._served = 0
        """Requests under way, and sockets that are open."""
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
                await self._tick(self._real.wall_us())

    async def finish(self) -> None:
        """The command has ended: let the applications learn, for a moment, that it is gone."""
        for _ in range(_QUIET_LOOKS):
            if not self._served:
                return
            await self._real.wall_sleep(_LOOK)

    async def come(self) -> None:
        """Something comes from outside: first all who were due before, then what time it is. Who
        called writes it down and hands it over, without waiting for anything in between."""
        if self.censor is None:
            return
        self._quiet = 0
        now_us = self._real.wall_us()
        await self._tick(now_us)
        await self.door.close()
        while self._is_due(now_us):  # others came in the meantime, and somebody waits since then
            await self.door.open()
            await self._tick(now_us)
            await self.door.close()
        self.clock.hold(now_us)
        self.door.open_soon()

    async def begin(self, port: str, scope: Message, body: bytes) -> int:
        """A request has come, perhaps for a socket: its number."""
        censor = self.censor
        assert censor is not None
        await self.come()
        self._served += 1
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
                **self._times(),
                "port": port,
                **({"socket": True} if scope["type"] == "websocket" else {}),
                "method": scope.get("method", "GET"),
                "target": f"{target}?{query}" if query else target,
                "headers": censor.headers(headers),
                "body": censor.body(kept) if isinstance(kept, str) else kept,
            }
        )
        return self._steps

    def end(self, step: int, answer: dict[str, Any]) -> None:
        """It was answered, or a socket has ended."""
        self._served -= 1
        if self.censor is not None:
            self.lines.append({"do": "end", "step": step, "answer": answer})

    # -- sockets ----------------------------------------------------------------------------------

    async def say(self, step: int, said: dict[str, Any]) -> None:
        """A socket's client has sent a frame."""
        if (censor := self.censor) is not None:
            await self.come()
            frame = said["frame"]
            kept = censor.body(frame) if isinstance(frame, str) else frame
            self.lines.append({"do": "say", "step": step, **self._times(), "frame": kept})

    def hear(self, step: int, heard: dict[str, Any]) -> None:
        """The application has sent a frame, or has ended the socket."""
        if self.censor is not None:
            self.lines.append({"do": "hear", "step": step, **self._times(), **heard})

    def leave(self, step: int, code: int) -> None:
        """A socket's client has left."""
        if self.censor is not None:
            self.lines.append({"do": "leave", "step": step, **self._times(), "code": code})

    # -- inside -----------------------------------------------------------------------------------

    def _times(self) -> dict[str, int]:
        return {"wall_us": self.clock.wall_us(), "at_us": self.clock.now_us()}

    async def _tick(self, now_us: int) -> None:
        """All who are due by now, one time after the other."""
        while self._is_due(now_us):
            await self.door.close()
            if self._is_due(now_us) and (due_us := self.clock.due_wall_us()) is not None:
                if self.censor is not None:
                    self.lines.append({"do": "tick", "wall_us": due_us})
                self.clock.hold(due_us)
            await self.door.open()

    def _is_due(self, now_us: int) -> bool:
        due_us = self.clock.due_wall_us()
        return due_us is not None and due_us <= now_us


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
        if scope["type"] == "lifespan" or recorder.censor is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        given, heard = Given(receive), Listening(send)
        await given.read()
        step = await self._recorder.begin(self._port, scope, given.body)
        try:
            await self._app(scope, given.receive, heard.send)
        finally:
            self._recorder.end(step, heard.answer(left=given.left))

    async def _socket(self, scope: Message, receive: Receive, send: Send) -> None:
        step = await self._recorder.begin(self._port, scope, b"")
        overheard = Overheard(self._recorder, step, receive, send)
        try:
            await self._app(scope, overheard.receive, overheard.send)
        finally:
            self._recorder.end(step, overheard.answer())


class Door:
    """What comes from outside comes in one by one, while the frames of sockets stay inside: each
    finds the applications where they wait, and the next one finds them where they wait again."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._one = asyncio.Lock()
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._opening: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Until frames may go out."""
        await self._is_open.wait()

    async def close(self) -> None:
        """Let no frame out and nobody else in, until the applications have come to where they
        wait."""
        await self._one.acquire()
        self._is_open.clear()
        try:
            await settled(self._real)
        except asyncio.CancelledError:
            self._is_open.set()
            self._one.release()
            raise

    async def open(self) -> None:
        """The same again, and then let them out and others in."""
        try:
            await settled(self._real)
        finally:
            self._is_open.set()
            self._one.release()

    def open_soon(self) -> None:
        """The same, without waiting for it."""
        self._opening = asyncio.ensure_future(self.open())


def port_name(name: str) -> str:
    """A port's name in a file: `paid-api`, `tempo-chain`, `stripe`, …"""
    return name.lower().removeprefix("the ").replace(" ", "-")


async def settled(real: Clock) -> None:
    """Let what was just woken do what it can without time passing."""
    for _ in range(_SETTLING_TURNS):
        await real.yield_to_loop()
