"""Snapshots, mining and time (facts 5.10)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.mock_rails.tempo.rpc.support import (
    NOW_S,
    STRANGER,
    Rpc,
    refused,
    to_hex,
    transfer,
)


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def block_time(rpc: Rpc) -> int:
    return int((await rpc("eth_getBlockByNumber", "latest", False))["timestamp"], 16)


async def test_a_revert_brings_everything_back(rpc: Rpc) -> None:
    await rpc.pay(1)
    digest, snapshot = rpc.chain.digest(), await rpc("evm_snapshot")
    receipt = await rpc.pay(2)
    await rpc("anvil_setBalance", to_hex(STRANGER), "0x64")
    assert await rpc("evm_revert", snapshot) is True
    assert rpc.chain.digest() == digest
    assert await rpc.balance(STRANGER) == 1
    assert await rpc("eth_blockNumber") == "0x1"
    assert await rpc("eth_getTransactionReceipt", receipt["transactionHash"]) is None
    assert await rpc("evm_revert", snapshot) is False
    # The reverted transaction never happened, so it can be sent again.
    assert (await rpc.pay(2))["status"] == "0x1"


async def test_a_snapshot_holds_what_was_edited_before_it(rpc: Rpc) -> None:
    await rpc("anvil_setBalance", to_hex(STRANGER), "0x64")
    snapshot = await rpc("evm_snapshot")
    await rpc("anvil_setBalance", to_hex(STRANGER), "0x65")
    await rpc("evm_revert", snapshot)
    assert await rpc.balance(STRANGER) == 100


async def test_reverting_forgets_later_snapshots(rpc: Rpc) -> None:
    first = await rpc("evm_snapshot")
    await rpc.pay(1)
    second = await rpc("evm_snapshot")
    await rpc("evm_revert", first)
    assert await rpc("evm_revert", second) is False
    assert await rpc("evm_revert", "0x63") is False
    with refused(-32602, "snapshot id"):
        await rpc("evm_revert", "first")


async def test_a_reset_is_a_new_chain(rpc: Rpc) -> None:
    genesis = rpc.chain.digest()
    await rpc.pay(1)
    await rpc("anvil_reset")
    assert rpc.chain.digest() == genesis
    with refused(-32602, "cannot fork"):
        await rpc("anvil_reset", {"forking": {"jsonRpcUrl": "http://example.org"}})


async def test_a_rollback_undoes_blocks(rpc: Rpc) -> None:
    for amount in (1, 2, 4):
        await rpc.pay(amount)
    await rpc("anvil_rollback")
    assert await rpc.balance(STRANGER) == 3
    await rpc("anvil_rollback", 2)
    assert await rpc.balance(STRANGER) == 0
    with refused(-32602, "not kept"):
        await rpc("anvil_rollback", 1)


@pytest.mark.parametrize(
    ("name", "params", "blocks"),
    [
        ("evm_mine", [], 1),
        ("evm_mine", [{"blocks": 3}], 3),
        ("anvil_mine", [], 1),
        ("anvil_mine", ["0x5"], 5),
        ("hardhat_mine", [2], 2),
        ("anvil_mine", [0], 0),
    ],
)
async def test_mining(rpc: Rpc, name: str, params: list[Any], blocks: int) -> None:
    await rpc(name, *params)
    assert int(await rpc("eth_blockNumber"), 16) == blocks


async def test_mining_with_an_interval(rpc: Rpc) -> None:
    await rpc("anvil_mine", 4, 60)
    assert await block_time(rpc) == NOW_S + 180
    first = await rpc("eth_getBlockByNumber", "0x1", False)
    assert int(first["timestamp"], 16) == NOW_S


async def test_mining_has_a_limit(rpc: Rpc) -> None:
    for name, value in (("anvil_mine", 10**9), ("evm_mine", {"blocks": 10**9})):
        with refused(-32602, "blocks", "at most 100000"):
            await rpc(name, value)
    assert await rpc("eth_blockNumber") == "0x0"


async def test_time_goes_forward(rpc: Rpc) -> None:
    assert await rpc("evm_increaseTime", 900) == "0x384"
    await rpc("evm_mine")
    assert await block_time(rpc) == NOW_S + 900
    assert await rpc("evm_setTime", hex(NOW_S + 1_000)) == "0x64"
    await rpc("evm_mine")
    assert await block_time(rpc) == NOW_S + 1_000
    with refused(-32602, "does not run backwards"):
        await rpc("evm_setTime", NOW_S)
    with refused(-32602, "seconds"):
        await rpc("evm_increaseTime", -5)
    assert rpc.clock.now_s() == NOW_S + 1_000


async def test_the_next_blocks_time(rpc: Rpc) -> None:
    await rpc("evm_setNextBlockTimestamp", NOW_S + 500)
    await rpc.pay(valid_before=NOW_S + 560)
    assert await block_time(rpc) == NOW_S + 500
    await rpc("evm_mine")
    assert await block_time(rpc) == NOW_S + 500
    await rpc("evm_mine", hex(NOW_S + 700))
    assert await block_time(rpc) == NOW_S + 700
    for call in (("evm_setNextBlockTimestamp", NOW_S), ("evm_mine", {"timestamp": 5})):
        with refused(-32602, "is before the newest block's"):
            await rpc(*call)


async def test_mining_by_hand(rpc: Rpc) -> None:
    assert await rpc("anvil_getAutomine") is True
    await rpc("evm_setAutomine", False)
    assert await rpc("hardhat_getAutomine") is False
    await rpc("eth_sendRawTransaction", to_hex(rpc.payment(5).raw))
    assert await rpc.balance(STRANGER) == 0
    await rpc("evm_mine")
    assert await rpc.balance(STRANGER) == 5
    await rpc("eth_sendRawTransaction", to_hex(rpc.payment(6).raw))
    await rpc("evm_setAutomine", True)
    assert await rpc.balance(STRANGER) == 11
    with refused(-32602, "enabled"):
        await rpc("evm_setAutomine")


async def test_interval_mining(rpc: Rpc) -> None:
    assert await rpc("anvil_getIntervalMining") is None
    await rpc("evm_setIntervalMining", 2)
    assert await rpc("anvil_getIntervalMining") == 2
    await asyncio.sleep(0)
    await rpc("evm_increaseTime", 2)
    for _ in range(20):  # turns of the event loop, not time: the clock stands still
        await asyncio.sleep(0)
    assert await rpc("eth_blockNumber") == "0x1"
    await rpc("evm_setIntervalMining", 0)
    assert await rpc("anvil_getIntervalMining") is None


async def test_dropping_transactions(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    hashes = [
        await rpc("eth_sendRawTransaction", to_hex(rpc.payment(amount).raw)) for amount in (1, 2, 4)
    ]
    assert await rpc("anvil_dropTransaction", hashes[0]) == hashes[0]
    assert await rpc("anvil_dropTransaction", hashes[0]) is None
    assert await rpc("txpool_status") == {"pending": "0x2", "queued": "0x0"}
    await rpc("anvil_dropAllTransactions")
    await rpc("evm_mine")
    assert await rpc.balance(STRANGER) == 0


async def test_about_the_node(rpc: Rpc) -> None:
    await rpc.pay()
    info = await rpc("anvil_nodeInfo")
    assert (info["network"], info["chainId"], info["latestBlockNumber"]) == ("tempo", 1337, 1)
    assert info["latestBlockHash"] == (await rpc("eth_getBlockByNumber", "latest", False))["hash"]


async def test_the_channel_grace_period_passes_without_waiting(rpc: Rpc) -> None:
    # What these methods are for: a call that only works fifteen minutes later.
    late = {"data": "0x4260005260206000f3"}
    before = int(await rpc("eth_call", late), 16)
    await rpc("evm_increaseTime", 900)
    assert int(await rpc("eth_call", late), 16) == before + 900
    expired = transfer(1) | {"from": rpc.account(1), "validBefore": hex(before + 60)}
    with refused(-32603, "transaction expired"):
        await rpc("eth_call", expired)
