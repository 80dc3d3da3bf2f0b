"""A bazaar for the client's tests: a chain and our own gate, with everything on sale."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from mpp.methods.tempo import server as tempo_server
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route as AppRoute

from mock_rails.core import Clock
from mock_rails.server import Host
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.chain import TempoRpc
from sandbox.client.client import PaidClient
from sandbox.client.wallet import Wallet
from sandbox.server.challenges import Challenges
from sandbox.server.charge import charge_offers
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.session import SessionServer
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.client.market import PAYER, SECRET, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

PAYEE = Wallet.dev(4)
PRICE = 100
DEPOSIT = 1_000
TOKENS = 25


@dataclass
class Bazaar:
    """A chain and a gate with everything on sale."""

    url: str
    rpc_url: str
    rpc: TempoRpc
    chain: Chain
    served: list[str]

    @asynccontextmanager
    async def customer(self, **options: Any) -> AsyncIterator[PaidClient]:
        """A client of this bazaar."""
        async with PaidClient(PAYER, rpc_url=self.rpc_url, **options) as client:
            yield client


@asynccontextmanager
async def open_bazaar(lifetime_s: int = 300) -> AsyncIterator[Bazaar]:
    """Session, charge, both, and a stream by the event, over HTTP and WebSocket."""
    chain, clock, served = Chain(), Clock(), list[str]()

    async def answer(request: Request) -> JSONResponse:
        served.append(f"{request.method} {request.url.path}")
        return JSONResponse({"body": (await request.body()).decode()})

    async def stream(request: Request) -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            for at in range(TOKENS):
                yield f"data: word {at}\n\n".encode()

        return StreamingResponse(events(), media_type="text/event-stream")

    app = Starlette(
        routes=[
            *(AppRoute(path, answer, methods=["GET", "POST"]) for path in ("/search", "/both")),
            AppRoute("/free", answer),
            AppRoute("/stream", stream),
        ]
    )
    async with (
        Host(TempoApi(chain)) as node,
        httpx.AsyncClient() as http,
        TempoRpc(node.url) as rpc,
    ):
        store = MemoryStore(clock)
        server = SessionServer(rpc=rpc, payee=PAYEE, store=store, clock=clock, fee_token=PATH_USD)

        def by_session(unit_type: str, *, streams: bool = False) -> Any:
            return server.offer(
                amount=PRICE,
                currency=PATH_USD,
                unit_type=unit_type,
                suggested_deposit=DEPOSIT,
                chain_id=chain.chain_id,
                streams=streams,
            )

        charges = charge_offers(
            tempo_server.charge(
                recipient=f"0x{PAYEE.address.hex()}",
                chain_id=chain.chain_id,
                rpc_url=node.url,
                currencies=[TOKEN],
                http_client=http,
            ),
            amount="0.01",
        )
        search, tokens = by_session("request"), by_session("token", streams=True)
        gate = Gate(
            app,
            [
                Route("/search", (search,), methods=frozenset({"GET", "POST"})),
                Route("/both", (*charges, search)),
                Route("/stream", (tokens,), streams=True, socket_path="/socket"),
            ],
            challenges=Challenges(
                realm="bazaar", secret=SECRET, clock=clock, lifetime_s=lifetime_s
            ),
            store=store,
            clock=clock,
        )
        await server.start()
        async with Host(gate) as host:
            yield Bazaar(host.url, node.url, rpc, chain, served)
        await server.stop()
