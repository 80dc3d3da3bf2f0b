"""What Stripe charges: the published US prices as data, and the fee of a payment (facts: stripe 3).

Prices are public and change; each row says where it was read, when, and how sure it is. A user
with other prices hands in other rows (`StripeSettings.prices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from mock_rails.stripe.currencies import MINIMUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.operation import Operation

_PRICING: Final = "stripe.com/pricing, from the api-evangelist transcription"
_READ_ON: Final = "2026-09-20"
_WHOLE: Final = 10_000
"""Basis points in the whole."""


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price list."""

    basis_points: int = 0
    """Hundredths of a percent of the amount."""
    fixed: int = 0
    """US cents on top."""
    least: int = 0
    """US cents that are charged at least."""
    most: int | None = None
    """US cents that are charged at most."""
    payer: Literal["seller", "issuer", "platform"] = "seller"
    confidence: Literal["high", "medium", "low"] = "high"
    charged: bool = True
    """Whether this rail charges it; the other rows are there for reports."""
    source: str = _PRICING
    read_on: str = _READ_ON


PRICES: Final[Mapping[str, Price]] = {
    "card": Price(290, 30),
    "card_manual_entry": Price(50, charged=False),
    "card_international": Price(150),
    "card_conversion": Price(100, charged=False),
    "shared_payment_token": Price(fixed=15, payer="issuer", confidence="low"),
    "crypto": Price(150),
    "link": Price(290, 30, confidence="medium"),
    "link_stablecoin": Price(80, confidence="low", charged=False),
    "link_instant_bank": Price(260, 30, confidence="medium", charged=False),
    "klarna": Price(599, 30, confidence="medium", charged=False),
    "ach_debit": Price(80, most=500, charged=False),
    "microtransaction": Price(500, 5, confidence="low", charged=False),
    "dispute": Price(fixed=1_500),
    "refund": Price(),
    "billing": Price(70, charged=False),
    "invoicing": Price(40, charged=False),
    "radar": Price(fixed=5, confidence="medium", charged=False),
    "three_d_secure": Price(fixed=12, charged=False),
    "instant_payout": Price(150, least=50),
    "connect_platform": Price(25, payer="platform", confidence="medium", charged=False),
}
"""The price list. Percentages that add up on one payment are rounded once, on their total."""

_US_LEAST: Final = MINIMUM["usd"]

_DESCRIPTIONS: Final = {
    "dispute": "Dispute fee",
    "instant_payout": "Stripe instant payout fee",
    "shared_payment_token": "Shared Payment Token fee",
}


def fee(op: Operation, names: tuple[str, ...], amount: int, currency: str) -> int:
    """What the named rows come to on an amount: rounded half up, or down by setting."""
    rows = [op.settings.prices.get(name, PRICES[name]) for name in names]
    exact = sum(row.basis_points * amount + local(row.fixed, currency) * _WHOLE for row in rows)
    half = _WHOLE // 2 if op.settings.round_half_up else 0
    total = max(0, (exact + half) // _WHOLE)
    for row in rows:
        total = max(total, local(row.least, currency))
        if row.most is not None:
            total = min(total, local(row.most, currency))
    return total


def processing_fee(
    op: Operation, kind: str, amount: int, currency: str, *, country: str | None = "US"
) -> tuple[int, list[dict[str, Any]]]:
    """The fee of a payment by `card`, `link` or `crypto`, and its `fee_details`.

    `country` is the card's; one from abroad costs more.
    """
    names: tuple[str, ...] = (kind,)
    if kind == "card" and country not in (None, op.settings.country):
        names = (kind, "card_international")
    total = fee(op, names, amount, currency)
    return total, details(total, currency, "Stripe processing fees")


def single_fee(
    op: Operation, name: str, amount: int, currency: str
) -> tuple[int, list[dict[str, Any]]]:
    """The fee of something that is no payment, and its `fee_details`."""
    total = fee(op, (name,), amount, currency)
    return total, details(total, currency, _DESCRIPTIONS[name])


def details(amount: int, currency: str, description: str) -> list[dict[str, Any]]:
    """The `fee_details` of one fee that Stripe keeps; none for no fee."""
    if amount == 0:
        return []
    return [
        {
            "amount": amount,
            "application": None,
            "currency": currency,
            "description": description,
            "type": "stripe_fee",
        }
    ]


def local(cents: int, currency: str) -> int:
    """A fixed price of US cents in another currency, by the ratio of the least charges (2.9).

    Prices of other countries are not in the facts; least charges are, and follow their value.
    """
    return cents * MINIMUM.get(currency, _US_LEAST) // _US_LEAST
