"""Plain values: everything a rail may put into the journal reads as JSON, without secrets."""

from __future__ import annotations

import json
from enum import Enum, IntEnum
from fractions import Fraction

import pytest

from mock_rails.core.plain import REDACTED, is_secret, to_plain


class Colour(IntEnum):
    RED = 1


class Shape(Enum):
    ROUND = 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (7, 7),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (Colour.RED, 1),
        (b"\x00\xff", "0x00ff"),
        (bytearray(b"\x01"), "0x01"),
        (memoryview(b"\x01"), "0x01"),
        ((1, [b"\x01"]), [1, ["0x01"]]),
        ({3, 1, 2}, [1, 2, 3]),
        ({b"\x01": 1, 2: 3}, {"0x01": 1, "2": 3}),
        (Fraction(1, 20), "1/20"),
        (0.5, "0.5"),
        (ValueError("no funds"), "no funds"),
        (Shape.ROUND, "<Shape>"),
        (object(), "<object>"),
    ],
)
def test_values_become_json(value: object, plain: object) -> None:
    assert to_plain(value) == plain
    assert type(to_plain(value)) is type(plain)
    json.dumps(to_plain(value))


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "Payment-Authorization",
        "private_key",
        "payerPrivateKey",
        "STRIPE_SECRET_KEY",
        "client_secret",
        "webhook-secret",
        "mnemonic",
        "signing_seed",
        "Grpc-Metadata-Macaroon",
        "payment_preimage",
        "Set-Cookie",
        "password",
        "x-api-key",
    ],
)
def test_these_are_secrets(key: str) -> None:
    assert is_secret(key)
    assert to_plain({"outer": [{key: "value"}]}) == {"outer": [{key: REDACTED}]}
    assert to_plain({key: "value"}, redact=False) == {key: "value"}


@pytest.mark.parametrize(
    "key", ["keyAuthorization", "token", "key_id", "public_key", "signature", "secretary", "seed"]
)
def test_these_are_not(key: str) -> None:
    assert to_plain({key: "value"}) == {key: "value"}


def test_an_absent_secret_is_shown_as_absent() -> None:
    assert to_plain({"preimage": None}) == {"preimage": None}
