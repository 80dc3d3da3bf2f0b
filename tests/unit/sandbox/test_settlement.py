"""The devnet's merchants settle as they were told: by time, amount, units, and at shutdown.

Facts: protocol 2.5 (experiments E12): what is delivered and not captured is the payee's risk. On
the running devnet, with a real payer; the chain says what was captured.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core.clock import Clock
from sandbox.chain import read_channel
from sandbox.client import PaidClient, SessionSettings, Wallet
from sandbox.devnet import Devnet
from sandbox.merchants.routes import SEARCH_BASE_UNITS
from sandbox.methods.tempo_session import Channel, Status
from sandbox.server.session import AtShutdown, SessionServer
from sandbox.settings import AT_SHUTDOWN, DevnetSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE_S = 60


@dataclass
class Running:
    """A devnet, and a customer of its search."""

    devnet: Devnet
    client: PaidClient

    @property
    def sessions(self) -> SessionServer:
        """The merchants' sessions."""
        assert self.devnet.merchants is not None
        return self.devnet.merchants.sessions

    async def search(self, times: int) -> None:
        """Buy something."""
        for _ in range(times):
            response = await self.client.get(f"{self.devnet.api_url}/search?q=voucher")
            assert response.status_code == 200

    async def channel(self) -> Channel:
        """The only channel."""
        (channel,) = await self.sessions.channels()
        return channel

    async def captured(self) -> int:
        """What the chain has paid out of it."""
        channel = await self.channel()
        assert self.devnet.rpc is not None
        found = await read_channel(self.devnet.rpc, channel.id, channel.book)
        assert found is not None
        return found.settled

    async def captures(self, amount: int) -> None:
        """Wait until the chain has paid out so much."""
        clock = self.devnet.context.clock
        deadline_ns = clock.monotonic_ns() + PATIENCE_S * 1_000_000_000
        while await self.captured() != amount or (await self.channel()).exposure:
            assert clock.monotonic_ns() < deadline_ns, await self.channel()
            await clock.wall_sleep(timedelta(milliseconds=20))

    async def exposure(self) -> str:
        """What the control says is at risk."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            answer = await http.get(f"{self.devnet.control_url}/_sandbox/channels")
        return str(answer.json()["exposure"])


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Running]:
    """A devnet with these settings; the customer leaves its channel open."""
    devnet = Devnet(DevnetSettings(**settings).with_free_ports())
    async with (
        devnet,
        httpx.AsyncClient(timeout=PATIENCE_S) as http,
        PaidClient(
            Wallet.dev(1),
            http=http,
            rpc_url=devnet.rpc_url,
            prefer=["tempo/session"],
            session=SessionSettings(close_on_exit=False),
        ) as client,
    ):
        yield Running(devnet, client)


async def test_by_time_it_settles_again_and_again() -> None:
    async with running(settle_every=3600) as shop:
        await shop.search(3)
        assert await shop.exposure() == str(3 * SEARCH_BASE_UNITS)
        assert await shop.captured() == 0
        shop.devnet.context.clock.advance(3599)
        await shop.sessions.look()
        assert await shop.captured() == 0
        shop.devnet.context.clock.advance(1)
        await shop.captures(3 * SEARCH_BASE_UNITS)
        assert await shop.exposure() == "0"
        assert (await shop.channel()).status is Status.OPEN
        await shop.search(1)
        shop.devnet.context.clock.advance(3600)
        await shop.captures(4 * SEARCH_BASE_UNITS)


async def test_by_amount_it_settles_as_soon_as_so_much_is_owed() -> None:
    async with running(settle_at_amount=3 * SEARCH_BASE_UNITS) as shop:
        await shop.search(2)
        await shop.sessions.look()
        assert await shop.captured() == 0
        await shop.search(1)
        await shop.captures(3 * SEARCH_BASE_UNITS)


async def test_by_units_it_settles_after_so_many() -> None:
    async with running(settle_at_units=2) as shop:
        await shop.search(1)
        await shop.sessions.look()
        assert await shop.captured() == 0
        await shop.search(1)
        await shop.captures(2 * SEARCH_BASE_UNITS)


async def test_what_worker_processes_deliver_is_settled_too() -> None:
    async with running(settle_at_units=2, workers=2) as shop:
        await shop.search(2)
        await shop.sessions.look()
        await shop.captures(2 * SEARCH_BASE_UNITS)


@pytest.mark.parametrize(
    ("policy", "status", "captured"),
    [("close", Status.CLOSED, 2), ("settle", Status.OPEN, 2), ("keep", Status.OPEN, 0)],
)
async def test_stopping_does_with_channels_what_it_was_told(
    tmp_path: Path, policy: str, status: Status, captured: int
) -> None:
    path = tmp_path / "channels.db"
    async with running(at_shutdown=policy, store=f"sqlite:{path}") as shop:
        await shop.search(2)
    told = {"close": [True], "settle": [False], "keep": []}[policy]
    assert [one.closes for one in shop.devnet.captures] == told
    from sandbox.server.session import ChannelCodec
    from sandbox.server.stores import SqliteStore

    store = await SqliteStore.open(path, Clock())
    try:
        records = store.records("channels", ChannelCodec())
        (channel,) = [one async for _, one in records.scan()]
    finally:
        await store.close()
    assert (channel.status, channel.settled) == (status, captured * SEARCH_BASE_UNITS)
    assert channel.spent == 2 * SEARCH_BASE_UNITS


def test_the_words_are_those_of_the_session_server() -> None:
    assert {one.value for one in AtShutdown} == set(AT_SHUTDOWN)
