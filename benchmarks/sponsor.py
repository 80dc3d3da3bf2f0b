"""A merchant who pays his customers' fees: `python -m benchmarks.sponsor RPC_URL`.

The devnet's own merchants do not. It is pympp's charge method with a fee payer behind our gate (the
`feePayer` of draft-tempo-charge-00), for the same goods at the same price.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import httpx
import orjson

from mock_rails.core.clock import Clock
from mock_rails.core.journal import Journal
from mock_rails.server import Host, run, serve
from mock_rails.tempo.addresses import PATH_USD
from sandbox import info
from sandbox.chain import TempoRpc
from sandbox.client.wallet import Wallet
from sandbox.merchants.routes import QUOTE_PRICE
from sandbox.server.challenges import Challenges
from sandbox.server.charge import charge_offers
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.stores import MemoryStore

PATH: Final = "/quote"
_REALM: Final = "127.0.0.1"
_SECRET: Final = "the benchmark's own secret, which guards nothing that is worth anything"
_BODY: Final = b'{"quote":42}'
_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(_BODY)),
]


async def _quote(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


async def _serve(rpc_url: str) -> None:
    from mpp.methods.tempo import TempoAccount
    from mpp.methods.tempo.server import charge

    clock = Clock()
    store = MemoryStore(clock)
    token = f"0x{PATH_USD.hex()}"
    sponsor = TempoAccount.from_key(f"0x{Wallet.dev(info.SPONSOR).reveal_key().hex()}")
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        methods = charge(
            chain_id=await TempoRpc(rpc_url, http=http).chain_id(),
            rpc_url=rpc_url,
            recipient=f"0x{Wallet.dev(info.MERCHANT).address.hex()}",
            currencies=[token],
            fee_payer=sponsor,
            fee_token=token,
            allowed_fee_tokens=[token],
            store=store.replays(),
            http_client=http,
        )
        offers = charge_offers(methods, amount=QUOTE_PRICE, fee_payer=True)
        gate = Gate(
            _quote,
            [Route(PATH, offers)],
            challenges=Challenges(realm=_REALM, secret=_SECRET, clock=clock),
            store=store,
            clock=clock,
            journal=Journal(clock),
            server_timing=True,
        )
        host = Host(gate)

        def tell() -> None:
            sys.stdout.write(orjson.dumps({"url": host.url}).decode() + "\n")
            sys.stdout.flush()

        await serve([host], ready=tell)


if __name__ == "__main__":
    run(_serve(sys.argv[1]))
