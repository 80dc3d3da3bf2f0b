"""The shop: a cent for a reading, half a dollar for a day in the archive."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from mpp.methods.tempo import server as tempo
from mpp.server import Mpp, pay
from mpp.store import MemoryStore

PATH_USD = "0x20c0000000000000000000000000000000000000"
PASS_LASTS = timedelta(hours=24)


def machine_time() -> datetime:
    """The time that the shop goes by unless a test brings another."""
    return datetime.now(UTC)


def make_shop(
    *,
    rpc_url: str,
    chain_id: int,
    payee: str,
    secret: str,
    now: Callable[[], datetime] = machine_time,
    http: httpx.AsyncClient | None = None,
) -> FastAPI:
    """The shop as an application, paid on the chain that `rpc_url` leads to."""
    methods = tempo.charge(
        chain_id=chain_id,
        rpc_url=rpc_url,
        recipient=payee,
        currencies=[PATH_USD],
        store=MemoryStore(),
        http_client=http,
    )
    till = Mpp(methods=methods, realm="weather.test", secret_key=secret)
    app = FastAPI()
    passes: dict[str, datetime] = {}

    @app.get("/reading")
    @pay(till.charge(amount="0.01"))
    async def reading(request: Request, credential: object, receipt: object) -> JSONResponse:
        return JSONResponse({"celsius": 21})

    @app.post("/pass")
    @pay(till.charge(amount="0.50"))
    async def buy_pass(request: Request, credential: object, receipt: object) -> JSONResponse:
        name = secrets.token_urlsafe()
        passes[name] = now() + PASS_LASTS
        return JSONResponse({"pass": name})

    @app.get("/archive")
    async def archive(request: Request) -> JSONResponse:
        name = request.headers.get("x-pass", "")
        if name not in passes or passes[name] <= now():
            return JSONResponse({"buy": "/pass"}, status_code=403)
        return JSONResponse({"celsius": [19, 20, 21]})

    return app
