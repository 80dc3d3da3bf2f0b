"""The faucet and the fork schedule (facts 5.7, 6)."""

from __future__ import annotations

import pytest

from tests.unit.mock_rails.tempo.rpc.support import STRANGER, Rpc, refused, to_hex

TOKENS = [f"0x20c000000000000000000000000000000000000{index}" for index in range(4)]


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def test_the_faucet_mints_every_token(rpc: Rpc) -> None:
    for times in (1, 2):
        hashes = await rpc("tempo_fundAddress", to_hex(STRANGER))
        assert len(set(hashes)) == 4
        for tx_hash in hashes:
            assert (await rpc("eth_getTransactionReceipt", tx_hash))["status"] == "0x1"
        for token in TOKENS:
            assert await rpc.balance(STRANGER, token) == times * 10**15


async def test_the_faucet_does_not_disturb_its_accounts_nonce(rpc: Rpc) -> None:
    await rpc("tempo_fundAddress", to_hex(STRANGER))
    assert await rpc("eth_getTransactionCount", rpc.account(0), "pending") == "0x0"


async def test_an_address_is_needed(rpc: Rpc) -> None:
    for params in ([], ["0x12"], [5]):
        with refused(-32602, "address"):
            await rpc("tempo_fundAddress", *params)
    assert await rpc("eth_blockNumber") == "0x0"


async def test_the_fork_schedule(rpc: Rpc) -> None:
    answer = await rpc("tempo_forkSchedule")
    assert answer["active"] == "T12"
    names = [fork["name"] for fork in answer["schedule"]]
    assert names[0] == "T0"
    assert names[-1] == "T12"
    assert len(names) == len(set(names)) == 16
    assert all(fork["active"] for fork in answer["schedule"])
    assert answer["schedule"][0]["forkId"].startswith("0x")
