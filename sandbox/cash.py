"""A card's money as people read it: $0.50, 12 EUR (facts: stripe 2.9)."""

from __future__ import annotations

from typing import Final

from mock_rails.stripe.currencies import KNOWN, THREE_DECIMAL, ZERO_DECIMAL

_DECIMALS: Final = 2


def is_cash(currency: str | None) -> bool:
    """Whether it is a currency of cards, and no token's address."""
    return currency is not None and currency.lower() in KNOWN


def decimals(currency: str) -> int:
    """How many digits of an amount in the smallest unit are behind the point."""
    if currency in ZERO_DECIMAL:
        return 0
    return _DECIMALS + 1 if currency in THREE_DECIMAL else _DECIMALS


def cash(amount: int, currency: str) -> str:
    """An amount in the currency's smallest unit, in words."""
    currency = currency.lower()
    places = decimals(currency)
    whole, fraction = divmod(amount, 10**places)
    text = f"{whole:,}.{fraction:0{places}}" if places else f"{whole:,}"
    return f"${text}" if currency == "usd" else f"{text} {currency.upper()}"
