"""State that tests write directly: the `anvil_` setters."""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.abi import Function
from tests.unit.mock_rails.tempo.rpc.support import (
    PATH,
    STRANGER,
    Rpc,
    refused,
    to_hex,
    transfer,
)

ALPHA = "0x20c0000000000000000000000000000000000001"
CONTRACT = "0x" + "c0" * 20
HOLDER = to_hex(STRANGER)
TOTAL_SUPPLY = Function("totalSupply() returns (uint256)")
ALLOWANCE = Function("allowance(address owner, address spender) returns (uint256)")


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def read(rpc: Rpc, token: str, function: Function, *values: Any) -> int:
    call = {"to": token, "data": to_hex(function.call(*values))}
    return int(await rpc("eth_call", call), 16)


async def test_money_from_nowhere_is_in_the_supply(rpc: Rpc) -> None:
    before = await read(rpc, ALPHA, TOTAL_SUPPLY)
    await rpc("anvil_dealERC20", HOLDER, ALPHA, hex(10**9))
    assert await rpc.balance(STRANGER, ALPHA) == 10**9
    assert await read(rpc, ALPHA, TOTAL_SUPPLY) == before + 10**9
    await rpc("anvil_dealERC20", HOLDER, ALPHA, "0x5")
    assert await rpc.balance(STRANGER, ALPHA) == 5
    assert await read(rpc, ALPHA, TOTAL_SUPPLY) == before + 5
    rpc.chain.check_conservation()


async def test_a_balance_is_pathusd_and_can_be_spent(rpc: Rpc) -> None:
    await rpc("anvil_setBalance", HOLDER, hex(10**9))
    await rpc("anvil_impersonateAccount", HOLDER)
    value = transfer(7, b"\xb0" * 20) | {"from": HOLDER}
    receipt = await rpc("eth_sendTransactionSync", value)
    assert receipt["status"] == "0x1"
    assert await rpc.balance(b"\xb0" * 20) == 7
    rpc.chain.check_conservation()


async def test_a_balance_above_the_cap_is_refused(rpc: Rpc) -> None:
    digest = rpc.chain.digest()
    with refused(-32602, "above its cap"):
        await rpc("anvil_setBalance", HOLDER, hex(2**128))
    assert rpc.chain.digest() == digest


async def test_allowances(rpc: Rpc) -> None:
    await rpc("anvil_setERC20Allowance", rpc.account(1), HOLDER, PATH, "0x5")
    owner = rpc.chain.accounts[1].address
    assert await read(rpc, PATH, ALLOWANCE, owner, STRANGER) == 5


async def test_the_fee_token_of_an_account(rpc: Rpc) -> None:
    value = transfer(1) | {"from": rpc.account(1)}
    assert (await rpc("eth_sendTransactionSync", value))["feeToken"] == ALPHA
    await rpc("anvil_setFeeToken", rpc.account(1), PATH)
    assert (await rpc("eth_sendTransactionSync", value))["feeToken"] == PATH


async def test_code_storage_and_nonce(rpc: Rpc) -> None:
    await rpc("anvil_setCode", CONTRACT, "0x60005460005260206000f3")
    await rpc("hardhat_setStorageAt", CONTRACT, "0x0", "0x" + "00" * 31 + "2a")
    assert int(await rpc("eth_call", {"to": CONTRACT}), 16) == 42
    await rpc("anvil_setNonce", HOLDER, "0x7")
    assert await rpc("eth_getTransactionCount", HOLDER) == "0x7"
    with refused(-32602, "nonce 6 is below the present one, 7"):
        await rpc("hardhat_setNonce", HOLDER, 6)


@pytest.mark.parametrize(
    ("name", "params", "fragment"),
    [
        ("anvil_setCode", [PATH, "0x00"], "native contract"),
        ("anvil_setStorageAt", [PATH, "0x0", "0x0"], "native contract"),
        ("anvil_dealERC20", [HOLDER, CONTRACT, "0x1"], "not a TIP-20 token"),
        (
            "anvil_dealERC20",
            [HOLDER, "0x20c00000000000000000000000000000000000ff", "0x1"],
            "TIP-20",
        ),
        ("anvil_setFeeToken", [HOLDER, CONTRACT], "not a TIP-20 token"),
        ("anvil_setBalance", [HOLDER, "lots"], "balance"),
        ("anvil_setBalance", [HOLDER], "missing parameter 1: balance"),
        ("anvil_setERC20Allowance", [HOLDER, HOLDER, CONTRACT, "0x1"], "not a TIP-20 token"),
        ("anvil_setNonce", [HOLDER, hex(2**64)], "nonce"),
        ("anvil_setStorageAt", [CONTRACT, "0x0", hex(2**256)], "value"),
    ],
)
async def test_malformed_edits_change_nothing(
    rpc: Rpc, name: str, params: list[Any], fragment: str
) -> None:
    digest = rpc.chain.digest()
    with refused(-32602, fragment):
        await rpc(name, *params)
    assert rpc.chain.digest() == digest


async def test_edits_are_in_the_journal(rpc: Rpc) -> None:
    await rpc("anvil_setBalance", HOLDER, "0x5")
    (event,) = rpc.chain.context.journal.read(0, 10, kind="state.deal")
    assert event.data["amount"] == 5
