"""The proxy: Stripe's hosts lead to the rail, every other host is refused.

Two doors to the same rail. The *proxy* door takes HTTP CONNECT, as HTTPS_PROXY has it; the *TLS*
door, where tunnels end and where the Node preload comes at once, since Node's own fetch and https
know no proxy, ends TLS with the leaf of the run's authority. Bytes are passed on as they come, so
requests arrive at the rail exactly as the program wrote them, Host header and all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mock_rails.held import own_folder
from mock_rails.listening import LOOPBACK, bind
from mock_rails.stripe.proxy.authority import Authority

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from mock_rails.core.clock import Clock

HOSTS: Final = ("api.stripe.com", "mpp.stripe.com", "js.stripe.com")
"""The hosts that lead to the rail; what it does not emulate there, it refuses by name."""

_HEAD_S: Final = 10
_CLOSE_S: Final = 1
_CHUNK: Final = 64 * 1024
_BACKLOG: Final = 256
_LONGEST_TARGET: Final = 260

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class StripeProxy:
    """Both doors, while it is entered."""

    def __init__(
        self,
        *,
        rail_port: int,
        clock: Clock,
        rail_host: str = LOOPBACK,
        host: str = LOOPBACK,
        port: int = 0,
        tls_port: int = 0,
        folder: Path | None = None,
    ) -> None:
        """`folder` is where the authority's certificate is put; None for one that ends with it."""
        self.host, self.port, self.tls_port = host, port, tls_port
        self._rail = (rail_host, rail_port)
        self._clock = clock
        self._folder = folder
        self._authority: Authority | None = None
        self._stack = AsyncExitStack()
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """What HTTPS_PROXY names."""
        return f"http://{self.host}:{self.port}"

    @property
    def certificate(self) -> Path:
        """The authority's certificate."""
        assert self._authority is not None, "the proxy has not been started"
        return self._authority.certificate

    @property
    def preload(self) -> Path:
        """The module for `node --import`."""
        return Path(str(files(__package__).joinpath("preload.mjs")))

    def environment(self) -> dict[str, str]:
        """What a program's environment needs, so that it comes here by itself."""
        return {
            "HTTPS_PROXY": self.url,
            "NO_PROXY": "localhost,127.0.0.1,::1",
            "SSL_CERT_FILE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "NODE_OPTIONS": f"--import={self.preload.as_uri()}",
            "MPP_SANDBOX_STRIPE_CA": str(self.certificate),
            "MPP_SANDBOX_STRIPE_TLS": f"{self.host}:{self.tls_port}",
        }

    async def __aenter__(self) -> StripeProxy:
        """Make an authority and open both doors."""
        try:
            folder = self._folder
            if folder is None:
                folder = self._stack.enter_context(own_folder("mpp-sandbox-ca-"))
            self._authority = Authority.make(folder, HOSTS, self._clock)
            self.tls_port = await self._open(self.tls_port, self._to_rail, self._authority.context)
            self.port = await self._open(self.port, self._connect)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both, and whatever still runs through them."""
        await self._stack.aclose()

    # -- the doors --------------------------------------------------------------------------------

    async def _open(self, port: int, serve: _Serve, context: ssl.SSLContext | None = None) -> int:
        listener = bind(self.host, port)
        port = int(listener.getsockname()[1])

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await serve(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                pass  # the program left, or never spoke HTTP: nobody is there to be told
            finally:
                self._running.discard(task)
                await _end(writer)

        server = await asyncio.start_server(
            served, sock=listener, ssl=context, limit=_CHUNK, backlog=_BACKLOG
        )
        self._stack.push_async_callback(self._close, server)
        return port

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The proxy door: a tunnel to the TLS door for Stripe's hosts, a refusal for all others."""
        async with asyncio.timeout(_HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        verb, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0][:_LONGEST_TARGET]
        host, _, port = target.rpartition(":")
        if verb != "CONNECT":
            writer.write(_refusal("400 Bad Request", f"this proxy takes CONNECT, not {verb[:20]}"))
        elif host.lower() not in HOSTS or port != "443":
            words = f"{target} is not emulated, and nothing leaves this machine"
            writer.write(_refusal("403 Forbidden", words))
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _pass_on(reader, writer, (self.host, self.tls_port))
        await writer.drain()

    async def _to_rail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The TLS door: what the program said, to the rail."""
        await _pass_on(reader, writer, self._rail)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: tuple[str, int]
) -> None:
    """Carry bytes both ways until one side ends; what it had said still arrives."""
    far_reader, far_writer = await asyncio.open_connection(*to)
    ways = [
        asyncio.ensure_future(_pump(reader, far_writer)),
        asyncio.ensure_future(_pump(far_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _end(far_writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _end(writer: asyncio.StreamWriter) -> None:
    """Close, giving what was written a moment to leave."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await writer.wait_closed()


def _refusal(status: str, words: str) -> bytes:
    body = f"mpp-sandbox: {words}.\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
