"""A channel's identity: published ids, and JSON that is read strictly."""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from sandbox.methods.tempo_session import Descriptor, FieldError, channel_id
from sandbox.methods.tempo_session.descriptor import descriptor_from_json, descriptor_to_json
from tests.unit.sandbox.methods.tempo_session.support import CHAIN_ID, SALT, V1, V2

GOLDEN = Descriptor(
    b"\x11" * 20, b"\x22" * 20, ZERO_ADDRESS, PATH_USD, SALT, ZERO_ADDRESS, b"\x33" * 32
)


def test_the_v2_id_is_the_published_one() -> None:
    """Facts, tempo 8.4."""
    expected = "0b56e84a2cd3b596b256c20fce94104f4520c3aeb5294025b87bd5b0135ca051"
    assert channel_id(V2, GOLDEN, CHAIN_ID, CHANNEL_RESERVE).hex() == expected


def test_the_v1_id_is_the_published_one_and_knows_neither_operator_nor_transaction() -> None:
    """Facts, tempo 8.4."""
    expected = "ce03e6edfa6ad27e943f6efd915425730619dcb0fba730d3b8a6b760954aaab9"
    escrow = b"\xee" * 20
    other = GOLDEN._replace(operator=b"\x44" * 20, expiring_nonce_hash=bytes(32))
    assert channel_id(V1, GOLDEN, CHAIN_ID, escrow).hex() == expected
    assert channel_id(V1, other, CHAIN_ID, escrow).hex() == expected


@pytest.mark.parametrize("field", Descriptor._fields)
def test_a_v2_id_commits_to_every_field_and_to_the_chain(field: str) -> None:
    value = getattr(GOLDEN, field)
    changed = GOLDEN._replace(**{field: b"\x77" * len(value)})
    known = channel_id(V2, GOLDEN, CHAIN_ID, CHANNEL_RESERVE)
    assert channel_id(V2, changed, CHAIN_ID, CHANNEL_RESERVE) != known
    assert channel_id(V2, GOLDEN, CHAIN_ID + 1, CHANNEL_RESERVE) != known


def test_v2_channels_have_one_home() -> None:
    with pytest.raises(ValueError, match="channel reserve"):
        channel_id(V2, GOLDEN, CHAIN_ID, b"\xee" * 20)


def test_json_is_read_back_whatever_its_case() -> None:
    written = descriptor_to_json(GOLDEN)
    assert list(written) == [
        "payer", "payee", "operator", "token", "salt", "authorizedSigner", "expiringNonceHash",
    ]  # fmt: skip
    assert written["token"] == "0x20c0000000000000000000000000000000000000"
    shouted = {name: "0x" + text[2:].upper() for name, text in written.items()}
    assert descriptor_from_json(written) == descriptor_from_json(shouted) == GOLDEN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("payer", None),
        ("payee", 7),
        ("operator", ["0x"]),
        ("token", "0x20c0"),
        ("salt", "0x" + "1 " * 32),
        ("authorizedSigner", "0X" + "11" * 20),
        ("expiringNonceHash", "0x" + "zz" * 32),
    ],
)
def test_a_wrong_field_is_named(name: str, value: object) -> None:
    with pytest.raises(FieldError, match=rf"descriptor\.{name}"):
        descriptor_from_json(descriptor_to_json(GOLDEN) | {name: value})


def test_what_is_no_object_is_refused() -> None:
    values: tuple[object, ...] = (None, [], "descriptor", 1)
    for value in values:
        with pytest.raises(FieldError, match="descriptor must be a JSON object"):
            descriptor_from_json(value)
