"""One merchant process: serves the paid API on a socket that it inherited, until its input ends.

What it hears on standard input after its orders is the devnet's clock, whenever somebody moves it.
What it says on standard output is one line when it is ready, one whenever it goes by a new time,
and its journal, which the devnet adds to its own.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import aclosing, suppress

import httpx
import orjson

from mock_rails.core.clock import Clock
from mock_rails.core.journal import Journal
from mock_rails.core.seeds import Seeds
from mock_rails.server import Host, run
from mock_rails.tempo.addresses import PATH_USD
from sandbox import info
from sandbox.chain import TempoRpc
from sandbox.client.wallet import Wallet
from sandbox.lightning import LndNode, Rate
from sandbox.merchants.merchants import Merchants, Till, card_account
from sandbox.storage import open_store
from sandbox.workers.orders import Orders

READY = b'{"ready":true}\n'


def main() -> None:
    """Run it; Ctrl-C in a terminal is for the devnet, which then ends the input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run(_work())


async def _work() -> None:
    heard, said = await _pipes()
    orders = Orders.from_line(await heard.readline())
    clock = Clock()
    clock.restore(orders.clock)
    journal = Journal(clock)
    store = await open_store(orders.store, clock)
    stripe = card_account(orders.stripe_url, clock)
    node = _node(orders)
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            till = Till(
                rpc=TempoRpc(orders.rpc_url, http=http),
                rpc_url=orders.rpc_url,
                http=http,
                chain_id=orders.chain_id,
                currency=PATH_USD,
                payee=Wallet.dev(info.MERCHANT),
                store=store,
                clock=clock,
                seeds=Seeds(f"{orders.seed} worker {orders.number}"),
                journal=journal,
                stripe=stripe,
                lightning=node,
                rate=Rate(orders.btc_usd, orders.btc_usd_steps, clock=clock, journal=journal),
                server_timing=orders.server_timing,
            )
            merchants = Merchants(till, host=orders.realm, secret=orders.secret, keeps_books=False)
            listener = socket.socket(fileno=orders.socket)
            async with Host(merchants.app, listener=listener, name="the paid API"):
                said.write(READY)
                telling = asyncio.create_task(_tell(journal, said))
                await _listen(heard, said, clock)
            telling.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await telling
    finally:
        await store.close()
        for one in (stripe, node):
            if one is not None:
                await one.aclose()


def _node(orders: Orders) -> LndNode | None:
    """The merchants' LND, over its wire."""
    if orders.lightning_url is None or orders.lightning_macaroon is None:
        return None
    return LndNode(
        orders.lightning_url, orders.lightning_macaroon, network=orders.lightning_network
    )


async def _listen(heard: asyncio.StreamReader, said: asyncio.StreamWriter, clock: Clock) -> None:
    """Follow the devnet's clock until it has nothing more to say."""
    while line := await heard.readline():
        told = orjson.loads(line)
        clock.restore(told["clock"])
        said.write(b'{"heard":%d}\n' % told["number"])


async def _tell(journal: Journal, said: asyncio.StreamWriter) -> None:
    async with aclosing(journal.follow()) as events:
        async for event in events:
            said.write(event.to_json().encode() + b"\n")
            await said.drain()


async def _pipes() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop=loop), sys.stdout
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
