"""Memory is bounded by the history depth, whatever the length of the chain."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from mock_rails.core.errors import BadInput
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.errors import InvalidTransaction
from tests.integration.tempo.desk import SHOP, Desk, make_chain

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain

DEPTH = 16
MOST = DEPTH + DEPTH // 8
"""Pruning happens in strides of an eighth."""


def kept(chain: Chain) -> int:
    return chain.head.number - chain.history.oldest.number + 1


def sizes(chain: Chain) -> tuple[int, int, int, int]:
    """What would grow: blocks, their hashes, receipts, and entries of the undo log."""
    history = chain.history
    return (
        kept(chain),
        len(history._by_hash),
        len(history._receipts),
        chain.world.mark() - chain.world.oldest_mark,
    )


def pay_often(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.send(1, desk.transfer(PATH_USD, SHOP, 1))


async def ask(chain: Chain, name: str, *params: Any) -> Any:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
    answer = orjson.loads(await TempoApi(chain).dispatcher.answer(body) or b"")
    return answer.get("result", answer.get("error"))


def test_forgotten_blocks_need_no_cycle_collector() -> None:
    """A receipt holds its block's header, not the block: reference counting frees both."""
    desk = Desk(make_chain(history_depth=DEPTH))
    pay_often(desk, MOST)
    gc.collect()
    gc.disable()
    try:
        pay_often(desk, 2 * MOST)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_full_blocks_are_forgotten_sooner() -> None:
    """The depth counts transactions too: it is they that take the memory."""
    desk = Desk(make_chain(history_depth=DEPTH))
    desk.chain.set_automine(False)
    for _ in range(20):
        for _ in range(5):
            desk.chain.send(desk.sign(1, desk.transfer(PATH_USD, SHOP, 1)).raw)
        desk.chain.mine()
        assert len(desk.chain.history._receipts) < MOST
    assert desk.chain.head.number == 20
    assert kept(desk.chain) == 3


def test_nothing_grows_past_the_depth() -> None:
    desk = Desk(make_chain(history_depth=DEPTH))
    pay_often(desk, MOST)
    largest = sizes(desk.chain)
    ceiling = tuple(2 * size for size in largest)
    for _ in range(60):
        pay_often(desk, 5)
        now = sizes(desk.chain)
        assert now[0] <= MOST
        assert now[1] == now[2] == now[0]
        assert all(size <= most for size, most in zip(now, ceiling, strict=True))
    assert desk.balance(SHOP) == MOST + 300
    desk.chain.check_conservation()


def test_expiring_payments_are_bounded_as_well() -> None:
    """Their replay protection is a ring in the state, and it does not keep what has expired."""
    desk = Desk(make_chain(history_depth=DEPTH))
    first = desk.expiring(1, desk.transfer(PATH_USD, SHOP, 1))
    desk.chain.send(first.raw)
    for _ in range(3 * DEPTH):
        desk.chain.send(desk.expiring(1, desk.transfer(PATH_USD, SHOP, 1)).raw)
    assert desk.chain.history.receipt(first.hash) is None
    with pytest.raises(InvalidTransaction, match="nonce manager error"):
        desk.chain.send(first.raw)  # pruned, yet not forgotten
    assert desk.balance(SHOP) == 1 + 3 * DEPTH


async def test_what_is_pruned_is_unknown() -> None:
    """Blocks and states answer -32001, transactions and receipts null, as for any unknown one."""
    desk = Desk(make_chain(history_depth=DEPTH))
    receipt = desk.send(1, desk.transfer(PATH_USD, SHOP, 1))
    tx_hash, block_hash = f"0x{receipt.submission.hash.hex()}", f"0x{receipt.block.hash.hex()}"
    assert (await ask(desk.chain, "eth_getTransactionReceipt", tx_hash))["status"] == "0x1"
    pay_often(desk, 2 * DEPTH)
    for name, params in (
        ("eth_getTransactionReceipt", [tx_hash]),
        ("eth_getTransactionByHash", [tx_hash]),
        ("eth_getBlockByNumber", ["0x1", False]),
        ("eth_getBlockByHash", [block_hash, False]),
    ):
        assert await ask(desk.chain, name, *params) is None
    call = {"to": f"0x{PATH_USD.hex()}", "data": "0x18160ddd"}
    for block in ("0x1", {"blockHash": block_hash}):
        assert (await ask(desk.chain, "eth_call", call, block))["code"] == -32001
    oldest = hex(desk.chain.history.oldest.number)
    assert (await ask(desk.chain, "eth_call", call, oldest)).startswith("0x")
    digest = desk.chain.digest()
    refused = await ask(desk.chain, "anvil_rollback", 2 * DEPTH)
    assert refused["code"] == -32602
    assert desk.chain.digest() == digest


def test_every_kept_state_can_be_read_and_gone_back_to() -> None:
    desk = Desk(make_chain(history_depth=DEPTH))
    pay_often(desk, 3 * DEPTH)
    for number in range(desk.chain.history.oldest.number, desk.chain.head.number + 1):
        block = desk.chain.history.by_number(number)
        assert block is not None
        with desk.chain.world.rewound(block.undo_mark):
            assert desk.balance(SHOP) == number
    oldest = desk.chain.history.oldest.number
    desk.chain.rewind(oldest)
    assert desk.balance(SHOP) == oldest
    pay_often(desk, 1)
    assert desk.chain.head.number == oldest + 1


def test_a_snapshot_holds_its_moment_until_it_is_used() -> None:
    desk = Desk(make_chain(history_depth=DEPTH))
    pay_often(desk, 5)
    head_hash = desk.chain.head.hash
    taken = desk.chain.take_snapshot()
    pay_often(desk, 3 * DEPTH)
    assert kept(desk.chain) >= 3 * DEPTH
    assert desk.chain.revert_to(taken)
    assert (desk.chain.head.hash, desk.balance(SHOP)) == (head_hash, 5)
    pay_often(desk, 3 * DEPTH)
    assert kept(desk.chain) <= MOST


def test_a_loaded_chain_is_pruned_to_its_own_depth() -> None:
    long = Desk(make_chain())
    pay_often(long, 4 * DEPTH)
    desk = Desk(make_chain(history_depth=DEPTH))
    desk.chain.restore(long.chain.snapshot())
    pay_often(desk, DEPTH)
    assert kept(desk.chain) <= MOST
    assert sizes(desk.chain)[1] == sizes(desk.chain)[2] == kept(desk.chain)


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_the_depth_may_be_small(depth: int) -> None:
    desk = Desk(make_chain(history_depth=depth))
    pay_often(desk, 20)
    assert kept(desk.chain) == depth
    desk.chain.restore(desk.chain.snapshot())
    pay_often(desk, 1)
    assert kept(desk.chain) == depth


@pytest.mark.parametrize("name", ["history_depth", "block_time_ms", "chain_id"])
def test_settings_that_no_chain_can_have(name: str) -> None:
    for value in (0, -1):
        with pytest.raises(BadInput, match=f"`{name}` is at least 1"):
            ChainSettings(**{name: value})
