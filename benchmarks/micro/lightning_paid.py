"""Requests paid over Lightning beside the same on the chain, for `make bench-lightning`.

A devnet and one client in one process, over sockets: the client asks, is challenged, pays and gets
its answer, one request after another. A Lightning session costs two requests each time, for a
bearer answers a challenge of its own (facts: lightning 2.1); a voucher goes with the request.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from mock_rails.core.clock import Clock

LIGHTNING_CHARGE: Final = "request paid by invoice"
LIGHTNING_SESSION: Final = "request paid by bearer"
TEMPO_CHARGE: Final = "request paid by transfer"
TEMPO_SESSION: Final = "request paid by voucher"

PATHS: Final = {
    LIGHTNING_CHARGE: "/lightning/quote",
    LIGHTNING_SESSION: "/lightning/search",
    TEMPO_CHARGE: "/quote",
    TEMPO_SESSION: "/search",
}

_CLOCK: Final = Clock()
_A_PART: Final = 30
"""A request takes so many times as long as an invoice, and more."""


def paid(name: str, seed: str, count: int) -> tuple[int, int]:
    """How many requests were paid for in how many nanoseconds, after the first."""
    return asyncio.run(_paid(name, seed, max(3, count // _A_PART)))


async def _paid(name: str, seed: str, count: int) -> tuple[int, int]:
    from sandbox import info
    from sandbox.client import LightningWallet, PaidClient, Wallet
    from sandbox.devnet import Devnet
    from sandbox.lightning import LndNode
    from sandbox.settings import DevnetSettings

    async with AsyncExitStack() as stack:
        settings = DevnetSettings(seed=seed).with_free_ports()
        devnet = await stack.enter_async_context(Devnet(settings))
        told = info.environment(devnet.info())
        node = LndNode(told["LND_REST_HOST"], told["LND_MACAROON_HEX"])
        await stack.enter_async_context(node)
        payer = (
            PaidClient(lightning=LightningWallet(node))
            if name in (LIGHTNING_CHARGE, LIGHTNING_SESSION)
            else PaidClient(Wallet.dev(info.PAYER), rpc_url=devnet.rpc_url)
        )
        client = await stack.enter_async_context(payer)
        url = f"{devnet.api_url}{PATHS[name]}"
        await client.get(url)  # a session is opened, connections are made
        started = _CLOCK.monotonic_ns()
        for _ in range(count):
            assert (await client.get(url)).status_code == 200
        return count, max(1, _CLOCK.monotonic_ns() - started)
