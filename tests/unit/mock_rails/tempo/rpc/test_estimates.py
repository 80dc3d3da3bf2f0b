"""An estimate is the gas limit that a transaction needs, not the gas that it will have used.

The two part where gas comes back at the end: TIP-1060 refunds a created slot for each one that the
contract's storage gave up before (facts 4.5), but only after the calls have had to pay for it.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, FEE_MANAGER, PATH_USD
from tests.unit.mock_rails.tempo.rpc.support import PATH, Rpc, to_hex

MINT = Function(
    "mint(address userToken, address validatorToken, uint256 amountValidatorToken, address to)"
    " returns (uint256)"
)
BURN = Function(
    "burn(address userToken, address validatorToken, uint256 liquidity, address to)"
    " returns (uint256, uint256)"
)
SHARES = Function("liquidityBalances(bytes32 poolId, address user) returns (uint256)")
POOL_ID = Function("getPoolId(address userToken, address validatorToken) returns (bytes32)")


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


def call(data: bytes, sender: str) -> dict[str, Any]:
    return {"from": sender, "to": to_hex(FEE_MANAGER), "data": to_hex(data), "feeToken": PATH}


async def send(rpc: Rpc, value: dict[str, Any]) -> dict[str, Any]:
    """Send with the gas that the node estimates."""
    sent = await rpc("eth_sendTransaction", value)
    receipt: dict[str, Any] = await rpc("eth_getTransactionReceipt", sent)
    return receipt


async def test_a_refund_at_the_end_must_be_paid_for_first(rpc: Rpc) -> None:
    provider = rpc.account(1)
    holder = rpc.chain.accounts[1].address
    mint = call(MINT.call(BETA_USD, PATH_USD, 1_000_000, holder), provider)
    pool = await rpc("eth_call", call(POOL_ID.call(BETA_USD, PATH_USD), provider))
    assert (await send(rpc, mint))["status"] == "0x1"
    shares = SHARES.call(bytes.fromhex(pool[2:]), holder)
    liquidity = int(await rpc("eth_call", call(shares, provider)), 16)
    burn = call(BURN.call(BETA_USD, PATH_USD, liquidity, holder), provider)
    assert (await send(rpc, burn))["status"] == "0x1"

    estimate = int(await rpc("eth_estimateGas", mint), 16)
    receipt = await send(rpc, mint | {"gas": hex(estimate)})
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= estimate - 240_000


async def test_estimating_twice_finds_the_same_state(rpc: Rpc) -> None:
    holder = rpc.chain.accounts[1].address
    mint = call(MINT.call(ALPHA_USD, BETA_USD, 1_000_000, holder), rpc.account(1))
    first = await rpc("eth_estimateGas", mint)
    assert await rpc("eth_estimateGas", mint) == first
    receipt = await send(rpc, mint | {"gas": first})
    assert (receipt["status"], receipt["gasUsed"]) == ("0x1", first)
