"""Puts a rail's ASGI application on a port, and takes it off again in good order.

One `Host` is one application on one port; several live in one event loop, which is how the devnet
runs every rail in one process. The port is bound before anything else starts, so that a busy one
is a single clear sentence, and port 0 becomes the number that the system picked.

uvicorn is run with httptools and without its access log: a quarter of a request's cost (DESIGN
2.3).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from typing import TYPE_CHECKING, Any, Final

from mock_rails.listening import BACKLOG, LOOPBACK, CannotListen, bind, netloc

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType

_GRACE_S: Final = 2
_GC_THRESHOLDS: Final = (50_000, 20, 100)
"""Rails leave no reference cycles behind, so the cycle collector, whose pauses grow with the
history it walks, need not run often (DESIGN 2.3)."""
_WS_MESSAGE_LIMIT: Final = 16 * 1024 * 1024


class Host:
    """One ASGI application listening on one port.

    async with Host(api, port=0) as host:
        print(host.url)
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        name: str = "",
        listener: socket.socket | None = None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        """`listener` is a socket that `bind` has opened already, in this process or its parent.
        `tls` is a certificate and its key, for an application that is to speak TLS."""
        self.app = app
        self.host = host
        self.port = port
        self.name = name
        self._listener = listener
        self._tls = tls
        self._server: Any = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{netloc(self.host, self.port)}"

    @property
    def ws_url(self) -> str:
        """The same for WebSocket clients."""
        return "ws" + self.url.removeprefix("http")

    async def start(self) -> None:
        """Listen; the application answers when this returns."""
        from uvicorn import Config, Server

        certificate, key = self._tls or (None, None)
        listener = self._listener or bind(self.host, self.port)
        self.port = listener.getsockname()[1]
        config = Config(
            self.app,
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=_WS_MESSAGE_LIMIT,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        config.load()
        server = Server(config)
        server.lifespan = config.lifespan_class(config)
        try:
            # Not serve(): that takes the process's signals, which belong to whoever runs the hosts.
            await server.startup(sockets=[listener])
        except SystemExit:
            listener.close()
            name = self.name or "the application"
            raise CannotListen(f"Port {self.port} was opened, but {name} did not start.") from None
        self._server = server
        self._serving = asyncio.create_task(server.main_loop())

    async def stop(self) -> None:
        """Stop listening, let running answers finish for a moment, and end the application.

        An application with answers that would not end by themselves has `end_streams`.
        """
        serving, self._serving = self._serving, None
        if serving is None:
            return
        if (end_streams := getattr(self.app, "end_streams", None)) is not None:
            end_streams()
        self._server.should_exit = True
        await serving
        await self._server.shutdown()

    async def __aenter__(self) -> Host:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self.stop()


async def serve(
    hosts: Iterable[AbstractAsyncContextManager[Any]], *, ready: Callable[[], None]
) -> None:
    """Run hosts, or whatever starts and stops like one, until SIGINT or SIGTERM; `ready` is called
    when all of them listen.

    If one cannot start, those before it are stopped and the error is raised.
    """
    async with contextlib.AsyncExitStack() as stack:
        asked_to_stop = _stop_signals(stack)
        for host in hosts:
            await stack.enter_async_context(host)
        # What start-up made stays until the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        ready()
        await asked_to_stop.wait()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on uvloop, or on asyncio's own loop where there is no uvloop."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def _stop_signals(stack: contextlib.AsyncExitStack) -> asyncio.Event:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, event.set)
        stack.callback(loop.remove_signal_handler, one)
    return event
