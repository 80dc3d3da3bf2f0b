"""Dollars in satoshis, at a rate that a run fixes (facts: lightning 5.5)."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final

from mock_rails.core.errors import BadInput

BTC_USD: Final = 100_000
"""Dollars for a bitcoin, unless a run says otherwise: a satoshi is a tenth of a cent."""

_SATS_PER_BTC: Final = 100_000_000


def sats(usd: str, btc_usd: int = BTC_USD) -> int:
    """A price in dollars as whole satoshis, rounded up; never less than one."""
    try:
        dollars = Decimal(usd)
    except InvalidOperation:
        dollars = Decimal(-1)
    if not dollars.is_finite() or dollars <= 0 or btc_usd < 1:
        raise BadInput(f"{usd!r} at {btc_usd} dollars for a bitcoin is no price.")
    exact = dollars * _SATS_PER_BTC / btc_usd
    return max(1, int(exact.to_integral_value(ROUND_CEILING)))
