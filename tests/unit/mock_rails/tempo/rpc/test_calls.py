"""eth_call, estimates, fills and their overrides (facts 5.3, 5.4, 5.7)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY
from tests.unit.mock_rails.tempo.rpc.support import (
    BALANCE_OF,
    PATH,
    STRANGER,
    Rpc,
    refused,
    to_hex,
    transfer,
)

ALPHA = "0x20c0000000000000000000000000000000000001"
RETURN_42 = "0x602a60005260206000f3"
RETURN_NUMBER = "0x4360005260206000f3"
RETURN_TIME = "0x4260005260206000f3"
RETURN_SLOT_0 = "0x60005460005260206000f3"
OUT_OF_GAS = "0x5b600056"


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


def balance_of(account: bytes) -> dict[str, str]:
    return {"to": PATH, "data": to_hex(BALANCE_OF.call(account))}


async def test_a_read(rpc: Rpc) -> None:
    assert await rpc("eth_call", balance_of(STRANGER)) == "0x" + "00" * 32
    await rpc.pay(7)
    assert int(await rpc("eth_call", balance_of(STRANGER), "latest"), 16) == 7


async def test_a_read_at_an_old_block(rpc: Rpc) -> None:
    for amount in (1, 2, 3):
        await rpc.pay(amount)
    for block, balance in ((0, 0), (1, 1), (2, 3), ("latest", 6), ("pending", 6)):
        tag = hex(block) if isinstance(block, int) else block
        assert await rpc.balance(STRANGER, at=tag) == balance
    assert await rpc.balance(STRANGER) == 6


async def test_a_call_keeps_nothing(rpc: Rpc) -> None:
    digest = rpc.chain.digest()
    await rpc("eth_call", transfer(5) | {"from": rpc.account(1)})
    await rpc("eth_estimateGas", transfer(5) | {"from": rpc.account(1)})
    assert rpc.chain.digest() == digest


async def test_a_batch_answers_the_last_calls_data(rpc: Rpc) -> None:
    # pympp: earlier calls in `calls`, the last one at the top level.
    batch = {"from": rpc.account(1), "calls": [transfer(5), transfer(6)], **balance_of(STRANGER)}
    assert int(await rpc("eth_call", batch), 16) == 11


async def test_a_revert_is_code_3_with_its_data(rpc: Rpc) -> None:
    value = transfer(5) | {"from": to_hex(STRANGER)}
    for name in ("eth_call", "eth_estimateGas", "eth_fillTransaction"):
        with refused(
            3, "execution reverted: TIP20 token error: InsufficientBalance", "available: 0"
        ) as caught:
            await rpc(name, value)
        assert caught.value.data[:10] == "0x832f98b5"


async def test_reads_run_at_the_present_time(rpc: Rpc) -> None:
    # An idle chain must not live in the past (facts 7).
    await rpc.pay()
    before = int(await rpc("eth_call", {"data": RETURN_TIME}), 16)
    await rpc("evm_increaseTime", 900)
    assert int(await rpc("eth_call", {"data": RETURN_TIME}), 16) == before + 900
    assert int(await rpc("eth_call", {"data": RETURN_NUMBER}), 16) == 2


async def test_a_deployless_call_returns_what_the_constructor_returns(rpc: Rpc) -> None:
    assert int(await rpc("eth_call", {"data": RETURN_42}), 16) == 42


async def test_an_empty_creation_works(rpc: Rpc) -> None:
    # mppx warms its server up with `{from}` alone.
    assert await rpc("eth_call", {"from": rpc.account(1)}) == "0x"
    assert int(await rpc("eth_estimateGas", {"from": rpc.account(1)}), 16) > 500_000


async def test_a_priced_call_without_gas_takes_what_the_balance_buys(rpc: Rpc) -> None:
    """Facts 5.4: the node caps the gas by the fee balance instead of refusing the call."""
    await rpc.pay(10_000)
    priced = {"from": to_hex(STRANGER), "gasPrice": hex(20 * 10**9)}
    assert await rpc("eth_call", balance_of(STRANGER) | priced)
    with refused(-32000, "insufficient fee token balance"):
        await rpc("eth_call", balance_of(STRANGER) | priced | {"gasPrice": hex(20 * 10**12)})


async def test_a_priced_call_pays_its_fee(rpc: Rpc) -> None:
    poor = {"from": to_hex(STRANGER), "gasPrice": hex(20 * 10**9), "gas": "0xf4240"}
    assert await rpc("eth_call", balance_of(STRANGER) | {"from": to_hex(STRANGER)})
    with refused(-32000, "insufficient fee token balance"):
        await rpc("eth_call", balance_of(STRANGER) | poor)
    with refused(-32000, "gas required exceeds allowance (0)"):
        await rpc("eth_estimateGas", transfer(0) | poor)


@pytest.mark.parametrize(
    ("value", "code", "fragment"),
    [
        ({"to": PATH, "value": "0x1"}, -32603, "Revm error: value transfer not allowed"),
        ({"to": PATH, "chainId": "0x1"}, -32000, "invalid chain ID"),
        ({"to": "0x12"}, -32602, "to"),
        ({"to": PATH, "data": "zz"}, -32602, "data"),
        ({"calls": []}, -32602, "empty calls list"),
        ({"calls": [{"to": "0x12"}]}, -32602, "calls[0].to"),
        ({"to": PATH, "gas": "lots"}, -32602, "gas"),
        ({"to": PATH, "keyType": "rsa"}, -32602, "keyType"),
        ({"to": PATH, "type": "0x3"}, -32602, "blob"),
        ([], -32602, "transaction"),
        ("0x", -32602, "transaction"),
        (None, -32602, "missing parameter 0: transaction"),
    ],
)
async def test_malformed_requests(rpc: Rpc, value: Any, code: int, fragment: str) -> None:
    for name in ("eth_call", "eth_estimateGas"):
        with refused(code, fragment):
            await rpc(name, value)


async def test_a_call_that_runs_out_of_gas(rpc: Rpc) -> None:
    with refused(-32000, "out of gas"):
        await rpc("eth_call", {"data": OUT_OF_GAS, "gas": "0xf4240"})
    with refused(-32000, "gas required exceeds allowance (30000000)"):
        await rpc("eth_estimateGas", {"data": OUT_OF_GAS})


# -- estimates ------------------------------------------------------------------------------------


async def test_an_estimate_is_enough(rpc: Rpc) -> None:
    value = transfer(5) | {"from": rpc.account(1), "nonceKey": hex(EXPIRING_NONCE_KEY)}
    gas = int(await rpc("eth_estimateGas", value), 16)
    receipt = await rpc.pay(5, gas_limit=gas)
    assert receipt["status"] == "0x1"
    with refused(-32000, "intrinsic gas too low"):
        await rpc.pay(5, gas_limit=20_000)


async def test_an_estimate_counts_the_signature_that_is_to_come(rpc: Rpc) -> None:
    value = transfer(5) | {"from": rpc.account(1), "feeToken": PATH}
    plain = int(await rpc("eth_estimateGas", value), 16)

    async def extra(**hints: str) -> int:
        return int(await rpc("eth_estimateGas", value | hints), 16) - plain

    assert await extra(keyType="secp256k1") == 0
    assert await extra(keyType="p256") == 5_000
    assert await extra(keyType="webAuthn", keyData="0x64") == 5_000 + 16 * 100
    assert await extra(keyType="webAuthn") == 5_000 + 16 * 800
    # A hint cannot make the node build a signature of four gigabytes.
    assert await extra(keyType="webAuthn", keyData="0xffffffff") < 50_000


async def test_the_first_transaction_of_an_account_costs_more(rpc: Rpc) -> None:
    value = transfer(5) | {"from": rpc.account(1)}
    first = int(await rpc("eth_estimateGas", value), 16)
    await rpc.pay(nonce_key=0, nonce=0, amount=0)
    assert first - int(await rpc("eth_estimateGas", value), 16) == 250_000


# -- overrides ------------------------------------------------------------------------------------


async def test_state_overrides(rpc: Rpc) -> None:
    contract = "0x" + "c0" * 20
    account = {"code": RETURN_SLOT_0, "stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "07"}}
    answer = await rpc("eth_call", {"to": contract}, "latest", {contract: account})
    assert int(answer, 16) == 7
    account = {"code": RETURN_SLOT_0, "state": {"0x1": "0x07"}, "balance": "0x1", "nonce": "0x5"}
    assert int(await rpc("eth_call", {"to": contract}, "latest", {contract: account}), 16) == 0
    assert await rpc("eth_getCode", contract) == "0x"


async def test_block_overrides(rpc: Rpc) -> None:
    block = {"number": "0x64", "time": "0xc8", "difficulty": "0x1"}
    for code, answer in ((RETURN_NUMBER, 100), (RETURN_TIME, 200)):
        assert int(await rpc("eth_call", {"data": code}, "latest", None, block), 16) == answer


@pytest.mark.parametrize(
    ("state", "block", "fragment"),
    [
        ({PATH: {"stateDiff": {}}}, None, "native contract"),
        ({"0x12": {}}, None, "stateOverrides"),
        ({"0x" + "c0" * 20: {"state": {}, "stateDiff": {}}}, None, "not both"),
        ({"0x" + "c0" * 20: {"movePrecompileToAddress": PATH}}, None, "not emulated"),
        ({"0x" + "c0" * 20: 5}, None, "stateOverrides"),
        (None, {"nmber": "0x1"}, "blockOverrides.nmber"),
        (None, {"time": "now"}, "blockOverrides.time"),
    ],
)
async def test_malformed_overrides(rpc: Rpc, state: Any, block: Any, fragment: str) -> None:
    with refused(-32602, fragment):
        await rpc("eth_call", {"data": RETURN_42}, "latest", state, block)


# -- eth_fillTransaction --------------------------------------------------------------------------


async def test_a_fill_adds_what_is_missing(rpc: Rpc) -> None:
    await rpc.pay(nonce_key=0, nonce=0)
    value = transfer(5) | {"from": rpc.account(1), "feeToken": ALPHA}
    filled = await rpc("eth_fillTransaction", value)
    tx = filled["tx"]
    assert (tx["type"], tx["chainId"], tx["nonce"]) == ("0x76", "0x539", "0x1")
    assert tx["gas"] == await rpc("eth_estimateGas", value)
    assert tx["maxFeePerGas"] == await rpc("eth_gasPrice")
    assert tx["maxPriorityFeePerGas"] == "0x0"
    assert tx["feeToken"] == ALPHA
    assert tx["calls"][0]["to"] == PATH
    assert tx["from"] == rpc.account(1)
    assert "hash" not in tx
    assert "signature" not in tx
    assert filled["raw"].startswith("0x76")


async def test_a_fill_keeps_what_was_given(rpc: Rpc) -> None:
    given = {
        "nonce": "0x5",
        "nonceKey": "0x7",
        "gas": "0x186a0",
        "maxFeePerGas": "0x77359400",
        "maxPriorityFeePerGas": "0x3",
        "validBefore": "0x7fffffff",
        "validAfter": "0x1",
    }
    tx = (await rpc("eth_fillTransaction", transfer(5) | {"from": rpc.account(1)} | given))["tx"]
    for name, value in given.items():
        assert tx[name] == value


@pytest.mark.parametrize(
    ("members", "kind", "nonce"),
    [
        ({}, "0x2", "0x1"),
        ({"gasPrice": hex(20 * 10**9)}, "0x0", "0x1"),
        ({"nonceKey": "0x9"}, "0x76", "0x0"),
        ({"nonceKey": hex(EXPIRING_NONCE_KEY)}, "0x76", "0x0"),
        ({"type": "0x76"}, "0x76", "0x1"),
    ],
)
async def test_a_fill_finds_type_and_nonce(
    rpc: Rpc, members: dict[str, str], kind: str, nonce: str
) -> None:
    await rpc.pay(nonce_key=0, nonce=0)
    filled = await rpc("eth_fillTransaction", transfer(5) | {"from": rpc.account(1)} | members)
    assert (filled["tx"]["type"], filled["tx"]["nonce"]) == (kind, nonce)


async def test_a_fill_counts_the_pool(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    await rpc("eth_sendRawTransaction", to_hex(rpc.payment(nonce_key=0, nonce=0).raw))
    tx = (await rpc("eth_fillTransaction", transfer(5) | {"from": rpc.account(1)}))["tx"]
    assert tx["nonce"] == "0x1"


async def test_a_filled_transaction_can_be_signed_and_sent(rpc: Rpc) -> None:
    value = transfer(5) | {"from": rpc.account(1), "feeToken": PATH}
    tx = (await rpc("eth_fillTransaction", value))["tx"]
    signed = await rpc("eth_signTransaction", tx)
    assert (
        decode_transaction(bytes.fromhex(signed["raw"][2:])).sender == rpc.chain.accounts[1].address
    )
    receipt = await rpc("eth_sendRawTransactionSync", signed["raw"])
    assert receipt["status"] == "0x1"
    # The estimate was not a unit short, and the price not below the block's.
    assert int(receipt["gasUsed"], 16) <= int(tx["gas"], 16)
