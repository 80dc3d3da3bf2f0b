"""The control's routes as a FastAPI application; errors are RFC 9457 problems."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from fastapi import Body, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from mock_rails import __version__
from mock_rails.core.errors import BadInput, SandboxError
from sandbox.control import channels, faults, journal, money, snapshots, time
from sandbox.control.guarded import GuardedRoute

if TYPE_CHECKING:
    import asyncio

    from sandbox.devnet import Devnet

PREFIX: Final = "/_sandbox"
MOST_EXCHANGES: Final = 500
_OFFSET: Final = re.compile(r"[0-9]{1,18}")

Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=journal.MOST_EVENTS)]


class Gift(BaseModel):
    """Who gets money: some of every token, or an exact amount of one, in base units."""

    model_config = ConfigDict(extra="forbid")

    address: str
    amount: str | int | None = None
    token: str | None = None


class Span(BaseModel):
    """How far the clock jumps: `16m`, `1h30m`, or seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    by: str | int


class Instant(BaseModel):
    """Where the clock jumps to; into the past only with `backwards`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: str | int
    backwards: bool = False


class Stop(BaseModel):
    """Where the clock stops: where it is, or at a later instant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: str | int | None = None


def build_routes(devnet: Devnet, stopping: asyncio.Event) -> FastAPI:
    """The application; `stopping` ends its endless answers."""
    app = FastAPI(title="mpp-sandbox control", version=__version__, docs_url=None, redoc_url=None)
    app.router.route_class = GuardedRoute
    app.add_exception_handler(SandboxError, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    _add_money(app, devnet)
    _add_channels(app, devnet)
    _add_journal(app, devnet, stopping)
    _add_time(app, devnet)
    _add_faults(app, devnet)
    _add_snapshots(app, devnet)
    return app


def _add_money(app: FastAPI, devnet: Devnet) -> None:
    @app.get(f"{PREFIX}/accounts")
    async def accounts() -> Response:
        """The development accounts with their roles and balances."""
        return _json({"accounts": await money.accounts(devnet)})

    @app.get(f"{PREFIX}/accounts/{{address}}")
    async def account(address: str) -> Response:
        """What any account holds."""
        owner = money.read_address(address)
        balances = await money.balances_of(money.rpc_of(devnet), owner)
        return _json({"address": f"0x{owner.hex()}", "balances": balances})

    @app.post(f"{PREFIX}/fund")
    async def fund(gift: Gift) -> Response:
        """Give an address money."""
        amount = None if gift.amount is None else str(gift.amount)
        return _json(await money.give(devnet, gift.address, amount, gift.token))


def _add_channels(app: FastAPI, devnet: Devnet) -> None:
    @app.get(f"{PREFIX}/channels")
    async def listed() -> Response:
        """The merchants' channels."""
        return _json(await channels.listed(devnet))

    @app.get(f"{PREFIX}/channels/{{channel_id}}")
    async def one(channel_id: str) -> Response:
        """One channel."""
        return _json(await channels.one(devnet, channel_id))

    @app.post(f"{PREFIX}/channels/{{channel_id}}/settle")
    async def settle(channel_id: str) -> Response:
        """Capture what is authorised and delivered; the channel stays open."""
        return _json(await channels.settle(devnet, channel_id))

    @app.post(f"{PREFIX}/channels/{{channel_id}}/close")
    async def close(channel_id: str) -> Response:
        """Capture what is due and end the channel."""
        return _json(await channels.close(devnet, channel_id))


def _add_journal(app: FastAPI, devnet: Devnet, stopping: asyncio.Event) -> None:
    kept = devnet.context.journal

    @app.get(f"{PREFIX}/journal")
    async def page(
        after: Offset = 0,
        limit: Limit = 100,
        kind: str | None = None,
        exchange: str | None = None,
    ) -> Response:
        """What happened past an offset, or in one exchange."""
        return _json(journal.page(kept, after, limit, kind, exchange))

    @app.get(f"{PREFIX}/events")
    async def events(
        after: Annotated[int | None, Query(ge=0)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The same as it happens, as server-sent events; `Last-Event-ID` goes on where one was."""
        start = after
        if last_event_id is not None and _OFFSET.fullmatch(last_event_id):
            start = int(last_event_id)
        if start is None:
            start = kept.last_offset
        return StreamingResponse(
            journal.stream(kept, start, stopping),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache, no-transform"},
        )

    @app.get(f"{PREFIX}/exchanges")
    async def exchanges(
        limit: Annotated[int, Query(ge=1, le=MOST_EXCHANGES)] = 50,
    ) -> Response:
        """The newest paid requests."""
        return _json({"exchanges": journal.exchanges(kept, limit)})

    @app.get(f"{PREFIX}/exchanges/{{exchange_id}}")
    async def exchange(exchange_id: str) -> Response:
        """One paid request and all that it caused."""
        return _json(journal.exchange(kept, exchange_id))


def _add_time(app: FastAPI, devnet: Devnet) -> None:
    @app.get(f"{PREFIX}/time")
    async def now() -> Response:
        """What time it is."""
        return _json(time.shown(devnet.context.clock))

    @app.post(f"{PREFIX}/time/advance")
    async def advance(span: Span) -> Response:
        """Jump forward."""
        return _json(await time.advance(devnet, span.by))

    @app.post(f"{PREFIX}/time/set")
    async def set_to(instant: Instant) -> Response:
        """Jump to an instant."""
        return _json(await time.set_to(devnet, instant.to, backwards=instant.backwards))

    @app.post(f"{PREFIX}/time/freeze")
    async def freeze(stop: Stop | None = None) -> Response:
        """Stop the clock."""
        return _json(await time.freeze(devnet, None if stop is None else stop.at))

    @app.post(f"{PREFIX}/time/resume")
    async def resume() -> Response:
        """Let it run on."""
        return _json(await time.resume(devnet))


def _add_faults(app: FastAPI, devnet: Devnet) -> None:
    context = devnet.context

    @app.get(f"{PREFIX}/faults")
    async def listed() -> Response:
        """What is armed, and what can be."""
        return _json(faults.listed(context))

    @app.post(f"{PREFIX}/faults")
    async def arm(fault: Annotated[Any, Body()]) -> Response:
        """Arm a fault: `{"at": point, "do": action, "when": …, "args": …, "where": …}`; or, by
        `{"named": slug}`, those of a failure of the catalogue."""
        if isinstance(fault, dict) and set(fault) == {"named"}:
            return _json({"armed": faults.arm_named(context, fault["named"])})
        return _json(faults.arm(context, fault))

    @app.delete(f"{PREFIX}/faults")
    async def clear() -> Response:
        """Disarm all."""
        return _json(faults.clear(context))

    @app.delete(f"{PREFIX}/faults/{{fault_id:path}}")
    async def disarm(fault_id: str) -> Response:
        """Disarm one."""
        return _json(faults.disarm(context, fault_id))


def _add_snapshots(app: FastAPI, devnet: Devnet) -> None:
    @app.get(f"{PREFIX}/snapshot")
    async def save() -> Response:
        """Everything as one document."""
        return _json_bytes(snapshots.save(devnet))

    @app.post(f"{PREFIX}/snapshot")
    async def load(request: Request) -> Response:
        """Become what a document says."""
        return _json(await snapshots.load(devnet, await request.body()))


def _json(document: Any) -> Response:
    return _json_bytes(orjson.dumps(document))


def _json_bytes(document: bytes) -> Response:
    return Response(document, media_type="application/json", headers={"cache-control": "no-store"})


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, SandboxError)
    return Response(
        json.dumps(error.problem(), default=str).encode(),  # orjson refuses half a character
        status_code=error.status,
        media_type="application/problem+json",
    )


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    )
    return await _problem(request, BadInput(f"The request is malformed: {told}."))
