"""A card's money in words (facts: stripe 2.9)."""

from __future__ import annotations

import pytest

from sandbox.cash import cash, decimals, is_cash


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (50, "usd", "$0.50"),
        (123_456, "USD", "$1,234.56"),
        (5, "usd", "$0.05"),
        (1_200, "eur", "12.00 EUR"),
        (500, "jpy", "500 JPY"),
        (1_230, "kwd", "1.230 KWD"),
    ],
)
def test_an_amount_in_the_smallest_unit(amount: int, currency: str, words: str) -> None:
    assert cash(amount, currency) == words


def test_a_token_is_no_cash() -> None:
    assert is_cash("usd")
    assert is_cash("EUR")
    assert not is_cash("0x20c0000000000000000000000000000000000000")
    assert not is_cash("coin")
    assert not is_cash(None)
    assert decimals("usd") == 2
