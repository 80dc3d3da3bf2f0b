"""The lines between the programs of a world, and what goes wrong on them.

A request may be late, lost before it arrives, delivered twice, or answered into the void; an answer
may break off in the middle. Both ends see what httpx would show them. How often is the weather's
matter; whether, the seed's. A healed network loses nothing and is quick.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.simulation.world.loop import OWNER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mock_rails.core.clock import Clock
    from mock_rails.core.seeds import Stream

_USUAL_MS: Final = 30
_LATE_MS: Final = 8_000
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Weather:
    """How often what goes wrong on a line, in thousandths of its requests."""

    late: int = 0
    unsent: int = 0
    """No connection: surely nothing arrived."""
    lost: int = 0
    """The request is gone, but who sent it cannot know."""
    unanswered: int = 0
    """The request arrives, its answer does not."""
    cut: int = 0
    """The answer's body breaks off."""
    twice: int = 0
    """A proxy on the way sends it twice."""

    @classmethod
    def drawn(cls, stream: Stream, most: int) -> Weather:
        """Some weather: each accident may be absent, so that seeds differ in kind."""
        kinds = ("late", "unsent", "lost", "unanswered", "cut", "twice")
        return cls(**{kind: stream.integer(0, 1) * stream.integer(0, most) for kind in kinds})


class Line(httpx.AsyncBaseTransport):
    """One program's connection to another. `inner` is None while that is down."""

    def __init__(
        self, name: str, network: Network, inner: Callable[[], httpx.AsyncBaseTransport | None]
    ) -> None:
        self.name = name
        self._network = network
        self._inner = inner
        self._here, self._there = name.split(" > ")
        self._draws = network.stream(name)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry it, or not."""
        limit = request.extensions.get("timeout", {}).get("read") or _PATIENCE_S
        try:
            async with asyncio.timeout(limit):
                return await self._carried(request)
        except TimeoutError:
            self._tell(request, "timed out")
            raise httpx.ReadTimeout("no answer in time", request=request) from None

    async def _carried(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        fate = self._fate()
        if fate:
            self._tell(request, fate)
        await self._pass(_LATE_MS if fate == "late" else _USUAL_MS)
        if fate == "unsent":
            raise httpx.ConnectError("no connection", request=request)
        if fate == "lost":
            raise httpx.ReadError("the connection broke", request=request)
        if fate == "twice":
            asyncio.ensure_future(self._copy(request)).add_done_callback(_seen)
        response = await self._asked(request)
        if fate == "unanswered":
            await response.aread()
            await response.aclose()
            raise httpx.ReadError("the connection broke", request=request)
        await self._pass(_USUAL_MS)
        if fate == "cut":
            response.stream = _Cut(response.stream, request, self._draws.integer(0, 3))
        return response

    async def _asked(self, request: httpx.Request) -> httpx.Response:
        """The answer of the program that is there now."""
        if self._network.is_dead(self._here):
            raise httpx.ConnectError("whoever asks is dead", request=request)
        program = self._network.program(self._there)
        inner = self._inner()
        if inner is None:
            raise httpx.ConnectError("nobody listens", request=request)
        mine = OWNER.set(program)
        try:
            response = await inner.handle_async_request(request)
        finally:
            OWNER.reset(mine)
        response.stream = _UntilDeath(response.stream, request, self._network, program)
        return response

    async def _copy(self, request: httpx.Request) -> None:
        """What a proxy sends again, whose answer nobody waits for."""
        await self._pass(_USUAL_MS)
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        try:
            response = await self._asked(copy)
            await response.aread()
            await response.aclose()
        except httpx.TransportError:
            pass

    def _fate(self) -> str:
        """What happens to this request."""
        draw = self._draws.integer(0, 999)
        weather = self._network.weather(self._there)
        for kind in ("late", "unsent", "lost", "unanswered", "cut", "twice"):
            draw -= getattr(weather, kind)
            if draw < 0:
                return kind
        return ""

    async def _pass(self, most_ms: int) -> None:
        span = timedelta(milliseconds=self._draws.integer(1, most_ms))
        await self._network.clock.wall_sleep(span)

    def _tell(self, request: httpx.Request, what: str) -> None:
        self._network.tell(f"{self.name}: {request.method} {request.url.path} {what}")


class Network:
    """All lines of a world, their weather, and which programs live."""

    def __init__(
        self, clock: Clock, stream: Callable[[str], Stream], tell: Callable[[str], None]
    ) -> None:
        self.clock = clock
        self.stream = stream
        self.tell = tell
        self.is_healed = False
        self._weather: dict[str, Weather] = {}
        self._lives: dict[str, int] = {}
        self._dead: set[str] = set()

    def forecast(self, weather: dict[str, Weather]) -> None:
        """From now on it is like this, by the program that a line leads to."""
        self._weather = weather

    def weather(self, there: str) -> Weather:
        """What it is like on the lines to a program."""
        return Weather() if self.is_healed else self._weather.get(there, Weather())

    def program(self, name: str) -> str:
        """A program's present life."""
        return f"{name}#{self._lives.get(name, 0)}"

    def is_dead(self, name: str) -> bool:
        """Whether this life of a program is over, or the program of this name is down."""
        return name in self._dead

    def kill(self, name: str) -> str:
        """End a program's life: it sends and answers nothing more. Returns that life's name."""
        life = self.program(name)
        self._dead.add(life)
        self._lives[name] = self._lives.get(name, 0) + 1
        return life


class _Wrapped(httpx.AsyncByteStream):
    def __init__(self, inner: Any, request: httpx.Request) -> None:
        self._inner = inner
        self._request = request

    async def aclose(self) -> None:
        await self._inner.aclose()


class _UntilDeath(_Wrapped):
    """An answer that breaks off if the program that sends it dies."""

    def __init__(self, inner: Any, request: httpx.Request, network: Network, program: str) -> None:
        super().__init__(inner, request)
        self._network = network
        self._program = program

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece
        if self._network.is_dead(self._program):
            raise httpx.RemoteProtocolError("the server has died", request=self._request)


class _Cut(_Wrapped):
    """An answer of which some pieces arrive."""

    def __init__(self, inner: Any, request: httpx.Request, pieces: int) -> None:
        super().__init__(inner, request)
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._pieces
        async for piece in self._inner:
            if not left:
                break
            left -= 1
            yield piece
        raise httpx.RemoteProtocolError("the connection broke", request=self._request)


def _seen(task: asyncio.Task[None]) -> None:
    """The copy's end is nobody's matter, unless it is a defect: then the loop says so."""
    if not task.cancelled():
        error = task.exception()
        if error is not None:
            raise error
