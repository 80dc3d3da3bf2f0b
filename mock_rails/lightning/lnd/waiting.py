"""Waiting for an answer only as long as somebody waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    T = TypeVar("T")


class Departed(Exception):
    """The client has gone before the answer came."""


async def unless(left: Awaitable[object], work: Awaitable[T]) -> T:
    """What the work gives; if the client leaves first, the work is called off. A future that is
    passed as `left` may be waited for again; a coroutine is over with this."""
    gone = asyncio.ensure_future(left)
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait((gone, doing), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Departed
        return doing.result()
    finally:
        for one in (doing, *(() if gone is left else (gone,))):
            if not one.done():
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
