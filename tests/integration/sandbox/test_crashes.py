"""The merchants are killed at random moments, again and again, under load: one process, or all.

Issue 3, the gate: no accepted voucher is lost, nothing is overspent, and the next process goes on
with the same channels. The chain and the store survive: the chain lives in the test's process, the
store is a SQLite file or a Redis server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import httpx
import orjson
import pytest

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.core.seeds import Seeds
from mock_rails.server import Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.rail import Chain
from sandbox.chain import TempoRpc, find_close
from sandbox.methods.tempo_session import Channel, SessionReceipt, Status
from sandbox.server.session import ChannelCodec
from sandbox.storage import open_store
from tests.conformance.session.payer import Payer
from tests.unit.sandbox.server.stores.redis_server import running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ROUNDS = os.environ.get("CRASH_ROUNDS")
"""How often they are killed, on any store; each has a number of its own otherwise."""
PAYERS = 4
DEPOSIT = 5_000
LONGEST_MS = 400
CLOCK = Clock()


@dataclass(slots=True)
class Customer:
    """A payer, what it signed for, and what it was told."""

    payer: Payer
    price: int = 0
    signed: int = 0
    """In prices."""
    accepted: int = 0
    """By the highest receipt, in base units."""
    delivered: int = 0
    lost: int = 0
    """Requests whose answers never came."""
    chain_dies: bool = False
    """Whether the chain goes too: merchants that outlive it for a moment say that
    nothing was charged (503), or that they do not know (500)."""

    async def ask(self) -> bool:
        """One paid request: opens a channel if there is none. False if the server is gone."""
        step = {"do": "voucher", "cumulative": self.signed + 1}
        if self.payer.channel is None:
            step = {"do": "open", "deposit": DEPOSIT, "cumulative": 1}
        elif self.lost and not self.signed:
            step = {"do": "again"}  # the opening's answer was lost: it is sent again
        self.signed += step["do"] == "voucher"
        try:
            response = await self.payer.step(step)
        except httpx.TransportError:
            self.lost += self.payer.sent is not None
            return False
        assert response is not None
        if self.chain_dies and response.status_code in {500, 503}:
            self.lost += 1
            return False
        if step["do"] == "again" and _is_spent(response):
            self.signed = 1  # the crash cost what the opening authorised: one unit, undelivered
            return await self.ask()
        assert response.status_code == 200, response.text
        receipt = SessionReceipt.from_header(response.headers["payment-receipt"])
        self.accepted = max(self.accepted, receipt.accepted)
        self.signed = max(self.signed, receipt.accepted // self.price)
        self.delivered += 1
        return True

    async def ask_until_gone(self) -> None:
        """Be a good customer until the server dies."""
        while await self.ask():
            pass


def _is_spent(response: httpx.Response) -> bool:
    """Whether it says that all which was authorised has been spent."""
    return response.status_code == 402 and "/session/insufficient-balance" in response.text


class Site(NamedTuple):
    """Where the merchants run, and on what."""

    port: int
    chain_url: str
    store: str
    workers: int

    def start(self) -> subprocess.Popen[bytes]:
        """The merchants as processes of their own, in a group of their own."""
        command = [
            sys.executable, "-m", "sandbox.cli", "up", "--json", "--only", "merchants",
            "--api-port", str(self.port), "--chain-url", self.chain_url,
            "--store", self.store, "--workers", str(self.workers),
        ]  # fmt: skip
        return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)

    @asynccontextmanager
    async def merchants(self) -> AsyncIterator[subprocess.Popen[bytes]]:
        """The merchants, ready; killed at the end if they still run."""
        process = self.start()
        assert process.stdout is not None
        try:
            line = await asyncio.to_thread(process.stdout.readline)
            assert orjson.loads(line)["ready"]
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.communicate)

    async def kept_channels(self) -> dict[bytes, Channel]:
        """What the store holds now that nobody writes to it."""
        store = await open_store(self.store, CLOCK)
        try:
            records = store.records("channels", ChannelCodec())
            return {channel.id: channel async for _, channel in records.scan()}
        finally:
            await store.close()


def check(customer: Customer, channels: dict[bytes, Channel]) -> None:
    """What the customer was told is kept, and it was charged for no more than it may have got."""
    channel = customer.payer.channel and channels.get(customer.payer.channel.id)
    if channel is None:
        assert customer.delivered == 0, "a channel that was paid with is gone"
        return
    assert channel.accepted >= customer.accepted, "an accepted voucher was lost"
    assert channel.spent <= channel.accepted <= channel.deposit
    delivered = customer.delivered * customer.price
    assert delivered <= channel.spent <= delivered + customer.lost * customer.price


async def somebody_served(customers: list[Customer]) -> None:
    """Until one more request is answered."""
    before = sum(one.delivered for one in customers)
    async with asyncio.timeout(60):
        while sum(one.delivered for one in customers) == before:
            await CLOCK.wall_sleep(timedelta(milliseconds=2))


@pytest.mark.parametrize(
    ("kind", "workers", "rounds"),
    [("sqlite", 1, 8), ("redis", 1, 3), ("redis", 2, 2)],
    ids=["SQLite", "Redis", "Redis, two processes"],
)
async def test_no_crash_loses_a_voucher_or_charges_for_nothing(
    kind: str, workers: int, rounds: int, tmp_path: Path
) -> None:
    rounds = int(ROUNDS or rounds)
    chain = Chain(RailContext.create(seed="crashes"))
    moments = Seeds("crashes").stream("tests.moments")
    async with AsyncExitStack() as stack:
        store = f"sqlite:{tmp_path}/channels.sqlite"
        if kind == "redis":
            store = stack.enter_context(running_redis(free_port())).url
        node = await stack.enter_async_context(Host(TempoApi(chain)))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        rpc = await stack.enter_async_context(TempoRpc(node.url))
        site = Site(free_port(), node.url, store, workers)
        url = f"http://127.0.0.1:{site.port}/search"
        customers = [Customer(Payer(url, http, rpc, f"customer-{n}")) for n in range(PAYERS)]
        for customer in customers:
            await customer.payer.start()
        for at in range(rounds):
            async with site.merchants() as process:
                for customer in customers:
                    customer.price = int((await customer.payer.challenge()).request["amount"])
                visits = [asyncio.create_task(one.ask_until_gone()) for one in customers]
                if at % 2:  # the others are hit while they open, on a slow machine
                    await somebody_served(customers)
                await CLOCK.wall_sleep(timedelta(milliseconds=moments.integer(1, LONGEST_MS)))
                os.killpg(process.pid, signal.SIGKILL)
                await asyncio.gather(*visits)
            channels = await site.kept_channels()
            for customer in customers:
                check(customer, channels)
        assert sum(one.delivered for one in customers) >= rounds // 2
        assert sum(one.lost for one in customers) > 0, "no kill hit a request"

        async with site.merchants() as process:
            for customer in customers:
                assert await customer.ask(), "the next process does not serve the channel"
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == 0
        channels = await site.kept_channels()
        for customer in customers:
            check(customer, channels)
            assert customer.payer.channel is not None
            channel = channels[customer.payer.channel.id]
            assert channel.status is Status.CLOSED
            found = await find_close(rpc, channel.book, channel.id)
            assert found is not None
            assert found.captured == channel.spent, "the chain paid what was charged"
    chain.check_conservation()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
