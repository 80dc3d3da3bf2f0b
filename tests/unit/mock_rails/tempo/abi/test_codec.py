"""The ABI codec agrees with eth-abi, word for word, and is as lenient as the node."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode as reference
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.tempo.abi import AbiError, Codec, Event, Function, RevertError, parse_signature

VALUES = {
    "address": st.binary(min_size=20, max_size=20),
    "bool": st.booleans(),
    "uint8": st.integers(0, 2**8 - 1),
    "uint96": st.integers(0, 2**96 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
    "uint64[]": st.lists(st.integers(0, 2**64 - 1), max_size=4).map(tuple),
    "(address,uint96)": st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 2**96 - 1)),
    "(bytes4,address[])[]": st.lists(
        st.tuples(
            st.binary(min_size=4, max_size=4),
            st.lists(st.binary(min_size=20, max_size=20), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
}


@given(st.data())
def test_any_arguments_encode_like_eth_abi_and_decode_back(data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=5))
    values = [data.draw(VALUES[kind]) for kind in types]
    codec = Codec(parse_signature(f"f({','.join(types)})").inputs)
    encoded = codec.encode(values)
    assert encoded == reference(types, values)
    assert codec.decode(encoded) == tuple(values)


@given(st.lists(st.sampled_from(sorted(VALUES)), max_size=4), st.binary(max_size=200))
def test_random_bytes_decode_or_are_refused(types: list[str], data: bytes) -> None:
    codec = Codec(parse_signature(f"f({','.join(types)})").inputs)
    try:
        values = codec.decode(data)
    except AbiError:
        return
    assert len(values) == len(types)


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        ("address", b"\x01" + bytes(31), bytes(20)),
        ("bool", bytes(31) + b"\x02", True),
        ("uint8", bytes(30) + b"\x01\x07", 7),
        ("bytes4", b"\x05" + bytes(30) + b"\x01", b"\x05\0\0\0"),
        ("int16", bytes(30) + b"\x80\x00", -32768),
    ],
)
def test_bits_beyond_a_values_width_are_ignored_as_on_the_node(
    kind: str, word: bytes, value: object
) -> None:
    assert Codec(parse_signature(f"f({kind})").inputs).decode(word) == (value,)


def test_missing_arguments_are_refused_and_surplus_bytes_are_not() -> None:
    codec = Codec(parse_signature("f(uint256 a, uint256 b)").inputs)
    with pytest.raises(AbiError, match="expected 64 bytes"):
        codec.decode(bytes(63))
    assert codec.decode(bytes(65)) == (0, 0)


def test_selectors_are_those_of_the_published_interface() -> None:
    assert Function("transfer(address to, uint256 amount) returns (bool)").selector.hex() == (
        "a9059cbb"
    )
    described = Function(
        "close((address payer,address payee,address operator,address token,bytes32 salt,"
        "address authorizedSigner,bytes32 expiringNonceHash) d, uint96 cumulativeAmount,"
        " uint96 captureAmount, bytes signature)"
    )
    assert described.selector.hex() == "73b57f74"


def test_an_event_splits_into_topics_and_data_and_back() -> None:
    event = Event("Transfer(address indexed from, address indexed to, uint256 amount)")
    sender, recipient = b"\x11" * 20, b"\x22" * 20
    topics, data = event.encode((sender, recipient, 7))
    assert topics[0].hex() == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert event.decode(topics, data) == {"from": sender, "to": recipient, "amount": 7}


def test_an_error_is_described_as_the_node_prints_it() -> None:
    error = RevertError("InsufficientBalance(uint256 available, uint256 required, address token)")
    data = error.encode(0, 1, b"\x20\xc0" + bytes(18))
    assert error.selector.hex() == "832f98b5"
    assert error.describe(data) == (
        "InsufficientBalance(InsufficientBalance { available: 0, required: 1, "
        "token: 0x20c0000000000000000000000000000000000000 })"
    )
    assert RevertError("NotPayer()").describe(b"") == "NotPayer(NotPayer)"


@pytest.mark.parametrize("text", ["", "f", "f(", "f(uint256", "f(uint256) returns", "f() trailing"])
def test_a_malformed_signature_is_a_programming_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"signature|expected"):
        parse_signature(text)
