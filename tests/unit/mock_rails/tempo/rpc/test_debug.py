"""Call traces in geth's form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mock_rails.tempo.rpc.support import PATH, STRANGER, Rpc, refused, to_hex, transfer

CALLS = {"tracer": "callTracer"}


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_a_payment_is_one_call(rpc: Rpc) -> None:
    receipt = await rpc.pay(5)
    await rpc.pay(6)
    options = CALLS | {"tracerConfig": {"withLog": True}}
    trace = await rpc("debug_traceTransaction", receipt["transactionHash"], options)
    assert (trace["type"], trace["from"], trace["to"]) == ("CALL", rpc.account(1), PATH)
    assert trace["gasUsed"] == receipt["gasUsed"]
    assert int(trace["output"], 16) == 1
    assert [log["address"] for log in trace["logs"]] == [PATH]
    assert "error" not in trace
    # Tracing ran the transaction again and left no trace of itself.
    assert await rpc.balance(STRANGER) == 11


async def test_a_revert_is_traced_with_its_error(rpc: Rpc) -> None:
    value = transfer(2**65) | {"from": rpc.account(1), "gas": "0xf4240"}
    tx_hash = await rpc("eth_sendTransaction", value)
    trace = await rpc("debug_traceTransaction", tx_hash, CALLS)
    assert trace["error"] == "execution reverted"
    assert trace["output"][:10] == "0x832f98b5"


async def test_a_call_inside_a_call(rpc: Rpc) -> None:
    # A contract that staticcalls pathUSD's decimals() and returns the answer.
    code = "0x63313ce567600052602060006004601c73" + PATH[2:] + "5afa5060206000f3"
    contract = "0x" + "c0" * 20
    await rpc("anvil_setCode", contract, code)
    trace = await rpc("debug_traceCall", {"to": contract}, "latest", CALLS)
    assert int(trace["output"], 16) == 6
    (inner,) = trace["calls"]
    assert (inner["type"], inner["from"], inner["to"]) == ("STATICCALL", contract, PATH)
    assert inner["input"] == "0x313ce567"
    top = CALLS | {"tracerConfig": {"onlyTopCall": True}}
    assert "calls" not in await rpc("debug_traceCall", {"to": contract}, "latest", top)


async def test_a_simulated_call_with_overrides(rpc: Rpc) -> None:
    contract = "0x" + "c0" * 20
    options = CALLS | {"stateOverrides": {contract: {"code": "0x602a60005260206000f3"}}}
    trace = await rpc("debug_traceCall", {"to": contract}, "latest", options)
    assert int(trace["output"], 16) == 42


async def test_all_transactions_of_a_block(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    hashes = [
        await rpc("eth_sendRawTransaction", to_hex(rpc.payment(amount).raw)) for amount in (5, 6)
    ]
    await rpc("evm_mine")
    block = await rpc("eth_getBlockByNumber", "latest", False)
    traces = await rpc("debug_traceBlockByNumber", "latest", CALLS)
    assert [trace["txHash"] for trace in traces] == hashes
    assert await rpc("debug_traceBlockByHash", block["hash"], CALLS) == traces
    receipts = await rpc("eth_getBlockReceipts", "latest")
    gas = [trace["result"]["gasUsed"] for trace in traces]
    assert gas == [receipt["gasUsed"] for receipt in receipts]


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (None, "default struct logger is not emulated"),
        ({}, "default struct logger is not emulated"),
        ({"tracer": "prestateTracer"}, "'prestateTracer' is not emulated"),
        ("callTracer", "options"),
        ({"tracer": "callTracer", "tracerConfig": 5}, "tracerConfig"),
    ],
)
async def test_other_tracers_are_refused_by_name(rpc: Rpc, options: Any, fragment: str) -> None:
    receipt = await rpc.pay(5)
    with refused(-32602, fragment):
        await rpc("debug_traceTransaction", receipt["transactionHash"], options)


async def test_what_cannot_be_traced(rpc: Rpc) -> None:
    with refused(-32000, "transaction not found"):
        await rpc("debug_traceTransaction", "0x" + "ab" * 32, CALLS)
    with refused(-32001, "block not found"):
        await rpc("debug_traceBlockByNumber", "0x63", CALLS)
    receipt = await rpc.pay(5)
    raw = await rpc("debug_getRawTransaction", receipt["transactionHash"])
    assert raw.startswith("0x76")
