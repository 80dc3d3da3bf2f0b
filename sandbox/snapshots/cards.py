"""Stripe's part of a comparison: the purses of its books, and what buyers and merchants see.

The books are double entry, so each currency's purses change by nothing in all: what cards paid in
is what the accounts, Stripe's fees and the banks have more (`mock_rails.stripe.ledger`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.cash import decimals
from sandbox.snapshots.model import Ledger, changes, items

if TYPE_CHECKING:
    from sandbox.snapshots.model import Item

_SHOWN: Final = {
    "payment_intents": ("payment_intent", ("status", "amount", "amount_received", "currency")),
    "charges": ("charge", ("status", "amount", "amount_refunded", "disputed", "currency")),
    "refunds": ("refund", ("status", "amount", "charge", "currency")),
    "payouts": ("payout", ("status", "amount", "currency")),
    "subscriptions": ("subscription", ("status", "current_period_end")),
    "invoices": ("invoice", ("status", "amount_due", "amount_paid", "currency")),
}
"""For each table, what its records are called and which fields tell about money."""

_NAMES: Final = {
    "world/cards": "paid by cards",
    "world/chains": "paid on chains",
    "world/banks": "paid out to banks",
    "stripe/fees": "Stripe's fees",
}


def compare(before: Any, after: Any) -> tuple[list[Ledger], list[Item]]:
    """Which purses hold more or less, and what became of payments, refunds and the like."""
    first, second = _purses(before), _purses(after)
    ledgers = []
    for livemode, currency in sorted({*first, *second}):
        key = (livemode, currency)
        moved = changes(first.get(key, {}), second.get(key, {}), _NAMES)
        if moved:
            places = decimals(currency)
            ledgers.append(Ledger("stripe", currency, places, moved, livemode=livemode))
    things: list[Item] = []
    for table, (kind, fields) in _SHOWN.items():
        things += items(
            "stripe", kind, _records(before, table, fields), _records(after, table, fields)
        )
    return ledgers, things


def _purses(document: Any) -> dict[tuple[bool, str], dict[str, int]]:
    found: dict[tuple[bool, str], dict[str, int]] = {}
    for row in document["tables"].get("purses", []):
        fields = row["fields"]
        purses = found.setdefault((fields["livemode"], fields["currency"]), {})
        purses[f"{row['account']}/{fields['kind']}"] = int(fields["amount"])
    return found


def _records(document: Any, table: str, fields: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: {name: row["fields"][name] for name in fields if name in row["fields"]}
        for row in document["tables"].get(table, [])
    }
