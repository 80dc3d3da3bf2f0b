"""eth_getLogs and the filters that are polled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.rpc import filters, logs
from tests.unit.mock_rails.tempo.rpc.support import PATH, Rpc, refused, to_hex

if TYPE_CHECKING:
    from collections.abc import Callable

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
BOB = b"\xb0" * 20
BOB_WORD = "0x" + "00" * 12 + "b0" * 20


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


async def amounts(rpc: Rpc, **criteria: Any) -> list[int]:
    found = await rpc("eth_getLogs", {"topics": [None, None, BOB_WORD], **criteria})
    return [int(log["data"], 16) for log in found]


async def test_logs_of_a_range(rpc: Rpc) -> None:
    for amount in (1, 2, 3):
        await rpc.pay(amount, BOB)
    assert await amounts(rpc) == [3]
    assert await amounts(rpc, fromBlock="earliest") == [1, 2, 3]
    assert await amounts(rpc, fromBlock="0x1", toBlock="0x2") == [1, 2]
    assert await amounts(rpc, fromBlock="0x2", toBlock="latest") == [2, 3]
    assert await amounts(rpc, fromBlock="0x63") == []
    assert await amounts(rpc, fromBlock="0x1", toBlock="0xffffffff") == [1, 2, 3]
    block = await rpc("eth_getBlockByNumber", "0x2", False)
    assert await amounts(rpc, blockHash=block["hash"]) == [2]


async def test_a_log_is_the_one_in_the_receipt(rpc: Rpc) -> None:
    receipt = await rpc.pay(5, BOB)
    assert await rpc("eth_getLogs", {"blockHash": receipt["blockHash"]}) == receipt["logs"]


@pytest.mark.parametrize(
    ("criteria", "count"),
    [
        ({}, 2),
        ({"address": PATH}, 2),
        ({"address": PATH.upper().replace("0X", "0x")}, 2),
        ({"address": [PATH, "0x" + "11" * 20]}, 2),
        ({"address": "0x" + "11" * 20}, 0),
        ({"address": []}, 2),
        ({"topics": []}, 2),
        ({"topics": [TRANSFER_TOPIC]}, 2),
        ({"topics": [None, None, BOB_WORD]}, 1),
        ({"topics": [[TRANSFER_TOPIC, "0x" + "22" * 32], None, [BOB_WORD]]}, 1),
        ({"topics": [[], [], []]}, 2),
        ({"topics": [[None, TRANSFER_TOPIC]]}, 2),
        ({"topics": ["0x" + "22" * 32]}, 0),
        ({"topics": [None, None, None, None]}, 0),
    ],
)
async def test_addresses_and_topics(rpc: Rpc, criteria: dict[str, Any], count: int) -> None:
    await rpc.pay(5, BOB)
    assert len(await rpc("eth_getLogs", criteria)) == count


@pytest.mark.parametrize(
    ("criteria", "fragment"),
    [
        ({"address": "0x12"}, "address"),
        ({"address": 5}, "address"),
        ({"topics": "0x12"}, "topics"),
        ({"topics": ["0x12"]}, "topic"),
        ({"topics": [None] * 5}, "topics"),
        ({"fromBlock": "soon"}, "fromBlock"),
        ({"fromBlock": "0x2", "toBlock": "0x1"}, "after toBlock"),
        ({"blockHash": "0x" + "00" * 32, "fromBlock": "0x0"}, "not both"),
        ({"address": [PATH] * 1_001}, "at most 1000"),
        ("everything", "filter"),
    ],
)
async def test_malformed_filters(rpc: Rpc, criteria: Any, fragment: str) -> None:
    for name in ("eth_getLogs", "eth_newFilter"):
        with refused(-32602, fragment):
            await rpc(name, criteria)


async def test_an_unknown_block_hash(rpc: Rpc) -> None:
    with refused(-32001, "block not found"):
        await rpc("eth_getLogs", {"blockHash": "0x" + "ab" * 32})


async def test_too_many_results_are_refused_and_not_cut(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "RESULT_LIMIT", 3)
    await rpc.pay(1, BOB)
    assert len(await rpc("eth_getLogs", {"fromBlock": "0x0"})) == 2
    await rpc.pay(2, BOB)
    with refused(-32602, "max results 3"):
        await rpc("eth_getLogs", {"fromBlock": "0x0"})


# -- filters --------------------------------------------------------------------------------------


async def test_a_log_filter_tells_each_log_once(rpc: Rpc) -> None:
    await rpc.pay(1, BOB)
    made = await rpc("eth_newFilter", {"topics": [None, None, BOB_WORD]})
    assert await rpc("eth_getFilterChanges", made) == []
    await rpc.pay(2, BOB)
    await rpc.pay(3, BOB)
    changes = await rpc("eth_getFilterChanges", made)
    assert [int(log["data"], 16) for log in changes] == [2, 3]
    assert await rpc("eth_getFilterChanges", made) == []
    # The whole range: from the block at which the filter was made.
    whole = await rpc("eth_getFilterLogs", made)
    assert [int(log["data"], 16) for log in whole] == [1, 2, 3]


async def test_a_log_filter_with_bounds(rpc: Rpc) -> None:
    bounds = {"fromBlock": "0x2", "toBlock": "0x3", "topics": [None, None, BOB_WORD]}
    made = await rpc("eth_newFilter", bounds)
    for amount in (1, 2, 3, 4):
        await rpc.pay(amount, BOB)
    changes = await rpc("eth_getFilterChanges", made)
    assert [int(log["data"], 16) for log in changes] == [2, 3]
    assert await rpc("eth_getFilterLogs", made) == changes


async def test_a_block_filter(rpc: Rpc) -> None:
    made = await rpc("eth_newBlockFilter")
    receipt = await rpc.pay()
    assert await rpc("eth_getFilterChanges", made) == [receipt["blockHash"]]
    assert await rpc("eth_getFilterChanges", made) == []
    with refused(-32000, "not for logs"):
        await rpc("eth_getFilterLogs", made)


async def test_a_transaction_filter_tells_of_waiting_ones_once(rpc: Rpc) -> None:
    await rpc("evm_setAutomine", False)
    before = rpc.payment(1)
    await rpc("eth_sendRawTransaction", to_hex(before.raw))
    made = await rpc("eth_newPendingTransactionFilter")
    waiting = to_hex(rpc.payment(2).raw)
    tx_hash = await rpc("eth_sendRawTransaction", waiting)
    assert await rpc("eth_getFilterChanges", made) == [tx_hash]
    await rpc("evm_setAutomine", True)
    assert await rpc("eth_getFilterChanges", made) == []
    mined = await rpc.pay(3)
    assert await rpc("eth_getFilterChanges", made) == [mined["transactionHash"]]


async def test_after_a_revert_what_is_mined_again_is_new(rpc: Rpc) -> None:
    made = await rpc("eth_newBlockFilter")
    snapshot = await rpc("evm_snapshot")
    await rpc("anvil_mine", 3)
    assert len(await rpc("eth_getFilterChanges", made)) == 3
    await rpc("evm_revert", snapshot)
    receipt = await rpc.pay()
    assert await rpc("eth_getFilterChanges", made) == [receipt["blockHash"]]


async def test_filters_are_uninstalled(rpc: Rpc) -> None:
    made = await rpc("eth_newBlockFilter")
    assert await rpc("eth_uninstallFilter", made) is True
    assert await rpc("eth_uninstallFilter", made) is False
    with refused(-32000, "filter not found"):
        await rpc("eth_getFilterChanges", made)


@pytest.fixture
def pass_time(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let real seconds pass."""
    now_ns = [0]
    monkeypatch.setattr(rpc.clock, "monotonic_ns", lambda: now_ns[0])

    def wait(seconds: int) -> None:
        now_ns[0] += seconds * 1_000_000_000

    return wait


async def test_filters_that_nobody_polls_expire(rpc: Rpc, pass_time: Callable[[int], None]) -> None:
    polled, forgotten = await rpc("eth_newBlockFilter"), await rpc("eth_newBlockFilter")
    pass_time(200)
    await rpc("eth_getFilterChanges", polled)
    pass_time(200)
    await rpc("eth_getFilterChanges", polled)
    with refused(-32000, "filter not found"):
        await rpc("eth_getFilterChanges", forgotten)
    # Moving the sandbox's time is not waiting.
    await rpc("evm_increaseTime", 100_000)
    assert await rpc("eth_getFilterChanges", polled) == []


async def test_there_can_only_be_so_many_filters(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch, pass_time: Callable[[int], None]
) -> None:
    monkeypatch.setattr(filters, "FILTER_LIMIT", 2)
    for _ in range(2):
        await rpc("eth_newBlockFilter")
    with refused(-32005, "uninstall some"):
        await rpc("eth_newBlockFilter")
    pass_time(301)
    await rpc("eth_newBlockFilter")
