"""Single JSON values: what is one, and how a wrong one is named."""

from __future__ import annotations

import pytest

from sandbox.methods.tempo_session.fields import (
    FieldError,
    read_address,
    read_amount,
    read_bytes,
    read_count,
    read_text,
)


@pytest.mark.parametrize(
    "value", ["", "0x", "0x1", "11", "0xgg", "0x11 22", "0X11", "0x1\u0661", 1]
)
def test_bytes_are_0x_hex_and_some(value: object) -> None:
    with pytest.raises(FieldError, match="data must be 0x-prefixed hex, got "):
        read_bytes(value, "data")


def test_bytes_of_a_size() -> None:
    assert read_bytes("0xAbcd", "data") == b"\xab\xcd"
    with pytest.raises(FieldError, match="payee must be 0x and 40 hex digits"):
        read_address("0x" + "11" * 21, "payee")
    # As long as an address, but blanks are not digits.
    with pytest.raises(FieldError, match="payee must be"):
        read_address("0x" + "11" * 19 + "  ", "payee")


@pytest.mark.parametrize(
    "value",
    ["", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1_0", "\u0663", "\u00b2", 1, True, None, "9" * 79],
)
def test_an_amount_is_a_decimal_string(value: object) -> None:
    with pytest.raises(FieldError, match="amount must be a decimal string"):
        read_amount(value, "amount", 1_000)


def test_an_amount_has_a_maximum() -> None:
    assert read_amount("0", "amount", 10) == 0
    assert read_amount("0010", "amount", 10) == 10
    with pytest.raises(FieldError, match="amount must be at most 10, got 11"):
        read_amount("11", "amount", 10)


@pytest.mark.parametrize("value", [-1, 1 << 64, True, 1.0, "1", None])
def test_a_count_is_an_integer(value: object) -> None:
    with pytest.raises(FieldError, match="units must be an integer"):
        read_count(value, "units")


def test_hostile_values_are_shown_short_and_on_one_line() -> None:
    values = ("x" * 10**6, "a\nb" * 100, 10**5_000, [[1] * 10**5], {"a": 1}, b"x" * 1_000, 1.5)
    for value in values:
        with pytest.raises(FieldError) as caught:
            read_bytes(value, "data")
        assert len(str(caught.value)) < 150
        assert "\n" not in str(caught.value)


def test_a_text_is_not_empty() -> None:
    assert read_text("token", "unitType") == "token"
    for value in ("", None, 3):
        with pytest.raises(FieldError, match="unitType must be a non-empty string"):
            read_text(value, "unitType")
