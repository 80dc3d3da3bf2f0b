"""Vouchers that race on one channel never overspend it (facts: protocol 1.1, row 17; 2.5).

1,000 of them, in random order and with duplicates, through two servers on one store, as two worker
processes are; every one that was answered with content is covered by what the payer had signed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from mpp.errors import PaymentError

from mock_rails.core import Clock, Seeds
from sandbox.methods.tempo_session import Status
from sandbox.server.stores import MemoryStore, SqliteStore
from tests.unit.sandbox.server.session.support import GET, NOW_S, make_world, receipt_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandbox.server.offer import Settlement
    from sandbox.server.stores import Store

VOUCHERS = 1_000
PRICE = 100


class _HesitantRecords:
    """Lets all others run between what a request reads and what it changes."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.get, self.scan, self.close = records.get, records.scan, records.close

    async def update(self, key: str, change: Any) -> Any:
        await asyncio.sleep(0)
        return await self._records.update(key, change)


class Hesitant:
    """A store whose updates come late, as they do over a network."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.replays, self.close = store.replays, store.close

    def records(self, name: str, codec: Any) -> Any:
        return _HesitantRecords(self._store.records(name, codec))


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A place for the channels."""
    clock = Clock.frozen(NOW_S)
    opened: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else await SqliteStore.open(tmp_path / "channels.db", clock)
    )
    yield Hesitant(opened)
    await opened.close()


async def test_racing_vouchers_never_overspend(store: Store) -> None:
    async with make_world(store) as world:
        first = world.offer()
        payer = world.payer(first)
        await payer.open(deposit=VOUCHERS * PRICE)
        world.make_server()
        offers = (first, world.offer())

        chance = Seeds("race").stream("order")
        amounts = [PRICE * chance.integer(1, VOUCHERS) for _ in range(VOUCHERS)]
        credentials = [payer.credential(payer.make_voucher(amount)) for amount in amounts]
        answers: list[Settlement] = []
        refusals: list[PaymentError] = []

        async def send(number: int) -> None:
            await asyncio.sleep(0)
            try:
                paid = await offers[number % 2].settle(credentials[number], GET)
            except PaymentError as error:
                refusals.append(error)
            else:
                answers.append(paid)
                record = await payer.record()
                assert record.spent <= record.accepted <= record.deposit

        await asyncio.gather(*map(send, range(VOUCHERS)))
        record = await payer.record()
        assert record.accepted == max(amounts)
        assert record.spent == PRICE * (1 + len(answers)) <= record.accepted
        assert record.units == 1 + len(answers)
        spent = sorted(receipt_of(one).spent for one in answers)
        assert spent == [PRICE * (2 + number) for number in range(len(answers))]
        assert all(receipt_of(one).spent <= receipt_of(one).accepted for one in answers)
        assert len(answers) > 1
        assert {error.status for error in refusals} == {402}

        (capture,) = await world.server.stop()
        assert capture.captured == record.spent


async def test_one_voucher_sent_200_times_pays_once(store: Store) -> None:
    async with make_world(store) as world:
        payer = world.payer(world.offer())
        await payer.open()
        voucher = payer.make_voucher(200)
        answers = await asyncio.gather(
            *(payer.send(voucher) for _ in range(200)), return_exceptions=True
        )
        assert sum(not isinstance(one, BaseException) for one in answers) == 1
        assert (await payer.record()).spent == 200


async def test_one_open_sent_20_times_opens_once(store: Store) -> None:
    async with make_world(store) as world:
        payer = world.payer(world.offer())
        mine = await world.balance(payer.wallet.address)
        sent = await payer.make_open()
        answers = await asyncio.gather(
            *(payer.send(sent) for _ in range(20)), return_exceptions=True
        )
        assert sum(not isinstance(one, BaseException) for one in answers) == 1
        assert await world.balance(payer.wallet.address) == mine - 1_000
        record = await payer.record()
        assert (record.status, record.spent) == (Status.OPEN, 100)


async def test_a_close_races_with_vouchers(store: Store) -> None:
    async with make_world(store) as world:
        payer = world.payer(world.offer())
        await payer.open()
        payloads = [payer.make_voucher(200), payer.make_close(1_000), payer.make_voucher(300)]
        answers = await asyncio.gather(*map(payer.send, payloads), return_exceptions=True)
        delivered = sum(not isinstance(one, BaseException) and one.delivers for one in answers)
        record = await payer.record()
        assert record.status is Status.CLOSED
        assert record.settled == record.spent == PRICE * (1 + delivered)
