"""Transactions, receipts and the pool (facts 5.5, 5.6)."""

from __future__ import annotations

import pytest

from tests.unit.mock_rails.tempo.rpc.support import PATH, STRANGER, Rpc, refused, to_hex, transfer

FEE_MANAGER = "0xfeec000000000000000000000000000000000000"
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


def word(address: str) -> str:
    return "0x" + "00" * 12 + address[2:]


async def test_the_receipt_of_a_payment(rpc: Rpc) -> None:
    payment = rpc.payment()
    receipt = await rpc("eth_sendRawTransactionSync", to_hex(payment.raw), 5_000)
    assert receipt["transactionHash"] == to_hex(payment.hash)
    assert receipt["status"] == "0x1"
    assert receipt["type"] == "0x76"
    assert receipt["from"] == receipt["feePayer"] == rpc.account(1)
    assert receipt["to"] == receipt["feeToken"] == PATH
    assert receipt["contractAddress"] is None
    assert receipt["blockNumber"] == "0x1"
    assert receipt["transactionIndex"] == "0x0"
    assert receipt["gasUsed"] == receipt["cumulativeGasUsed"]
    assert receipt["effectiveGasPrice"] == hex(12_000_000_000)
    paid, fee = receipt["logs"]
    sender = word(rpc.account(1))
    assert paid["topics"] == [TRANSFER_TOPIC, sender, word(to_hex(STRANGER))]
    assert int(paid["data"], 16) == 10_000
    # The fee is the last log: SDKs filter it by its party (facts 4.2).
    assert fee["topics"] == [TRANSFER_TOPIC, sender, word(FEE_MANAGER)]
    assert int(fee["data"], 16) == -(-int(receipt["gasUsed"], 16) * 12 // 1000)
    assert [log["logIndex"] for log in receipt["logs"]] == ["0x0", "0x1"]
    for log in receipt["logs"]:
        assert log["address"] == PATH
        assert log["removed"] is False
        assert log["blockHash"] == receipt["blockHash"]
        assert log["transactionHash"] == receipt["transactionHash"]
    assert await rpc("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt


async def test_log_indexes_count_through_the_block(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    for amount in (1, 2):
        await rpc("eth_sendRawTransaction", to_hex(rpc.payment(amount).raw))
    await rpc("evm_mine")
    first, second = await rpc("eth_getBlockReceipts", "latest")
    assert [log["logIndex"] for log in second["logs"]] == ["0x2", "0x3"]
    assert int(second["cumulativeGasUsed"], 16) == int(first["gasUsed"], 16) + int(
        second["gasUsed"], 16
    )


async def test_the_transaction_of_a_payment(rpc: Rpc) -> None:
    payment = rpc.payment()
    receipt = await rpc("eth_sendRawTransactionSync", to_hex(payment.raw))
    transaction = await rpc("eth_getTransactionByHash", receipt["transactionHash"])
    assert transaction["type"] == "0x76"
    assert transaction["calls"][0]["to"] == PATH
    assert "to" not in transaction
    assert "input" not in transaction
    assert transaction["feeToken"] == PATH
    assert transaction["nonceKey"] == "0x" + "f" * 64
    assert transaction["validAfter"] is None
    assert transaction["feePayerSignature"] is None
    assert transaction["signature"]["type"] == "secp256k1"
    assert transaction["from"] == rpc.account(1)
    assert transaction["blockHash"] == receipt["blockHash"]
    assert transaction["transactionIndex"] == "0x0"
    assert transaction["gasPrice"] == receipt["effectiveGasPrice"]
    for name, place in (("Number", "0x1"), ("Hash", receipt["blockHash"])):
        found = await rpc(f"eth_getTransactionByBlock{name}AndIndex", place, "0x0")
        assert found == transaction
        raw = await rpc(f"eth_getRawTransactionByBlock{name}AndIndex", place, "0x0")
        assert raw == to_hex(payment.raw)
        assert await rpc(f"eth_getTransactionByBlock{name}AndIndex", place, "0x1") is None
    assert await rpc("eth_getRawTransactionByHash", to_hex(payment.hash)) == to_hex(payment.raw)


async def test_a_waiting_transaction_has_no_block(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    payment = rpc.payment()
    tx_hash = await rpc("eth_sendRawTransaction", to_hex(payment.raw))
    assert tx_hash == to_hex(payment.hash)
    waiting = await rpc("eth_getTransactionByHash", tx_hash)
    assert waiting["blockHash"] is waiting["blockNumber"] is waiting["transactionIndex"] is None
    assert await rpc("eth_getTransactionReceipt", tx_hash) is None
    assert await rpc("eth_getRawTransactionByHash", tx_hash) == to_hex(payment.raw)
    assert await rpc("eth_pendingTransactions") == [waiting]


async def test_unknown_hashes_are_null(rpc: Rpc) -> None:
    for name in (
        "eth_getTransactionReceipt",
        "eth_getTransactionByHash",
        "eth_getRawTransactionByHash",
        "debug_getRawTransaction",
    ):
        assert await rpc(name, "0x" + "ab" * 32) is None
        with refused(-32602, "hash"):
            await rpc(name, "0xab")


async def test_a_creation_names_its_contract(rpc: Rpc) -> None:
    tx_hash = await rpc(
        "eth_sendTransaction", {"from": rpc.account(2), "data": "0x600060005360016000f3"}
    )
    receipt = await rpc("eth_getTransactionReceipt", tx_hash)
    assert receipt["to"] is None
    assert receipt["type"] == "0x2"
    assert await rpc("eth_getCode", receipt["contractAddress"]) == "0x00"


async def test_the_pool_tells_what_is_due_from_what_waits_for_a_nonce(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    due, late = rpc.payment(nonce_key=0, nonce=0), rpc.payment(nonce_key=0, nonce=2)
    expiring = rpc.payment(5)
    for one in (late, due, expiring):
        await rpc("eth_sendRawTransaction", to_hex(one.raw))
    assert await rpc("txpool_status") == {"pending": "0x2", "queued": "0x1"}
    content = await rpc("txpool_content")
    mine = content["pending"][rpc.account(1)]
    assert mine["0"]["hash"] == to_hex(due.hash)
    assert mine[to_hex(expiring.hash)]["hash"] == to_hex(expiring.hash)
    assert list(content["queued"][rpc.account(1)]) == ["2"]
    await rpc("evm_mine")
    assert await rpc("txpool_status") == {"pending": "0x0", "queued": "0x1"}


async def test_a_reverted_payment_has_a_receipt_and_has_paid_its_fee(rpc: Rpc) -> None:
    value = transfer(2**65) | {"from": rpc.account(1), "gas": "0xf4240"}
    receipt = await rpc("eth_getTransactionReceipt", await rpc("eth_sendTransaction", value))
    assert receipt["status"] == "0x0"
    assert len(receipt["logs"]) == 1
    assert receipt["logs"][0]["topics"][2] == word(FEE_MANAGER)
