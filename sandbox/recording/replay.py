"""Plays a capture again: a devnet that begins alike, the same requests at the same instants.

The requests go to the ports' applications without a connection, so that a replay takes
milliseconds. A request begins where it began, and a WebSocket's client says each frame where it was
said; what had been answered before another thing came is waited for.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mock_rails.core.clock import Clock
from sandbox.devnet import Devnet
from sandbox.journaling.verdict import Complaint, complaints
from sandbox.recording.capture import Capture, described, from_body, pairs
from sandbox.recording.comparing import Comparison, Divergence
from sandbox.recording.conversation import Listening
from sandbox.recording.held_clock import HeldClock
from sandbox.recording.library_time import pympp_goes_by
from sandbox.recording.record import begin_as, ports_of
from sandbox.recording.recorder import port_name, settled
from sandbox.recording.sockets import Played

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from mock_rails.connection import Message

_PATIENCE_S: Final = 30
_PAGE: Final = 100_000
_OUTCOMES: Final = frozenset({"hear", "end"})
"""Lines that say what the devnet did, not what came to it."""
_A_MOMENT: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class Replayed:
    """How a replay went."""

    steps: int = 0
    """How many were played."""
    divergence: Divergence | None = None
    """Where it first went another way."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """The journal's, from the first step on."""
    exit_code: int = 0
    """How the command ended, where one was run again."""

    @property
    def complaints(self) -> list[Complaint]:
        """What went wrong in it, however it was recorded."""
        found = complaints(self.events)
        if self.exit_code:
            found.append(Complaint("failed", None, f"the command ended with {self.exit_code}"))
        return found

    def report(self) -> str:
        """For people: where it diverged, or that it did not, and what went wrong."""
        if self.divergence is not None:
            told = [f"It diverged at {self.divergence}"]
        else:
            steps = "The step was" if self.steps == 1 else f"All {self.steps} steps were"
            told = [f"{steps} answered as recorded."]
        return "\n".join([*told, *(f"Wrong: {one}" for one in self.complaints)])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "steps": self.steps,
            "divergence": None if self.divergence is None else self.divergence.to_json(),
            "complaints": [
                {"kind": one.kind, "exchange": one.exchange, "text": one.text}
                for one in self.complaints
            ],
        }


async def replayed(capture: Capture, *, until: int | None = None) -> Replayed:
    """Play a capture, up to a step if that is said, and say how it went."""
    async with replaying(capture, until=until) as (_, outcome):
        return outcome


@asynccontextmanager
async def replaying(
    capture: Capture, *, until: int | None = None
) -> AsyncGenerator[tuple[Devnet, Replayed], None]:
    """The same, with the devnet as the last step left it."""
    capture.check_playable()
    clock, apps = HeldClock(capture.wall_us), dict[str, Any]()

    def tap(name: str, app: Any) -> Any:
        apps[port_name(name)] = app
        return app

    devnet = Devnet(capture.devnet_settings(), clock=clock, tap=tap)
    with pympp_goes_by(clock):
        async with devnet:
            begin_as(devnet, capture)
            await settled(clock)
            after = devnet.context.journal.last_offset
            player = _Player(capture, devnet, clock, apps)
            outcome = Replayed()
            clock.begin()
            try:
                async with aclosing(player.play(until)) as steps:
                    async for divergence in steps:
                        outcome.steps += 1
                        if divergence is not None:
                            outcome.divergence = divergence
                            break
            finally:
                await player.stop()
                clock.let_go()
            outcome.events = [one._asdict() for one in devnet.context.journal.read(after, _PAGE)]
            yield devnet, outcome


