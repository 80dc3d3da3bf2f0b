"""What happened, as the control tells it: pages, a stream that goes on, and one payment at a time.

The journal is shared by the rails and the merchants; an exchange is one paid request with all
that it caused, under one id.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.core.journal import Event, Journal

MOST_EVENTS: Final = 1_000
_HEARTBEAT_S: Final = 15
_HEARTBEAT: Final = b": still here\n\n"


def page(journal: Journal, after: int, limit: int, kind: str | None) -> dict[str, Any]:
    """The events past an offset, and where to read on."""
    events = journal.read(after, min(limit, MOST_EVENTS), kind=kind)
    return {
        "events": [event._asdict() for event in events],
        "first_offset": journal.first_offset,
        "last_offset": journal.last_offset,
        "next_after": events[-1].offset if events else after,
    }


def exchanges(journal: Journal, limit: int) -> list[dict[str, Any]]:
    """The newest exchanges that the journal still knows, newest first, in short."""
    found: dict[str, list[Event]] = {}
    for event in journal.read():
        if event.exchange is not None:
            found.setdefault(event.exchange, []).append(event)
    newest = sorted(found.items(), key=lambda item: item[1][-1].offset, reverse=True)
    return [_outline(name, events) for name, events in newest[:limit]]


def exchange(journal: Journal, name: str) -> dict[str, Any]:
    """One exchange with everything that happened in it."""
    events = journal.read(exchange=name)
    if not events:
        raise NotFound(
            f"The journal knows no exchange {name[:80]!r}.",
            hint="It may be too old: the journal keeps the newest events only.",
        )
    return {**_outline(name, events), "events": [event._asdict() for event in events]}


def _outline(name: str, events: list[Event]) -> dict[str, Any]:
    first, last = events[0], events[-1]
    return {
        "id": name,
        "begun_at_us": first.at_us,
        "ended_at_us": last.at_us,
        "first_offset": first.offset,
        "last_offset": last.offset,
        "kinds": [event.kind for event in events],
        **{
            field: value
            for event in events
            for field in ("method", "path", "status")
            if (value := event.data.get(field)) is not None
        },
    }


async def stream(journal: Journal, after: int, stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """The journal as server-sent events from an offset on, until the devnet stops.

    An event's id is its offset, so that a reader which comes back goes on where it was. Now and
    then a comment keeps idle connections from being cut.
    """
    stopped = asyncio.create_task(stopping.wait())
    async with aclosing(journal.follow(after)) as events:
        following = asyncio.ensure_future(anext(events))
        try:
            while True:
                done, _ = await asyncio.wait(
                    {following, stopped},
                    timeout=_HEARTBEAT_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stopped in done:
                    return
                if following in done:
                    yield _frame(following.result())
                    following = asyncio.ensure_future(anext(events))
                else:
                    yield _HEARTBEAT
        finally:
            for task in (stopped, following):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def _frame(event: Event) -> bytes:
    return f"id: {event.offset}\nevent: {event.kind}\ndata: {event.to_json()}\n\n".encode()
