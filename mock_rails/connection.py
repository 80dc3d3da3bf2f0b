"""Breaking a connection on purpose, which every rail's wire can be armed to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


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
