"""Lightning's part of a comparison: what each node has in its channels, and what was paid.

A channel holds its capacity, whoever has which part of it: the nodes' changes add up to what new
channels brought in and closed ones took out. Amounts are millisatoshis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.snapshots.model import Ledger, changes, items

if TYPE_CHECKING:
    from sandbox.snapshots.model import Item

_MSAT_DECIMALS: Final = 3
_INVOICE: Final = ("state", "amount_msat", "paid_msat", "description")
_PAYMENT: Final = ("status", "amount_msat", "failure")


def compare(before: Any, after: Any) -> tuple[list[Ledger], list[Item]]:
    """Which nodes have more or less, and which channels, invoices and payments changed."""
    opened = _capacity(after) - _capacity(before)
    moved = changes(_held(before), _held(after))
    ledgers = [Ledger("lightning", "sat", _MSAT_DECIMALS, moved, opened)] if moved or opened else []
    things = [
        *items("lightning", "channel", _channels(before), _channels(after)),
        *items("lightning", "invoice", _paid(before, "invoices"), _paid(after, "invoices")),
        *items("lightning", "payment", _paid(before, "payments"), _paid(after, "payments")),
    ]
    return ledgers, things


def _held(document: Any) -> dict[str, int]:
    """What each node has, and apart from it what it has offered and nobody has taken yet."""
    held: dict[str, int] = {}
    for channel in document["channels"]:
        for end in channel["ends"]:
            node = end["node"]
            held[node] = held.get(node, 0) + int(end["balance_msat"])
            if end["in_flight_msat"]:
                offered = f"{node}, in flight"
                held[offered] = held.get(offered, 0) + int(end["in_flight_msat"])
    return held


def _capacity(document: Any) -> int:
    return sum(int(one["capacity_msat"]) for one in document["channels"])


def _channels(document: Any) -> dict[str, dict[str, Any]]:
    return {
        str(one["scid"]): {
            "capacity_msat": one["capacity_msat"],
            **{end["node"]: end["balance_msat"] for end in one["ends"]},
        }
        for one in document["channels"]
    }


def _paid(document: Any, table: str) -> dict[str, dict[str, Any]]:
    """Invoices or payments by node and hash."""
    fields = _INVOICE if table == "invoices" else _PAYMENT
    return {
        f"{one['node']}/{one['payment_hash']}": {name: one.get(name) for name in fields}
        for one in document[table]
    }
