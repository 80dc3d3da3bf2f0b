"""What every rail's wire does with its connections: read a whole body, and break off on purpose."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping

    # ASGI's own words; for annotations only, so they are imported while type checking.
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """A request's body, or its first bytes past the limit; None when the client has left."""
    event = await receive()
    body: bytes = event.get("body", b"")
    if event.get("more_body"):
        chunks, size = [body], len(body)
        while event.get("more_body") and size <= limit:
            event = await receive()
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
        body = b"".join(chunks)
    return None if event["type"] == "http.disconnect" else body


async def live(
    receive: Receive,
    send: Send,
    *works: Callable[[], Coroutine[Any, Any, None]],
    begun: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """An application's lifetime (ASGI's lifespan): do these works from its start to its end."""
    tasks: list[asyncio.Task[None]] = []
    while (await receive())["type"] == "lifespan.startup":
        tasks = [asyncio.create_task(work()) for work in works]
        if begun is not None:
            await begun()
        await send({"type": "lifespan.startup.complete"})
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end  # it had died before it was cancelled, and nobody was told
    await send({"type": "lifespan.shutdown.complete"})


async def break_off(receive: Receive, send: Send) -> None:
    """Break the connection of an ASGI call, as a fault asks for.

    ASGI has no word for it, so uvicorn's own transport is closed. Where there is none, in process,
    the client gets the error that a broken connection is.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("An armed fault of the sandbox broke the connection.")
    transport.close()
    while not (await receive())["type"].endswith(".disconnect"):
        pass
