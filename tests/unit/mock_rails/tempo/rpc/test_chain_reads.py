"""Identity, prices and state reads (facts 5.2, 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mock_rails.tempo.rpc.support import PATH, STRANGER, Rpc, refused, to_hex


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_who_answers(rpc: Rpc) -> None:
    assert await rpc("eth_chainId") == "0x539"
    assert await rpc("net_version") == "1337"
    assert await rpc("net_listening") is True
    assert await rpc("net_peerCount") == "0x0"
    assert (await rpc("web3_clientVersion")).startswith("mpp-sandbox-tempo/v")
    assert await rpc("eth_syncing") is False
    assert await rpc("eth_coinbase") == "0x" + "00" * 20
    assert "tempo" in await rpc("rpc_modules")


async def test_the_chain_id_can_be_the_public_testnets() -> None:
    rpc = Rpc(chain_id=42431)
    assert await rpc("eth_chainId") == "0xa5bf"
    assert await rpc("net_version") == "42431"


async def test_keccak(rpc: Rpc) -> None:
    empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert await rpc("web3_sha3", "0x") == empty


async def test_every_balance_is_the_same_great_number(rpc: Rpc) -> None:
    balance = await rpc("eth_getBalance", to_hex(STRANGER), "latest")
    assert int(balance, 16) == int("42" * 38)
    with refused(-32602, "missing parameter 0: address"):
        await rpc("eth_getBalance")
    with refused(-32001, "block not found"):
        await rpc("eth_getBalance", PATH, "0x63")


async def test_the_gas_price_is_one_that_the_next_block_accepts(rpc: Rpc) -> None:
    before = int(await rpc("eth_gasPrice"), 16)
    receipt = await rpc.pay(max_fee_per_gas=before)
    assert int(receipt["effectiveGasPrice"], 16) <= before
    assert int(await rpc("eth_gasPrice"), 16) <= before
    assert await rpc("eth_maxPriorityFeePerGas") == "0x0"


async def test_nonces(rpc: Rpc) -> None:
    sender = rpc.account(1)
    assert await rpc("eth_getTransactionCount", sender) == "0x0"
    await rpc.pay(nonce_key=0, nonce=0)
    assert await rpc("eth_getTransactionCount", sender, "latest") == "0x1"
    assert await rpc("eth_getTransactionCount", sender, "earliest") == "0x0"
    await rpc("evm_setAutomine", False)
    await rpc("eth_sendRawTransaction", to_hex(rpc.payment(nonce_key=0, nonce=1).raw))
    assert await rpc("eth_getTransactionCount", sender, "latest") == "0x1"
    assert await rpc("eth_getTransactionCount", sender, "pending") == "0x2"


async def test_native_contracts_have_code(rpc: Rpc) -> None:
    assert await rpc("eth_getCode", PATH, "latest") == "0xef"
    assert await rpc("eth_getCode", "0x4D50500000000000000000000000000000000000") == "0xef"
    assert await rpc("eth_getCode", to_hex(STRANGER)) == "0x"
    multicall = await rpc("eth_getCode", "0xca11bde05977b3631167028862be2a173976ca11")
    assert len(multicall) > 1_000


async def test_storage_is_read_at_a_block(rpc: Rpc) -> None:
    short = await rpc("eth_getStorageAt", PATH, "0x2", "latest")
    assert bytes.fromhex(short[2:]) == b"pathUSD".ljust(31, b"\0") + bytes([14])
    contract = "0x" + "c0" * 20
    await rpc("anvil_setStorageAt", contract, "0x7", "0x" + "00" * 31 + "2a")
    assert int(await rpc("eth_getStorageAt", contract, "0x7"), 16) == 42
    await rpc("evm_mine")
    await rpc("anvil_setStorageAt", contract, "0x7", "0x0")
    await rpc("evm_mine")
    assert int(await rpc("eth_getStorageAt", contract, "0x7", "0x1"), 16) == 42
    assert await rpc("eth_getStorageAt", contract, "0x7") == "0x" + "00" * 32


async def test_proofs_are_refused_loudly(rpc: Rpc) -> None:
    with refused(-32601, "eth_getProof", "no Merkle proofs"):
        await rpc("eth_getProof", PATH, [], "latest")


@pytest.mark.parametrize(
    "block",
    [
        "newest",
        "0x",
        "0xzz",
        -1,
        1.5,
        True,
        [],
        {"blockHash": "0x12"},
        {},
        {"blockNumber": "0x0", "blockHash": "0x" + "00" * 32},
        "0x" + "f" * 17,
    ],
)
async def test_a_malformed_block_is_refused_by_name(rpc: Rpc, block: Any) -> None:
    if block == "0x":  # ox writes a zero so
        assert await rpc("eth_getCode", PATH, block) == "0xef"
        return
    with refused(-32602, "block"):
        await rpc("eth_getCode", PATH, block)


async def test_blocks_are_named_in_many_ways(rpc: Rpc) -> None:
    genesis = await rpc("eth_getBlockByNumber", "0x0", False)
    for block in (
        "latest",
        "pending",
        "safe",
        "finalized",
        "earliest",
        0,
        "0x0",
        genesis["hash"],
        {"blockHash": genesis["hash"]},
        {"blockNumber": "0x0"},
        None,
    ):
        assert await rpc("eth_getCode", PATH, block) == "0xef"
    with refused(-32001, "block not found"):
        await rpc("eth_getCode", PATH, "0x" + "ab" * 32)


async def test_states_past_the_kept_history_are_named_as_such() -> None:
    rpc = Rpc(history_depth=8)
    for _ in range(40):
        await rpc("evm_mine")
    with refused(-32001, "block not found: 0x1"):
        await rpc("eth_getCode", PATH, "0x1")
    assert await rpc("eth_getCode", PATH, "0x27") == "0xef"
