"""Ethereum's ordered Merkle-Patricia root and log bloom, computed only when somebody asks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.tx import rlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mock_rails.tempo.scope import Log

EMPTY_ROOT: Final = keccak256(rlp.encode(b""))

_HASH_SIZE: Final = 32
_BLOOM_BYTES: Final = 256

_Item = tuple[tuple[int, ...], bytes]


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The root of a trie that maps `rlp(index)` to each value."""
    items = [(_nibbles(rlp.encode(index)), value) for index, value in enumerate(values)]
    return keccak256(rlp.encode(_node(items, 0))) if items else EMPTY_ROOT


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """The 2048-bit bloom of addresses and topics."""
    bloom = 0
    for log in logs:
        bloom |= _bloom_bits(log.address)
        for topic in log.topics:
            bloom |= _bloom_bits(topic)
    return bloom.to_bytes(_BLOOM_BYTES)


@lru_cache(maxsize=4_096)
def _bloom_bits(item: bytes) -> int:
    """The three bits of an item. Cached: every payment's receipt has the same token and event."""
    digest = keccak256(item)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2]) & 2047)
    return bits


def _node(items: list[_Item], depth: int) -> Any:
    """The RLP structure of the subtrie of `items`, whose keys agree up to `depth`."""
    key, value = items[0]
    if len(items) == 1:
        return [_compact(key[depth:], leaf=True), value]
    shared = depth
    while all(len(k) > shared and k[shared] == key[shared] for k, _ in items):
        shared += 1
    if shared > depth:
        return [_compact(key[depth:shared], leaf=False), _reference(_node(items, shared))]
    branch: list[Any] = []
    for nibble in range(16):
        below = [item for item in items if len(item[0]) > depth and item[0][depth] == nibble]
        branch.append(_reference(_node(below, depth + 1)) if below else b"")
    branch.append(next((v for k, v in items if len(k) == depth), b""))
    return branch


def _reference(node: Any) -> Any:
    encoded = rlp.encode(node)
    return node if len(encoded) < _HASH_SIZE else keccak256(encoded)


def _nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _compact(nibbles: tuple[int, ...], *, leaf: bool) -> bytes:
    flag = 2 if leaf else 0
    full = (flag + 1, *nibbles) if len(nibbles) % 2 else (flag, 0, *nibbles)
    return bytes(high << 4 | low for high, low in zip(full[::2], full[1::2], strict=True))
