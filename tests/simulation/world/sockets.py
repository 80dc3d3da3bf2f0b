"""The WebSockets of a world: what `websockets` would connect, without a socket.

A connection may be refused, or break after some frames in either direction. Then the client sees
what `websockets` would show it, and the merchants a disconnect; a client whose server dies sees the
frames that were on their way, and then the end.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
import websockets.asyncio.client as library
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from tests.simulation.world.loop import OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.world.network import Network

    Message = dict[str, Any]

PAYER: Final = "payer"
"""The query's member that names who connects: so each payer's accidents are its own."""
_USUAL_MS: Final = 30
_MOST_FRAMES: Final = 12
_PATIENCE_S: Final = 1.0
_NORMAL: Final = frozenset({1000, 1001})


@contextmanager
def sockets_go_by(network: Network, application: Callable[[], Any]) -> Iterator[None]:
    """While this lasts, connections lead to the merchants; `application` is None while they are
    down."""

    async def connect(url: str, **_: Any) -> Connection:
        place = httpx.URL(url)
        draws = network.stream(f"{place.params[PAYER]} > merchants by socket")
        await network.clock.wall_sleep(timedelta(milliseconds=draws.integer(1, _USUAL_MS)))
        weather, app = network.weather("merchants"), application()
        if app is None or draws.integer(0, 999) < weather.unsent:
            raise ConnectionRefusedError("no connection")
        breaks = draws.integer(0, 999) < weather.cut + weather.unanswered + weather.lost
        connection = Connection(network, draws.integer(0, _MOST_FRAMES) if breaks else None)
        await connection.open(app, place)
        return connection

    before = library.connect
    library.connect = connect  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        library.connect = before  # type: ignore[misc]


class Connection:
    """One WebSocket, as its client holds it. It breaks after `frames`, if that is not None."""

    def __init__(self, network: Network, frames: int | None) -> None:
        self._network = network
        self._program = network.program("merchants")
        self._frames = frames
        self._to_server: asyncio.Queue[Message] = asyncio.Queue()
        self._to_client: asyncio.Queue[Message | None] = asyncio.Queue()
        self._has_ended = False
        self._serving: asyncio.Task[None]

    async def open(self, app: Any, url: httpx.URL) -> None:
        """Shake hands."""
        self._to_server.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query,
            "root_path": "",
            "headers": [(b"host", url.host.encode())],
            "subprotocols": [],
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 0),
        }
        mine = OWNER.set(self._program)
        try:
            self._serving = asyncio.ensure_future(app(scope, self._to_server.get, self._sent))
        finally:
            OWNER.reset(mine)
        self._serving.add_done_callback(self._served)
        first = await self._to_client.get()
        if first is None or first["type"] != "websocket.accept":
            raise ConnectionResetError("the server broke the handshake off")

    async def send(self, text: str) -> None:
        """Send a frame."""
        self._count()
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    async def recv(self) -> str:
        """The next frame."""
        message = await self._to_client.get()
        if message is None:
            self._to_client.put_nowait(None)
            raise ConnectionClosedError(None, None)
        if message["type"] == "websocket.close":
            self._to_client.put_nowait(None)
            is_well = message.get("code", 1000) in _NORMAL
            raise ConnectionClosedOK(None, None) if is_well else ConnectionClosedError(None, None)
        self._count()
        text: str = message["text"]
        return text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Leave, and wait until the server knows."""
        self._hang_up(code)
        await asyncio.wait({self._serving}, timeout=_PATIENCE_S)

    # -- inside -----------------------------------------------------------------------------------

    def _count(self) -> None:
        if self._has_ended:
            raise ConnectionClosedError(None, None)
        if self._frames is not None:
            self._frames -= 1
            if self._frames < 0:
                self._network.tell("a WebSocket breaks")
                self._hang_up(1006)
                raise ConnectionClosedError(None, None)

    def _hang_up(self, code: int) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._to_server.put_nowait({"type": "websocket.disconnect", "code": code})

    async def _sent(self, message: Message) -> None:
        if self._has_ended or self._network.is_dead(self._program):
            raise OSError("the client has left")
        await self._network.clock.yield_to_loop()  # as a real one lets others run
        self._to_client.put_nowait(message)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._to_client.put_nowait(None)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