class _Player:
    """Plays the lines of a capture."""

    def __init__(
        self, capture: Capture, devnet: Devnet, clock: HeldClock, apps: dict[str, Any]
    ) -> None:
        self._capture = capture
        self._clock, self._real = clock, Clock()
        self._apps = apps
        self._now = ports_of(devnet)
        self._comparison = Comparison(capture.ports, self._now)
        self._running: dict[int, tuple[dict[str, Any], _Call | Played]] = {}
        self._sockets: dict[int, Played] = {}
        self._heard: dict[int, int] = {}
        """How many frames of each socket have been compared."""

    async def play(self, until: int | None) -> AsyncGenerator[Divergence | None, None]:
        """Each step that has ended, in order: where it diverged, or None."""
        for cause, outcomes in _turns(self._capture.lines):
            if until is not None and cause["do"] == "begin" and cause["step"] > until:
                break
            await self._happen(cause)
            for line in outcomes:
                if line["do"] == "hear" and line["step"] in self._sockets:
                    self._sockets[line["step"]].allow()
            for line in outcomes:
                if line["step"] not in self._running:
                    continue
                if line["do"] == "end":
                    yield await self._end(line)
                elif (divergence := await self._hear(line)) is not None:
                    yield divergence

    async def stop(self) -> None:
        """End what still runs."""
        for _, call in self._running.values():
            await call.stop()

    async def _happen(self, line: dict[str, Any]) -> None:
        """What came from outside comes again, and finds everybody where he waits."""
        await settled(self._clock)
        if line["do"] == "tick":
            await self._tick(line["wall_us"])
            return
        self._clock.hold(line["wall_us"])
        step = line["step"]
        if line["do"] == "begin":
            self._running[step] = (line, self._begin(line))
        elif (socket := self._sockets.get(step)) is not None and line["do"] == "say":
            frame = line["frame"]
            socket.say(self._here(frame) if isinstance(frame, str) else frame)
        elif socket is not None:
            socket.leave(line["code"])
            await settled(self._clock)
            socket.lose()
        await settled(self._clock)

    async def _tick(self, wall_us: int) -> None:
        """Let the time come that somebody waits for; as soon as he does."""
        deadline = self._real.monotonic_ns() + 2 * 10**9
        while (due_us := self._clock.due_wall_us()) is None or due_us > wall_us:
            if self._real.monotonic_ns() > deadline:
                break
            await self._real.wall_sleep(_A_MOMENT)
        self._clock.hold(wall_us)
        await settled(self._clock)

    async def _hear(self, line: dict[str, Any]) -> Divergence | None:
        """A frame of a socket: whether it is the recorded one."""
        step = line["step"]
        self._heard[step] = self._heard.get(step, 0) + 1
        return self._frame(step, line, await self._sockets[step].heard())

    def _frame(
        self, step: int, recorded: dict[str, Any] | None, found: dict[str, Any] | None
    ) -> Divergence | None:
        differences = self._comparison.frame_differences(recorded, found)
        if not differences:
            return None
        begun, _ = self._running[step]
        what = f"frame {self._heard[step]} of {described(begun)} on {begun['port']}"
        return Divergence(step, what, differences)

    async def _end(self, line: dict[str, Any]) -> Divergence | None:
        step, recorded = line["step"], line["answer"]
        begun, call = self._running[step]
        if isinstance(call, Played):
            if (more := await call.unexpected()) is not None:
                self._heard[step] = self._heard.get(step, 0) + 1
                return self._frame(step, None, more)
        elif recorded.get("left"):
            await settled(self._clock)
            await call.stop()
        found = await call.answer()
        del self._running[step]
        await self._real.wall_sleep(_A_MOMENT)
        await settled(self._clock)
        differences = self._comparison.differences(recorded, found)
        if not differences:
            return None
        return Divergence(step, f"{described(begun)} on {begun['port']}", differences)

    def _begin(self, line: dict[str, Any]) -> _Call | Played:
        scope, body = self._scope(line)
        app = self._apps[line["port"]]
        if not line.get("socket"):
            return _Call(app, scope, body)
        played = self._sockets[line["step"]] = Played(app, scope)
        return played

    def _scope(self, line: dict[str, Any]) -> tuple[Message, bytes]:
        """A request as ASGI has it, or a socket's handshake."""
        text = [[name, self._here(value)] for name, value in line["headers"]]
        body = from_body(line["body"])
        if isinstance(line["body"], str):
            body = self._here(line["body"]).encode()
        target, _, query = line["target"].partition("?")
        headers = list(pairs(text))
        if b"content-length" in {name.lower() for name, _ in headers}:
            headers = [one for one in headers if one[0].lower() != b"content-length"]
            headers.append((b"content-length", b"%d" % len(body)))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": line["method"],
            "scheme": "http",
            "path": unquote(target),
            "raw_path": target.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": headers,
            "server": ("127.0.0.1", 0),
            "client": ("127.0.0.1", 0),
        }
        if line.get("socket"):
            scope |= {"type": "websocket", "scheme": "ws", "subprotocols": _subprotocols(headers)}
            scope["extensions"] = {"websocket.http.response": {}}
            del scope["method"]
        return scope, body

    def _here(self, text: str) -> str:
        """The text with this devnet's ports in the place of the recorded ones."""
        for name, netloc in self._capture.ports.items():
            if name in self._now:
                text = text.replace(netloc, self._now[name])
        return text


def _turns(
    lines: Sequence[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each thing that came from outside, with what the devnet did until the next one came."""
    place = 0
    while place < len(lines):
        cause, place = lines[place], place + 1
        outcomes: list[dict[str, Any]] = []
        while place < len(lines) and lines[place]["do"] in _OUTCOMES:
            outcomes.append(lines[place])
            place += 1
        yield cause, outcomes


def _subprotocols(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """What a client offers to speak, as servers read it (RFC 6455, 11.3.4)."""
    offered = (
        value.decode("latin-1").split(",")
        for name, value in headers
        if name.lower() == b"sec-websocket-protocol"
    )
    return [one.strip() for values in offered for one in values]


class _Call:
    """One request under way."""

    def __init__(self, app: Any, scope: Message, body: bytes) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._gone = asyncio.Event()
        self._left = False
        self._heard = Listening(_swallow)
        self._task = asyncio.ensure_future(app(scope, self._receive, self._heard.send))

    async def answer(self) -> dict[str, Any]:
        """What it was answered, when it has ended; a connection that broke is an answer too."""
        await asyncio.wait({self._task}, timeout=_PATIENCE_S)
        if not self._task.done():
            self._task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await self._task
        return self._heard.answer(left=self._left)

    async def stop(self) -> None:
        """Its client leaves."""
        self._left = True
        self._gone.set()
        await asyncio.wait({self._task}, timeout=1)
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def _receive(self) -> Message:
        if self._messages:
            return self._messages.pop()
        await self._gone.wait()
        return {"type": "http.disconnect"}


async def _swallow(message: Message) -> None:
    """Nobody is there to hear it."""
