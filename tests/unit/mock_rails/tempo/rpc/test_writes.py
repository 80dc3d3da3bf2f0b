"""Sending raw transactions (facts 1.9, 5.7)."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.unit.mock_rails.tempo.rpc.support import STRANGER, Rpc, refused, to_hex


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_a_sent_transaction_is_mined_when_its_hash_comes_back(rpc: Rpc) -> None:
    payment = rpc.payment(9)
    assert await rpc("eth_sendRawTransaction", to_hex(payment.raw)) == to_hex(payment.hash)
    assert await rpc.balance(STRANGER) == 9
    assert await rpc("eth_blockNumber") == "0x1"


async def test_concurrent_senders_share_a_block(rpc: Rpc) -> None:
    receipts = await asyncio.gather(*[rpc.pay(amount) for amount in range(1, 17)])
    assert {receipt["blockNumber"] for receipt in receipts} == {"0x1"}
    assert await rpc.balance(STRANGER) == sum(range(1, 17))


async def test_the_same_transaction_twice(rpc: Rpc) -> None:
    raw = to_hex(rpc.payment().raw)
    await rpc("eth_sendRawTransaction", raw)
    with refused(-32000, "nonce manager error", "ExpiringNonceReplay"):
        await rpc("eth_sendRawTransaction", raw)
    assert await rpc.balance(STRANGER) == 10_000


@pytest.mark.parametrize(
    ("raw", "fragment"),
    [
        ("0x", "empty transaction data"),
        ("0x76", "failed to decode"),
        ("0x76c0", "failed to decode"),
        ("0x78c0", "failed to decode"),
        ("0x03c0", ""),
        ("0xnothex", "transaction"),
        ("76", "transaction"),
        (5, "transaction"),
        (None, "missing parameter 0: transaction"),
    ],
)
async def test_what_does_not_decode_changes_nothing(rpc: Rpc, raw: object, fragment: str) -> None:
    digest = rpc.chain.digest()
    for name in ("eth_sendRawTransaction", "eth_sendRawTransactionSync"):
        with refused(-32602, fragment):
            await rpc(name, raw)
    assert rpc.chain.digest() == digest


async def test_refusals_speak_the_nodes_language(rpc: Rpc) -> None:
    now_s = rpc.clock.now_s()
    for changes, code, fragment in (
        ({"chain_id": 1}, -32000, "invalid chain ID"),
        ({"nonce_key": 0, "nonce": 5_000}, -32000, "nonce too high"),
        ({"valid_before": now_s + 2}, -32000, "'valid_before'"),
        ({"valid_before": now_s + 1_000}, -32000, "nonce manager error"),
        ({"valid_after": now_s + 10_000, "valid_before": now_s + 20_000}, -32000, "'valid_after'"),
        ({"max_fee_per_gas": 5}, -32000, "max fee per gas less than block base fee"),
        ({"max_priority_fee_per_gas": 10**12}, -32003, "max priority fee per gas"),
        ({"gas_limit": 21_000}, -32000, "intrinsic gas too low"),
        ({"fee_token": STRANGER}, -32003, "is not a TIP-20 token"),
    ):
        with refused(code, fragment):
            await rpc.pay(**changes)
    assert await rpc.balance(STRANGER) == 0
    assert await rpc("eth_getTransactionCount", rpc.account(1)) == "0x0"


async def test_waiting_ends_with_code_4_and_the_transaction_stays(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    payment = rpc.payment()
    with refused(4, to_hex(payment.hash), "wasn't confirmed within"):
        await rpc("eth_sendRawTransactionSync", to_hex(payment.raw), 20)
    assert await rpc("eth_getTransactionReceipt", to_hex(payment.hash)) is None
    await rpc("evm_mine")
    receipt = await rpc("eth_getTransactionReceipt", to_hex(payment.hash))
    assert receipt["status"] == "0x1"


@pytest.mark.parametrize("timeout_ms", ["soon", -1, True, 10**9])
async def test_the_timeout_is_checked_before_anything_is_sent(rpc: Rpc, timeout_ms: object) -> None:
    with refused(-32602, "timeout"):
        await rpc("eth_sendRawTransactionSync", to_hex(rpc.payment().raw), timeout_ms)
    assert await rpc.balance(STRANGER) == 0


async def test_a_lost_answer_is_a_broken_connection_and_a_settled_payment(rpc: Rpc) -> None:
    rpc.chain.context.faults.arm({"at": "tempo.submit", "do": "lose_response"})
    transport = httpx.ASGITransport(rpc.api)
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_sendRawTransactionSync",
        "params": [to_hex(rpc.payment(8).raw)],
    }
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        with pytest.raises(AssertionError):  # the ASGI client's word for an unfinished answer
            await client.post("/", json=body)
    assert await rpc.balance(STRANGER) == 8
