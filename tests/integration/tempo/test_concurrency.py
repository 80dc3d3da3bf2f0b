"""Many senders at once: they share blocks, nobody waits for a timer, nothing is left behind."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.errors import InvalidTransaction, SyncTimeout
from mock_rails.tempo.execution.executor import execute
from tests.integration.tempo.desk import SHOP, Desk, make_chain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mock_rails.tempo.rail import Chain


@pytest.fixture
def desk() -> Desk:
    return Desk(make_chain())


def pay(desk: Desk, who: int, amount: int, nonce: int | None = None) -> bytes:
    """A raw payment to the shop."""
    changes = {} if nonce is None else {"nonce": nonce}
    return desk.sign(who, desk.transfer(PATH_USD, SHOP, amount), **changes).raw


# -- instant mining -------------------------------------------------------------------------------


async def test_sixteen_senders_share_every_block(desk: Desk) -> None:
    """Round after round, the sixteen of a round are in one block."""

    async def sender(lane: int) -> list[int]:
        numbers = []
        for _ in range(5):
            transfer = desk.transfer(PATH_USD, SHOP, 1)
            raw = desk.sign(lane % 10, transfer, nonce_key=1_000 + lane).raw
            numbers.append((await desk.chain.submit_and_wait(raw)).block.number)
        return numbers

    numbers = await asyncio.gather(*[sender(lane) for lane in range(16)])
    assert numbers == [[1, 2, 3, 4, 5]] * 16
    assert desk.balance(SHOP) == 80
    assert len(desk.chain.pool) == 0


async def test_nobody_waits_for_a_timer(desk: Desk) -> None:
    """A receipt takes a few turns of the event loop, in which no time has to pass."""
    task = asyncio.create_task(desk.chain.submit_and_wait(pay(desk, 1, 5)))
    for _ in range(6):
        await desk.chain.context.clock.yield_to_loop()
    assert task.done()
    assert (await task).status


async def test_nonces_may_arrive_backwards(desk: Desk) -> None:
    """A gap waits, without making empty blocks, and the missing one takes all along."""
    raws = [pay(desk, 1, 1 << at, nonce=at) for at in range(8)]
    tasks = []
    for raw in reversed(raws[1:]):
        tasks.append(asyncio.create_task(desk.chain.submit_and_wait(raw)))
        await desk.chain.context.clock.yield_to_loop()
        await desk.chain.context.clock.yield_to_loop()
    assert desk.chain.head.number == 0
    assert len(desk.chain.pool) == 7
    first = await desk.chain.submit_and_wait(raws[0])
    rest = await asyncio.gather(*tasks)
    assert {receipt.block.number for receipt in (first, *rest)} == {1}
    assert [receipt.submission.tx.nonce for receipt in desk.chain.head.receipts] == list(range(8))
    assert desk.balance(SHOP) == 255


async def test_what_one_block_cannot_hold_is_in_the_next(desk: Desk) -> None:
    """Nobody has to send another transaction to get the rest of a burst mined."""
    raws = [
        desk.sign(1, desk.transfer(PATH_USD, SHOP, 1), nonce_key=at + 1, gas_limit=30_000_000).raw
        for at in range(1_700)
    ]
    receipts = await asyncio.gather(*[desk.chain.submit_and_wait(raw) for raw in raws])
    assert all(receipt.status for receipt in receipts)
    assert desk.chain.head.number >= 2
    for number in range(1, desk.chain.head.number + 1):
        block = desk.chain.history.by_number(number)
        assert block is not None
        assert 0 < block.gas_used <= block.gas_limit
    assert desk.balance(SHOP) == 1_700


async def test_one_refusal_does_not_disturb_the_others(desk: Desk) -> None:
    poor = desk.sign(2, desk.transfer(PATH_USD, SHOP, 1), fee_token=SHOP).raw
    raws = [pay(desk, 1, 1), poor, pay(desk, 3, 1)]
    results = await asyncio.gather(
        *[desk.chain.submit_and_wait(raw) for raw in raws], return_exceptions=True
    )
    assert isinstance(results[1], InvalidTransaction)
    assert [result.block.number for result in (results[0], results[2])] == [1, 1]  # type: ignore[union-attr]


async def test_a_refused_transaction_alone_makes_no_block(desk: Desk) -> None:
    digest = desk.chain.digest()
    for way in (desk.chain.submit, desk.chain.submit_and_wait):
        with pytest.raises(InvalidTransaction):
            await way(desk.sign(2, desk.transfer(PATH_USD, SHOP, 1), fee_token=SHOP).raw)
    assert desk.chain.digest() == digest


async def test_a_replacement_tells_the_one_it_replaced(desk: Desk) -> None:
    first = asyncio.create_task(desk.chain.submit_and_wait(pay(desk, 1, 1, nonce=1)))
    await desk.chain.context.clock.yield_to_loop()
    better = desk.sign(1, desk.transfer(PATH_USD, SHOP, 2), nonce=1, max_fee_per_gas=10**11)
    second = asyncio.create_task(desk.chain.submit_and_wait(better.raw))
    await desk.chain.context.clock.yield_to_loop()
    with pytest.raises(InvalidTransaction, match="took this one's place"):
        await first
    await desk.chain.submit(pay(desk, 1, 4, nonce=0))
    assert (await second).status
    assert desk.balance(SHOP) == 6


async def test_who_gives_up_is_forgotten(desk: Desk) -> None:
    """Code 4 with the hash; the transaction stays and is mined when it can be."""
    raw = pay(desk, 1, 5, nonce=1)
    with pytest.raises(SyncTimeout) as caught:
        await desk.chain.submit_and_wait(raw, 5)
    assert caught.value.code == 4
    assert caught.value.data == f"0x{next(iter(desk.chain.pool)).hash.hex()}"
    assert "wasn't confirmed within 5ms" in caught.value.message
    assert desk.chain._waiting == {}

    cancelled = asyncio.create_task(desk.chain.submit_and_wait(pay(desk, 1, 7, nonce=2)))
    await desk.chain.context.clock.yield_to_loop()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert desk.chain._waiting == {}
    await desk.chain.submit(pay(desk, 1, 9, nonce=0))
    assert desk.balance(SHOP) == 21


async def test_dropping_the_pool_tells_whoever_waits(desk: Desk) -> None:
    task = asyncio.create_task(desk.chain.submit_and_wait(pay(desk, 1, 5, nonce=1)))
    await desk.chain.context.clock.yield_to_loop()
    desk.chain.drop_pool()
    with pytest.raises(InvalidTransaction, match="dropped from the pool"):
        await task


# -- a cadence ------------------------------------------------------------------------------------


@asynccontextmanager
async def running(chain: Chain) -> AsyncIterator[None]:
    """With the chain's cadence, as a server runs it."""
    chain.start()
    try:
        yield
    finally:
        chain.stop()


