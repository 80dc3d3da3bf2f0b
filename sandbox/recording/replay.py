"""Plays a capture again: a devnet that begins alike, the same requests at the same instants.

The requests go to the ports' applications without a socket, so that a replay takes milliseconds. A
request begins where it began; what had been answered before another one came is waited for.
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
from sandbox.recording.capture import Capture, from_body, pairs
from sandbox.recording.comparing import Comparison, Divergence
from sandbox.recording.conversation import Listening
from sandbox.recording.held_clock import HeldClock
from sandbox.recording.library_time import pympp_goes_by
from sandbox.recording.record import begin_as, ports_of
from sandbox.recording.recorder import port_name, settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_rails.connection import Message

_PATIENCE_S: Final = 30
_PAGE: Final = 100_000
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
            told = [f"All {self.steps} steps were answered as recorded."]
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
        self._running: dict[int, tuple[dict[str, Any], _Call]] = {}

    async def play(self, until: int | None) -> AsyncGenerator[Divergence | None, None]:
        """Each step that has ended, in order: where it diverged, or None."""
        for line in self._capture.lines:
            if line["do"] == "tick":
                await self._tick(line["wall_us"])
            elif line["do"] == "begin":
                if until is not None and line["step"] > until:
                    break
                self._clock.hold(line["wall_us"])
                self._running[line["step"]] = (line, self._call(line))
                await settled(self._clock)
            elif line["step"] in self._running:
                yield await self._end(line)

    async def stop(self) -> None:
        """End what still runs."""
        for _, call in self._running.values():
            await call.stop()

    async def _tick(self, wall_us: int) -> None:
        """Let the time come that somebody waits for; as soon as he does."""
        deadline = self._real.monotonic_ns() + 2 * 10**9
        while (due_us := self._clock.due_wall_us()) is None or due_us > wall_us:
            if self._real.monotonic_ns() > deadline:
                break
            await self._real.wall_sleep(_A_MOMENT)
        self._clock.hold(wall_us)
        await settled(self._clock)

    async def _end(self, line: dict[str, Any]) -> Divergence | None:
        begun, call = self._running.pop(line["step"])
        recorded = line["answer"]
        if recorded.get("left"):
            await settled(self._clock)
            await call.stop()
        found = await call.answer()
        await self._real.wall_sleep(_A_MOMENT)
        await settled(self._clock)
        differences = self._comparison.differences(recorded, found)
        if not differences:
            return None
        what = f"{begun['method']} {begun['target']} on {begun['port']}"
        return Divergence(line["step"], what, differences)

    def _call(self, line: dict[str, Any]) -> _Call:
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
        return _Call(self._apps[line["port"]], scope, body)

    def _here(self, text: str) -> str:
        """The text with this devnet's ports in the place of the recorded ones."""
        for name, netloc in self._capture.ports.items():
            if name in self._now:
                text = text.replace(netloc, self._now[name])
        return text


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
