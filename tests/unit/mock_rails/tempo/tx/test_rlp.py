"""RLP: the yellow paper's examples, agreement with pyrlp, and strictness where pyrlp is lax."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import rlp as pyrlp
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.tx import rlp

nested = st.recursive(
    st.binary(max_size=80), lambda children: st.lists(children, max_size=6), max_leaves=30
)


@given(nested)
def test_decoding_undoes_encoding_and_pyrlp_agrees(item: Any) -> None:
    """A library that shares no code with ours writes the same bytes."""
    encoded = rlp.encode(item)
    assert encoded == pyrlp.encode(item)
    assert rlp.decode(encoded) == item


@given(st.binary(max_size=200))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    """One value has one encoding, so nothing that decodes can be another's second spelling."""
    try:
        item = rlp.decode(data)
    except rlp.RlpError:
        return
    assert rlp.encode(item) == data


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_integers_are_minimal(value: int) -> None:
    """And read back as themselves."""
    encoded = rlp.encode_uint(value)
    assert encoded == pyrlp.encode(value)
    item = rlp.decode(encoded)
    assert rlp.to_uint(item, 256, "x") == value


@given(st.binary(max_size=80) | st.binary(min_size=250, max_size=260))
def test_the_size_of_a_string_is_known_before_it_is_encoded(value: bytes) -> None:
    """The decoder finds the signature at a list's end with it."""
    assert rlp.encoded_size(value) == len(rlp.encode_bytes(value))


@given(st.lists(nested, max_size=12), st.binary(max_size=3))
def test_offsets_point_at_the_items(items: list[Any], prefix: bytes) -> None:
    """Slices between them are the items' own encodings."""
    data = prefix + rlp.encode(items)
    offsets = rlp.item_offsets(data, len(prefix))
    slices = [data[begin:end] for begin, end in pairwise(offsets)]
    assert slices == [rlp.encode(item) for item in items]
    assert rlp.decode_list(data, len(prefix)) == items


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "one RLP item, got 0"),
        ("8080", "one RLP item, got 2"),
        ("8100", "needless length"),
        ("817f", "needless length"),
        ("81", "over the end"),
        ("8261", "over the end"),
        ("b837" + "00" * 55, "shortest form"),
        ("b90038" + "00" * 56, "shortest form"),
        ("b8", "over the end"),
        ("b838" + "00" * 55, "over the end"),
        ("bfffffffffffffffff", "over the end"),
        ("c181", "over the end"),
        ("c28361", "over the end"),
        ("f800", "shortest form"),
        ("f837" + "00" * 55, "shortest form"),
        ("ff00000000000000ff", "shortest form"),
        ("c2c26161", "over the end"),
    ],
)
def test_what_is_not_canonical_is_refused(data: str, reason: str) -> None:
    """Each a way to write something twice, or to read beyond the end."""
    with pytest.raises(rlp.RlpError, match=reason):
        rlp.decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "expected an RLP list"),
        ("80", "expected an RLP list"),
        ("c18000", "1 trailing bytes"),
        ("c280", "1 bytes missing"),
        ("f8", "over the end"),
        ("f90038" + "80" * 56, "shortest form"),
    ],
)
def test_a_list_must_span_the_data(data: str, reason: str) -> None:
    """Nothing may follow a transaction."""
    with pytest.raises(rlp.RlpError, match=reason):
        rlp.decode_list(bytes.fromhex(data))


def test_nesting_and_size_are_bounded() -> None:
    """So that hostile bytes exhaust neither stack nor memory."""
    bomb = b"\x61"
    for _ in range(rlp.MAX_DEPTH):
        bomb = rlp.wrap_list(bomb)
    rlp.decode(bomb)
    with pytest.raises(rlp.RlpError, match="nested deeper"):
        rlp.decode(rlp.wrap_list(bomb))
    with pytest.raises(rlp.RlpError, match="exceed the limit"):
        rlp.decode_list(bytes(rlp.MAX_BYTES + 1))


def test_readers_name_the_field() -> None:
    """The error of a transaction must say which field is wrong."""
    with pytest.raises(rlp.RlpError, match="nonce: expected an integer, got a list"):
        rlp.to_uint([], 64, "nonce")
    with pytest.raises(rlp.RlpError, match="nonce: integer has leading zeros"):
        rlp.to_uint(b"\x00\x01", 64, "nonce")
    with pytest.raises(rlp.RlpError, match="nonce: integer does not fit in 64 bits"):
        rlp.to_uint(bytes([1]) * 9, 64, "nonce")
    with pytest.raises(rlp.RlpError, match="parity: expected 0 or 1, got 2"):
        rlp.to_bit(b"\x02", "parity")
    with pytest.raises(rlp.RlpError, match="to: expected 20 bytes, got 19"):
        rlp.to_optional_address(bytes(19), "to")
    with pytest.raises(rlp.RlpError, match="input: expected bytes, got a list"):
        rlp.to_bytes([], "input")
    with pytest.raises(rlp.RlpError, match="calls: expected a list, got bytes"):
        rlp.to_list(b"", "calls")
    with pytest.raises(rlp.RlpError, match="call: a list of 2 items"):
        rlp.to_list([b"", b""], "call", sizes=range(3, 4))
