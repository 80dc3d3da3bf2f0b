"""What happened, as the control tells it: pages, a stream that goes on, and one payment at a time.

The journal is shared by the rails and the merchants; an exchange is one paid request with all
that it caused, under one id. Which step of a rail is whose is worked out by `sandbox.journaling`
when somebody asks for an exchange.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import NotFound
from sandbox.journaling import join, records_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mock_rails.core.journal import Event, Journal
    from sandbox.journaling import Record

MOST_EVENTS: Final = 1_000
_HEARTBEAT_S: Final = 15
_HEARTBEAT: Final = b": still here\n\n"


def page(
    journal: Journal, after: int, limit: int, kind: str | None, exchange: str | None = None
) -> dict[str, Any]:
    """The events past an offset, and where to read on; of one exchange, or of all with one
    challenge, if it is named: then each has its exchange."""
    most = min(limit, MOST_EVENTS)
    if exchange is None:
        events = [event._asdict() for event in journal.read(after, most, kind=kind)]
    else:
        steps = [one.to_json() for one in records_of(_joined(journal), exchange)]
        events = [one for one in steps if one["offset"] > after and kind in {None, one["kind"]}][
            :most
        ]
    return {
        "events": events,
        "first_offset": journal.first_offset,
        "last_offset": journal.last_offset,
        "next_after": events[-1]["offset"] if events else after,
    }


def exchanges(journal: Journal, limit: int | None, *, after: int = 0) -> list[dict[str, Any]]:
    """The newest exchanges that the journal still knows, newest first, in short; past an offset
    if that is given."""
    found: dict[str, list[Record]] = {}
    for record in _joined(journal, after):
        for name in record.exchanges:
            found.setdefault(name, []).append(record)
    newest = sorted(found.items(), key=lambda item: _own(*item)[-1]["offset"], reverse=True)
    return [_outline(name, records) for name, records in newest[:limit]]


def exchange(journal: Journal, name: str) -> dict[str, Any]:
    """One exchange with every step of it, of the gate's and of the rails'."""
    records = [one for one in _joined(journal) if name in one.exchanges]
    if not records:
        raise NotFound(
            f"The journal knows no exchange {name[:80]!r}.",
            hint="It may be too old: the journal keeps the newest events only.",
        )
    return {**_outline(name, records), "events": [one.to_json() for one in records]}


def _joined(journal: Journal, after: int = 0) -> list[Record]:
    return join([event._asdict() for event in journal.read(after)])


def _own(name: str, records: list[Record]) -> list[Mapping[str, Any]]:
    """What was said under the exchange's own id; of others' events only the names are its."""
    return [one.event for one in records if one.event["exchange"] == name]


def _outline(name: str, records: list[Record]) -> dict[str, Any]:
    first, last = records[0].event, records[-1].event
    return {
        "id": name,
        "begun_at_us": first["at_us"],
        "ended_at_us": last["at_us"],
        "first_offset": first["offset"],
        "last_offset": last["offset"],
        "kinds": [one.event["kind"] for one in records],
        **{
            field: value
            for event in _own(name, records)
            for field in ("method", "path", "status")
            if (value := event["data"].get(field)) is not None
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
