"""Amounts as people write them, to base units and back, exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sandbox.client.amounts import MAX_AMOUNT, format_amount, parse_amount
from sandbox.client.budget import Budget
from sandbox.client.errors import InvalidAmountError


@pytest.mark.parametrize(
    ("text", "decimals", "base_units"),
    [
        ("0.01", 6, 10_000),
        ("$5", 6, 5_000_000),
        ("$ 0.50", 2, 50),
        (" 1.5\n", 6, 1_500_000),
        (".5", 1, 5),
        ("5.", 0, 5),
        ("0", 0, 0),
        ("0.00", 0, 0),
        ("007", 0, 7),
        ("1.000000000", 6, 1_000_000),
        ("0.000001", 6, 1),
        (
            "1234567890123456789012345678901234567890.5",
            1,
            12345678901234567890123456789012345678905,
        ),
        (Decimal("0.1"), 18, 10**17),
        (Decimal("1E+3"), 0, 1000),
        (Decimal("1E-6"), 6, 1),
        (str(MAX_AMOUNT), 0, MAX_AMOUNT),
    ],
)
def test_amounts_are_read_exactly(text: str | Decimal, decimals: int, base_units: int) -> None:
    assert parse_amount(text, decimals) == base_units


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "$",
        "$.",
        "-1",
        "+1",
        "1e3",
        "1,000",
        "1_000",
        "1 000",
        "0x10",
        "NaN",
        "Infinity",
        "5$",
        "$$5",
        "1.2.3",
        "\u0661",
        "9" * 300,
        "9" * 78,
        str(MAX_AMOUNT + 1),
        Decimal(-1),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        Decimal("1E+999999999999999999"),  # written out, it would fill the memory
        Decimal("1E-999999"),
    ],
)
def test_what_is_no_amount_is_refused(text: str | Decimal) -> None:
    with pytest.raises(InvalidAmountError):
        parse_amount(text, 0)


def test_amounts_are_never_rounded() -> None:
    with pytest.raises(InvalidAmountError, match="7 decimals; the token has 6"):
        parse_amount("0.0000001", 6)


@pytest.mark.parametrize("decimals", [-1, 78, True, 6.0, "6"])
def test_decimals_are_a_small_number(decimals: Any) -> None:
    for call in (
        lambda: parse_amount("1", decimals),
        lambda: format_amount(1, decimals),
        lambda: Budget(decimals=decimals),
    ):
        with pytest.raises(InvalidAmountError, match="decimals"):
            call()


@pytest.mark.parametrize(
    ("base_units", "decimals", "text"),
    [(10_000, 6, "0.01"), (5_000_000, 6, "5"), (0, 6, "0"), (7, 0, "7"), (100, 0, "100")],
)
def test_amounts_are_written_as_people_write_them(
    base_units: int, decimals: int, text: str
) -> None:
    assert format_amount(base_units, decimals) == text


def test_huge_numbers_are_refused_without_being_written_out() -> None:
    """Python refuses to print them: the refusal must not try."""
    with pytest.raises(InvalidAmountError):
        format_amount(10**5000, 6)
