"""Blocks and fee history as JSON (facts 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mock_rails.tempo.rpc.support import NOW_S, Rpc, refused


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_genesis(rpc: Rpc) -> None:
    block = await rpc("eth_getBlockByNumber", "0x0", False)
    assert block["number"] == "0x0"
    assert block["timestamp"] == "0x0"
    assert bytes.fromhex(block["extraData"][2:]) == b"tempo-genesis"
    assert block["nonce"] == "0x0000000000000042"
    assert int(block["gasLimit"], 16) == 500_000_000
    assert int(block["baseFeePerGas"], 16) == 20_000_000_000
    assert block["parentHash"] == "0x" + "00" * 32
    assert block["transactions"] == []
    assert await rpc("eth_blockNumber") == "0x0"


async def test_a_block_with_a_payment(rpc: Rpc) -> None:
    receipt = await rpc.pay()
    block = await rpc("eth_getBlockByNumber", "latest", False)
    assert block["hash"] == receipt["blockHash"]
    assert block["transactions"] == [receipt["transactionHash"]]
    assert block["gasUsed"] == receipt["gasUsed"]
    assert int(block["timestamp"], 16) == NOW_S
    assert int(block["timestampMillis"], 16) == NOW_S * 1000
    assert block["timestampMillisPart"] == "0x0"
    assert block["sharedGasLimit"] == "0x0"
    assert int(block["mainBlockGeneralGasLimit"], 16) == 30_000_000
    assert block["logsBloom"] == receipt["logsBloom"]
    assert int(block["logsBloom"], 16) > 0
    assert int(block["baseFeePerGas"], 16) == 12_000_000_000
    assert block["uncles"] == []
    assert block["withdrawals"] == []
    assert await rpc("eth_getBlockByHash", block["hash"], False) == block


async def test_whole_transactions_in_a_block(rpc: Rpc) -> None:
    receipt = await rpc.pay()
    block = await rpc("eth_getBlockByHash", receipt["blockHash"], True)
    by_hash = await rpc("eth_getTransactionByHash", receipt["transactionHash"])
    assert block["transactions"] == [by_hash]


async def test_the_header_is_the_block_without_its_body(rpc: Rpc) -> None:
    receipt = await rpc.pay()
    block = await rpc("eth_getBlockByNumber", "latest", False)
    header = await rpc("eth_getHeaderByNumber", "latest")
    assert header.items() <= block.items()
    assert "transactions" not in header
    assert await rpc("eth_getHeaderByHash", receipt["blockHash"]) == header


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("eth_getBlockByNumber", ["0x5", False]),
        ("eth_getBlockByHash", ["0x" + "12" * 32, True]),
        ("eth_getHeaderByNumber", ["0x5"]),
        ("eth_getHeaderByHash", ["0x" + "12" * 32]),
        ("eth_getBlockReceipts", ["0x5"]),
        ("eth_getBlockTransactionCountByNumber", ["0x5"]),
        ("eth_getBlockTransactionCountByHash", ["0x" + "12" * 32]),
        ("eth_getUncleCountByBlockNumber", ["0x5"]),
        ("eth_getUncleCountByBlockHash", ["0x" + "12" * 32]),
        ("eth_getTransactionByBlockNumberAndIndex", ["0x5", "0x0"]),
    ],
)
async def test_an_unknown_block_is_null(rpc: Rpc, name: str, params: list[Any]) -> None:
    assert await rpc(name, *params) is None


async def test_counts_and_receipts_of_a_block(rpc: Rpc) -> None:
    receipt = await rpc.pay()
    assert await rpc("eth_getBlockReceipts", "latest") == [receipt]
    assert await rpc("eth_getBlockReceipts", receipt["blockHash"]) == [receipt]
    assert await rpc("eth_getBlockTransactionCountByNumber", "0x1") == "0x1"
    assert await rpc("eth_getBlockTransactionCountByHash", receipt["blockHash"]) == "0x1"
    assert await rpc("eth_getUncleCountByBlockNumber", "0x1") == "0x0"
    assert await rpc("eth_getUncleCountByBlockHash", receipt["blockHash"]) == "0x0"
    assert await rpc("eth_getUncleByBlockNumberAndIndex", "0x1", "0x0") is None


async def test_the_flag_is_a_boolean(rpc: Rpc) -> None:
    with refused(-32602, "full transactions", "true or false"):
        await rpc("eth_getBlockByNumber", "latest", "yes")
    with refused(-32602, "missing parameter 0: block"):
        await rpc("eth_getBlockByNumber")


async def test_fee_history_has_one_base_fee_more_than_blocks(rpc: Rpc) -> None:
    await rpc.pay(max_priority_fee_per_gas=7)
    await rpc.pay(20_000)
    history = await rpc("eth_feeHistory", "0x2", "latest", [0, 50, 100])
    assert history["oldestBlock"] == "0x1"
    assert len(history["baseFeePerGas"]) == 3
    latest = await rpc("eth_getBlockByNumber", "latest", False)
    assert history["baseFeePerGas"][1] == latest["baseFeePerGas"]
    assert int(history["baseFeePerGas"][2], 16) < int(latest["baseFeePerGas"], 16)
    used = int(latest["gasUsed"], 16) / int(latest["gasLimit"], 16)
    assert history["gasUsedRatio"][1] == used
    assert history["reward"] == [["0x7", "0x7", "0x7"], ["0x0", "0x0", "0x0"]]


async def test_tips_are_weighed_by_gas(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    for amount, tip in ((1, 30), (2, 10), (3, 20)):
        payment = rpc.payment(amount, max_priority_fee_per_gas=tip)
        await rpc("eth_sendRawTransaction", "0x" + payment.raw.hex())
    await rpc("evm_mine")
    receipts = await rpc("eth_getBlockReceipts", "latest")
    assert len(receipts) == 3
    # The first payment creates the recipient's balance and uses most of the block's gas.
    assert int(receipts[0]["gasUsed"], 16) > 3 * int(receipts[1]["gasUsed"], 16)
    history = await rpc("eth_feeHistory", 1, "latest", [0, 10, 20, 50, 100])
    assert history["reward"] == [["0xa", "0xa", "0x14", "0x1e", "0x1e"]]


@pytest.mark.parametrize(
    "percentiles", ["50", [101], [-1], [True], [50, 25], ["a"], list(range(101))]
)
async def test_percentiles_are_checked(rpc: Rpc, percentiles: Any) -> None:
    with refused(-32602, "rewardPercentiles"):
        await rpc("eth_feeHistory", "0x1", "latest", percentiles)


async def test_fee_history_of_more_blocks_than_there_are(rpc: Rpc) -> None:
    history = await rpc("eth_feeHistory", "0xffff", "latest", None)
    assert history["oldestBlock"] == "0x0"
    assert len(history["baseFeePerGas"]) == 2
    assert "reward" not in history
