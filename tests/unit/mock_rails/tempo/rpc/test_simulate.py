"""eth_simulateV1 and tempo_simulateV1 (facts 5.8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mock_rails.tempo.rpc.support import (
    BALANCE_OF,
    PATH,
    STRANGER,
    Rpc,
    refused,
    to_hex,
    transfer,
)


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


def payload(*calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"blockStateCalls": [{"calls": list(calls)}], **members}


async def test_what_pympp_asks_before_it_sponsors(rpc: Rpc) -> None:
    call = transfer(5) | {"from": rpc.account(1)}
    for params in ([payload(call)], [payload(call), "latest"]):  # mpp-rs leaves the block out
        answer = await rpc("tempo_simulateV1", *params)
        (block,) = answer["blocks"]
        (result,) = block["calls"]
        assert result["status"] == "0x1"
        assert int(result["returnData"], 16) == 1
        assert "error" not in result
        assert [log["address"] for log in result["logs"]] == [PATH]
        assert block["number"] == "0x1"
        assert block["gasUsed"] == result["gasUsed"]
        assert len(block["transactions"]) == 1
        metadata = {"name": "pathUSD", "symbol": "pathUSD", "currency": "USD"}
        assert answer["tokenMetadata"] == {PATH: metadata}
    assert await rpc.balance(STRANGER) == 0


async def test_a_failure_has_status_0_and_a_message(rpc: Rpc) -> None:
    answer = await rpc("tempo_simulateV1", payload(transfer(5) | {"from": to_hex(STRANGER)}))
    (result,) = answer["blocks"][0]["calls"]
    assert result["status"] == "0x0"
    assert result["error"]["code"] == 3
    assert "InsufficientBalance" in result["error"]["message"]
    assert result["error"]["data"] == result["returnData"]
    assert result["logs"] == []


async def test_calls_and_blocks_see_what_came_before(rpc: Rpc) -> None:
    sender = {"from": rpc.account(1)}
    read = {"to": PATH, "data": to_hex(BALANCE_OF.call(STRANGER))}
    blocks = [
        {"calls": [transfer(5) | sender, read]},
        {"calls": [transfer(6) | sender, read], "blockOverrides": {"time": "0x7fffffff"}},
    ]
    first, second = await rpc("eth_simulateV1", {"blockStateCalls": blocks})
    assert [int(block["calls"][1]["returnData"], 16) for block in (first, second)] == [5, 11]
    assert (first["number"], second["number"]) == ("0x1", "0x2")
    assert second["parentHash"] == first["hash"]
    assert first["parentHash"] == (await rpc("eth_getBlockByNumber", "latest", False))["hash"]
    assert second["timestamp"] == "0x7fffffff"
    assert await rpc.balance(STRANGER) == 0


async def test_the_number_can_be_overridden(rpc: Rpc) -> None:
    block = {"calls": [{"data": "0x4360005260206000f3"}], "blockOverrides": {"number": "0x64"}}
    (answer,) = await rpc("eth_simulateV1", {"blockStateCalls": [block]})
    assert answer["number"] == "0x64"
    assert int(answer["calls"][0]["returnData"], 16) == 100


async def test_state_overrides_hold_from_their_block_on(rpc: Rpc) -> None:
    contract = "0x" + "c0" * 20
    blocks = [
        {"calls": [{"to": contract}]},
        {
            "calls": [{"to": contract}],
            "stateOverrides": {contract: {"code": "0x602a60005260206000f3"}},
        },
    ]
    first, second = await rpc("eth_simulateV1", {"blockStateCalls": blocks})
    assert first["calls"][0]["returnData"] == "0x"
    assert int(second["calls"][0]["returnData"], 16) == 42


async def test_a_priced_call_pays_and_logs_its_fee(rpc: Rpc) -> None:
    call = transfer(5) | {
        "from": rpc.account(1),
        "gas": "0xf4240",
        "maxFeePerGas": hex(20 * 10**9),
        "feeToken": PATH,
    }
    (block,) = await rpc("eth_simulateV1", payload(call))
    assert len(block["calls"][0]["logs"]) == 2
    assert [log["logIndex"] for log in block["calls"][0]["logs"]] == ["0x0", "0x1"]


async def test_whole_transactions_if_asked(rpc: Rpc) -> None:
    call = transfer(5) | {"from": rpc.account(1)}
    (block,) = await rpc("eth_simulateV1", payload(call, returnFullTransactions=True))
    assert block["transactions"][0]["from"] == rpc.account(1)


async def test_with_validation_the_nonce_counts(rpc: Rpc) -> None:
    call = transfer(5) | {"from": rpc.account(1), "nonce": "0x5"}
    (block,) = await rpc("eth_simulateV1", payload(call))
    assert block["calls"][0]["status"] == "0x1"
    with refused(-32000, "nonce too high"):
        await rpc("eth_simulateV1", payload(call, validation=True))


async def test_an_expired_transaction_is_an_error_of_the_node(rpc: Rpc) -> None:
    call = transfer(5) | {"from": rpc.account(1), "validBefore": "0x5"}
    with refused(-32603, "Revm error: transaction expired"):
        await rpc("tempo_simulateV1", payload(call))


async def test_a_call_that_fails_without_a_revert(rpc: Rpc) -> None:
    (block,) = await rpc("eth_simulateV1", payload({"data": "0xfe", "gas": "0xf4240"}))
    error = block["calls"][0]["error"]
    assert error["code"] == -32015
    assert "invalid opcode" in error["message"]


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ({}, "blockStateCalls is missing"),
        ({"blockStateCalls": {}}, "blockStateCalls"),
        ({"blockStateCalls": [5]}, "blockStateCalls[0]"),
        ({"blockStateCalls": [{}]}, "calls is missing"),
        ({"blockStateCalls": [{"calls": []}] * 257}, "at most 256"),
        (payload({"to": "0x12"}), "to"),
        ([], "payload"),
    ],
)
async def test_malformed_payloads(rpc: Rpc, value: Any, fragment: str) -> None:
    with refused(-32602, fragment):
        await rpc("tempo_simulateV1", value)


async def test_nothing_is_a_valid_simulation(rpc: Rpc) -> None:
    answer = await rpc("tempo_simulateV1", {"blockStateCalls": []})
    assert answer == {"blocks": [], "tokenMetadata": {}}