async def settle(chain: Chain) -> None:
    """Let the cadence's task have its turns."""
    for _ in range(10):
        await chain.context.clock.yield_to_loop()


async def test_a_frozen_clock_makes_no_blocks_and_an_advanced_one_does() -> None:
    desk = Desk(make_chain(block_time_ms=1_000))
    chain = desk.chain
    async with running(chain):
        task = asyncio.create_task(chain.submit_and_wait(pay(desk, 1, 5)))
        await settle(chain)
        assert (chain.head.number, len(chain.pool)) == (0, 1)
        chain.context.clock.advance(timedelta(milliseconds=999))
        await settle(chain)
        assert chain.head.number == 0
        chain.context.clock.advance(timedelta(milliseconds=1))
        assert (await task).block.number == 1
        for number in range(2, 6):  # empty blocks keep the pace
            chain.context.clock.advance(1)
            await settle(chain)
            assert chain.head.number == number
            assert chain.head.timestamp_ms - chain.history.by_number(1).timestamp_ms == (  # type: ignore[union-attr]
                1_000 * (number - 1)
            )
    chain.context.clock.advance(60)
    await settle(chain)
    assert chain.head.number == 5


async def test_a_running_clock_keeps_the_pace() -> None:
    desk = Desk(make_chain(block_time_ms=20))
    clock = desk.chain.context.clock
    clock.resume()
    began_ns = clock.monotonic_ns()
    async with running(desk.chain):
        receipts = await asyncio.gather(
            *[desk.chain.submit_and_wait(pay(desk, who, 1)) for who in range(1, 9)]
        )
        assert {receipt.block.number for receipt in receipts} == {receipts[0].block.number}
        await clock.wall_sleep(timedelta(milliseconds=200))
    most = (clock.monotonic_ns() - began_ns) // 20_000_000
    assert 3 <= desk.chain.head.number <= most


async def test_a_cadence_is_changed_and_ended() -> None:
    chain = make_chain()
    clock = chain.context.clock
    chain.set_block_time(2_000)
    try:
        await settle(chain)
        clock.advance(2)
        await settle(chain)
        assert chain.head.number == 1
        chain.set_block_time(500)
        await settle(chain)
        clock.advance(timedelta(milliseconds=500))
        await settle(chain)
        assert chain.head.number == 2
        chain.reset()
        assert chain.automine
        clock.advance(60)
        await settle(chain)
        assert chain.head.number == 0
    finally:
        chain.stop()


def test_code_sees_the_timestamp_that_its_block_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock may pass a second while a block is being made."""
    seen: list[int] = []

    def spy(world: Any, block: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(block.timestamp_s)
        return execute(world, block, *arguments, **options)

    monkeypatch.setattr("mock_rails.tempo.engine.execute", spy)
    desk = Desk(make_chain())
    raw = desk.sign(1, desk.transfer(PATH_USD, SHOP, 1)).raw
    start_ms, reads = desk.chain.context.clock.now_ms(), count()
    monkeypatch.setattr(
        type(desk.chain.context.clock), "now_ms", lambda _: start_ms + 1_000 * next(reads)
    )
    receipt = desk.chain.send(raw)
    assert receipt is not None
    assert seen == [receipt.block.timestamp_s]
