"""A shop that takes cards, as a process that can be killed; arguments: STRIPE_URL STORE AHEAD_S.

It writes its URL and, for every delivery, a line. Its clock is AHEAD_S seconds ahead, so that a
test need not wait until an old mark counts as left behind.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from mock_rails.core.clock import Clock
from mock_rails.server import Host
from sandbox.methods.stripe_charge import StripeMerchant
from sandbox.server.challenges import Challenges
from sandbox.server.charge import charge_offers
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.stores import SqliteStore

SECRET = "a secret of thirty-two bytes, all of it"


async def goods(scope: Any, receive: Any, send: Any) -> None:
    """What is sold."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
        return
    _say("delivered")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the goods"})


async def main(stripe_url: str, store_path: str, ahead_s: str) -> None:
    """Serve until killed."""
    clock = Clock()
    clock.advance(int(ahead_s))
    store = await SqliteStore.open(store_path, clock)
    stripe = StripeMerchant(
        stripe_url, secret_key="sk_test_shop", network_id="profile_test_x", clock=clock
    )
    offers = charge_offers(stripe.charge(currency="usd"), amount="0.50", find=stripe.find)
    challenges = Challenges(realm="127.0.0.1", secret=SECRET, clock=clock)
    gate = Gate(goods, [Route("/goods", offers)], challenges=challenges, store=store, clock=clock)
    async with Host(gate, name="a shop") as host:
        _say(host.url)
        await asyncio.Event().wait()


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
