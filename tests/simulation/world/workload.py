"""What payers do all day: pay on every rail, close what they opened, and now and then steal.

A payer's work is drawn from its own stream, so that one payer more changes nothing for the others.
Whatever the world does to it, a client may raise only what it promises: its own errors and httpx's.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from mock_rails.core.errors import SandboxError
from sandbox.client.session.channel import ChannelState
from tests.simulation.world.invariants import BrokenError, need
from tests.simulation.world.sockets import PAYER
from tests.simulation.world.world import URL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mock_rails.core.seeds import Stream
    from sandbox.client.streaming import EventReader, SocketReader
    from tests.simulation.world.world import Payer, World

ROUTES: Final = (
    "/quote",
    "/search",
    "/complete",
    "/report",
    "/stripe/quote",
    "/lightning/quote",
    "/lightning/search",
    "/lightning/complete",
    "/complete/ws",
)
_DEEDS: Final = (
    *ROUTES,
    "/search",
    "/complete",
    "close",
    "steal",
    "steal",
    "both",
    "reconcile",
    "leave",
    "ticket",
)
_MOST_TOKENS: Final = 12
_HANGS_S: Final = 600
"""Nothing that a client does takes as long: all that it waits for has an end."""
_PROMISED: Final = (SandboxError, httpx.HTTPError)


class Customer:
    """One payer at work."""

    def __init__(self, world: World, payer: Payer) -> None:
        self._world = world
        self._payer = payer
        self._draws: Stream = world.draws.stream(f"{payer.name} does")
        self._number = 0
        self.has_left = False
        """Whether it is gone, and has asked the chain for what is in its channels."""

    async def work(self, deeds: int, after: Callable[[], Awaitable[None]]) -> None:
        """Do so many things, one after another; `after` is called after each."""
        for _ in range(deeds):
            await self._world.clock.wall_sleep(self._pause())
            await self.do(self._draws.choice(_DEEDS))
            await after()
            if self.has_left:
                return

    async def do(self, deed: str) -> bool:
        """One thing; whether it went well."""
        self._number += 1
        name = f"{self._payer.name} {self._number} {deed}"
        self._world.tell(f"{name} begins")
        try:
            async with asyncio.timeout(_HANGS_S):
                said = await self._done(deed)
        except TimeoutError:
            raise BrokenError("liveness", f"{name} hangs") from None
        except _PROMISED as error:
            self._world.tell(f"{name}: {type(error).__name__} {str(error)[:90]}")
            return False
        except (BrokenError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise BrokenError("a client raises what it promises", f"{name}: {error!r}") from error
        self._world.tell(f"{name}: {said}")
        return said == httpx.codes.OK

    async def _done(self, deed: str) -> Any:
        if deed == "close":
            return await self.close()
        if deed == "leave":
            return await self._leave()
        if deed == "return":
            return await self._return()
        if deed == "ticket":
            return await self._payer.tickets.use()
        if deed == "steal":
            return await self._steal()
        if deed == "reconcile":
            return len(await self._payer.client.reconcile())
        if deed == "both":
            first, second = self._draws.choice(ROUTES), self._draws.choice(ROUTES)
            return await asyncio.gather(self.do(first), self.do(second))
        url = f"{URL}{deed}?op={self._number}&{PAYER}={self._payer.name}"
        if deed.endswith(("/complete", "/ws")):
            return await self._read(url, by_socket=deed.endswith("/ws"))
        return (await self._payer.client.get(url)).status_code

    async def _read(self, url: str, *, by_socket: bool) -> int:
        """Read a stream, sometimes not to its end."""
        tokens = self._draws.integer(1, _MOST_TOKENS)
        wanted = self._draws.choice([tokens + 2, tokens + 2, self._draws.integer(0, tokens)])
        open_ = self._payer.client.websocket if by_socket else self._payer.client.stream
        stream: AbstractAsyncContextManager[EventReader | SocketReader]
        stream = open_(f"{url}&tokens={tokens}")
        async with stream as events:
            count = 0
            async for _ in events:
                count += 1
                if count >= wanted:
                    break
        return httpx.codes.OK

    async def close(self) -> str:
        """Close all channels and sessions."""
        client = self._payer.client
        outcomes = [
            *await client.sessions.close_all(),
            *await client.lightning_sessions.close_all(),
        ]
        failed = [type(one.error).__name__ for one in outcomes if one.error is not None]
        return f"{len(outcomes)} closed, but {failed}" if failed else f"{len(outcomes)} closed"

    async def _leave(self) -> str:
        """Force all channels to close, and be gone. Nobody tells the merchants but the chain."""
        sessions = self._payer.client.sessions
        mine = [one.id for one in sessions.channels() if one.state is ChannelState.OPEN]
        for channel_id in mine:
            self.has_left = (await sessions.force_close(channel_id)).close_requested_at_s > 0
        return f"{len(mine)} channels left"

    async def _return(self) -> str:
        """Take back what was not captured of the channels that were left."""
        sessions = self._payer.client.sessions
        left = [
            one.id
            for one in sessions.channels()
            if one.state is ChannelState.CLOSING and one.close_requested_at_s
        ]
        for channel_id in left:
            need(
                (await sessions.withdraw(channel_id)).state is ChannelState.CLOSED,
                "liveness",
                f"{channel_id.hex()} does not end",
            )
        return f"{len(left)} channels ended"

    async def _steal(self) -> Any:
        """Show a credential once more that somebody has paid with."""
        seen = [one for payer in self._world.payers for one in payer.seen]
        if not seen:
            return "nothing to steal"
        found = self._draws.choice(seen)
        headers = dict(found.headers)
        match self._draws.integer(0, 2):
            case 0:
                headers.pop("idempotency-key", None)
            case 1:
                headers["idempotency-key"] = f"thief-{self._number}"
        line = self._world.line(f"thief-{self._payer.name}-{self._number} > merchants")
        request = httpx.Request(found.method, found.url, headers=headers, content=found.content)
        response = await line.handle_async_request(request)
        await response.aread()
        await response.aclose()
        return f"stolen: {response.status_code}"

    def _pause(self) -> timedelta:
        return timedelta(milliseconds=self._draws.choice([5, 50, 700, 3_000]))


async def must_serve(world: World, customer: Customer, route: str) -> None:
    """Liveness: after all is healed, a payer is served again, within a few tries."""
    for _ in range(3):
        if await customer.do(route):
            return
        await world.clock.wall_sleep(timedelta(seconds=61))
    need(False, "liveness", f"{route} does not serve after all is healed")
