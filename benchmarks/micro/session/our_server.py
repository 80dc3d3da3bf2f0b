"""Our gate as a process of the benchmark: `python -m benchmarks.micro.session.our_server`.

What it is to be comes as one JSON object on stdin (`world.order`); where it listens goes out as one
JSON object on stdout. SIGTERM ends it.

    session     SessionServer over MemoryStore, with the open channels of `world`
    charge      pympp's charge method behind our gate, on a chain at `rpcUrl`
    pympp       pympp's own handler for the same charge, under the same uvicorn: no gate of ours
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import orjson

from benchmarks.micro.session.world import (
    DEPOSIT,
    PATH,
    PRICE,
    PRICE_TEXT,
    REALM,
    SECRET,
    channels,
    payee,
    record,
)
from mock_rails.core.clock import Clock
from mock_rails.server import Host, run, serve
from mock_rails.tempo.addresses import PATH_USD
from sandbox.chain import TempoRpc
from sandbox.client.wallet import Wallet
from sandbox.server.challenges import Challenges
from sandbox.server.charge import charge_offers
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.session import ChannelCodec, SessionServer
from sandbox.server.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp.server.method import ServerMethod

    from sandbox.server.session import SessionOffer

BODY: Final = b'{"quote":42}'
_HEADERS: Final = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
_NO_CHAIN: Final = "http://127.0.0.1:9"


class StillChain(TempoRpc):
    """What the chain says of the benchmark's channels, without a chain: nothing ever changes."""

    async def call(self, method: str, *params: Any) -> Any:
        """Answer `eth_chainId` and the reserve's `getChannelState`."""
        if method == "eth_chainId":
            return "0x539"
        if method != "eth_call":
            raise NotImplementedError(f"the benchmark's chain does not know {method}")
        return "0x" + b"".join(word.to_bytes(32) for word in (0, DEPOSIT, 0)).hex()


async def paid_app(scope: Any, receive: Any, send: Any) -> None:
    """What is paid for: the smallest JSON answer."""
    if scope["type"] != "http":
        await _live(receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": BODY})


class SessionWorld(NamedTuple):
    """A session server whose channels are open already, behind a gate."""

    gate: Gate
    server: SessionServer
    offer: SessionOffer
    challenges: Challenges


async def session_world(clock: Clock) -> SessionWorld:
    """Open the benchmark's channels and put the gate in front."""
    store = MemoryStore(clock)
    kept = store.records("channels", ChannelCodec())
    for one in channels():
        await kept.update(one.id.hex(), lambda _, one=one: record(one))  # type: ignore[misc]
    server = SessionServer(
        rpc=StillChain(_NO_CHAIN), payee=Wallet(payee().key), store=store, clock=clock
    )
    offer = server.offer(amount=PRICE, currency=PATH_USD, unit_type="request", chain_id=1337)
    challenges = _challenges(clock)
    gate = Gate(paid_app, [Route(PATH, (offer,))], challenges=challenges, store=store, clock=clock)
    return SessionWorld(gate, server, offer, challenges)


def charge_gate(clock: Clock, rpc_url: str, http: httpx.AsyncClient) -> Gate:
    """pympp's charge method behind our gate."""
    store = MemoryStore(clock)
    offers = charge_offers(_charge_methods(rpc_url, store.replays(), http), amount=PRICE_TEXT)
    return Gate(
        paid_app, [Route(PATH, offers)], challenges=_challenges(clock), store=store, clock=clock
    )


def pympp_app(rpc_url: str) -> Any:
    """pympp's own handler, called as its framework glue calls it, from plain ASGI."""
    from mpp.server.http import Request, Response
    from mpp.server.mpp import Mpp

    mpp = Mpp(methods=_charge_methods(rpc_url), realm=REALM, secret_key=SECRET)
    handler = mpp.charge(amount=PRICE_TEXT)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _live(receive, send)
            return
        fields = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        url = f"http://{REALM}{scope['path']}"
        result = await handler(Request(scope["method"], url, fields))
        if result.status == 200:
            answer = result.with_receipt(Response.json({"quote": 42}))
        else:
            answer = result.challenge
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.multi_items()]
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


async def _live(receive: Any, send: Any) -> None:
    """Start and stop as ASGI's lifespan wants it; there is nothing to do at either end."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _charge_methods(
    rpc_url: str, replays: Any = None, http: httpx.AsyncClient | None = None
) -> list[ServerMethod]:
    from mpp.methods.tempo.server import charge

    return charge(
        chain_id=1337,
        rpc_url=rpc_url,
        recipient=f"0x{payee().address.hex()}",
        currencies=[f"0x{PATH_USD.hex()}"],
        store=replays,
        http_client=http,
    )


def _challenges(clock: Clock) -> Challenges:
    return Challenges(realm=REALM, secret=SECRET, clock=clock)


async def _serve(order: Mapping[str, Any]) -> None:
    clock = Clock()
    rpc_url = order["rpcUrl"] or _NO_CHAIN
    kind = order["kind"]
    async with httpx.AsyncClient() as http:
        app: Any
        if kind == "session":
            app = (await session_world(clock)).gate
        elif kind == "charge":
            app = charge_gate(clock, rpc_url, http)
        else:
            app = pympp_app(rpc_url)
        host = Host(app)

        def tell() -> None:
            sys.stdout.write(orjson.dumps({"port": host.port}).decode() + "\n")
            sys.stdout.flush()

        await serve([host], ready=tell)


if __name__ == "__main__":
    run(_serve(orjson.loads(sys.stdin.buffer.read())))
