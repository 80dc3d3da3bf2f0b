"""Which block a request means: a tag, a number, a hash, or an EIP-1898 object.

There is no pending block: `pending`, `safe` and `finalized` are `latest`, as on the node (facts
5.2).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import InvalidParams, UnknownBlock
from mock_rails.tempo.tx.json_values import read_data, read_quantity
from mock_rails.tempo.world import HistoryPrunedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.world import World

HEAD_TAGS: Final = frozenset({"latest", "pending", "safe", "finalized"})
_HASH_DIGITS: Final = 2 + 2 * 32


def find_block(chain: Chain, value: Any, name: str = "block") -> Block | None:
    """The block that a parameter means, or None when the chain has no such block (any more)."""
    if value is None or (isinstance(value, str) and value in HEAD_TAGS):
        return chain.head
    if value == "earliest":
        return chain.history.by_number(0)
    if isinstance(value, dict):
        return _by_object(chain, value, name)
    if isinstance(value, str) and len(value) == _HASH_DIGITS:
        return chain.history.by_hash(read_data(value, name, size=32))
    return chain.history.by_number(read_quantity(value, name, bits=64))


def need_block(chain: Chain, value: Any, name: str = "block") -> Block:
    """The block that a parameter means; an unknown one is an error."""
    block = find_block(chain, value, name)
    if block is None:
        raise UnknownBlock(f"block not found: {value}")
    return block


def _by_object(chain: Chain, value: dict[str, Any], name: str) -> Block | None:
    """EIP-1898: exactly one of `blockHash` and `blockNumber`."""
    block_hash, number = value.get("blockHash"), value.get("blockNumber")
    if (block_hash is None) == (number is None):
        raise InvalidParams(
            f"invalid params: {name} must have exactly one of blockHash and blockNumber"
        )
    if block_hash is not None:
        return chain.history.by_hash(read_data(block_hash, f"{name}.blockHash", size=32))
    return find_block(chain, number, f"{name}.blockNumber")


@contextmanager
def state_at(chain: Chain, block: Block) -> Iterator[World]:
    """The world as it was after a block; after the head it is the present one."""
    if block is chain.head:
        yield chain.world
        return
    try:
        with chain.world.rewound(block.undo_mark):
            yield chain.world
    except HistoryPrunedError:
        raise UnknownBlock(f"the state of block {block.number} is no longer kept") from None
