"""What a request's author may not have meant (facts: stripe 2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.stripe.currencies import ZERO_DECIMAL

if TYPE_CHECKING:
    from collections.abc import Mapping


def warnings_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences for the request log. Nothing is refused because of them.

    MPP SDKs count two decimals unless told otherwise, which makes a price in yen a hundred times
    too high; such an amount is in whole hundreds.
    """
    currency, amount = given.get("currency"), given.get("amount")
    if not isinstance(currency, str) or currency.lower() not in ZERO_DECIMAL:
        return ()
    text = str(amount)
    if not (text.isascii() and text.isdigit() and len(text) > 2 and text.endswith("00")):
        return ()
    code = currency.upper()
    return (
        f"{code} has no decimals: this is {text} {code}, not {text[:-2]}. Set decimals to 0 where "
        "the price is said.",
    )
