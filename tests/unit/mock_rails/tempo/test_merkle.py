"""Roots and blooms equal py-evm's, which are Ethereum's."""

from __future__ import annotations

import rlp
from eth_bloom import BloomFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from mock_rails.tempo.merkle import EMPTY_ROOT, logs_bloom, ordered_root
from mock_rails.tempo.scope import Log


def reference_root(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return bytes(trie.root_hash)


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=150))
def test_the_ordered_root_is_ethereums(values: list[bytes]) -> None:
    assert ordered_root(values) == reference_root(values)


def test_more_than_a_byte_of_indices_still_agrees() -> None:
    values = [index.to_bytes(40) for index in range(300)]
    assert ordered_root(values) == reference_root(values)


def test_no_transactions_have_the_empty_root() -> None:
    assert ordered_root([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


@given(
    st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)))
)
def test_the_bloom_is_ethereums(pairs: list[tuple[bytes, bytes]]) -> None:
    expected = BloomFilter()
    for address, topic in pairs:
        expected.add(address)
        expected.add(topic)
    logs = [Log(address, (topic,), b"") for address, topic in pairs]
    assert logs_bloom(logs) == int(expected).to_bytes(256)
