"""The merchants' part of a comparison: their channels and sessions, as far as they know them.

A voucher moves no money, so what was authorised and delivered is in these books only; what was
captured is on the chain as well (facts: protocol 2.5). So it is with a Lightning session's deposit,
which is the merchant's when it is paid, and what of it was spent (facts: lightning 2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.snapshots.model import items

if TYPE_CHECKING:
    from sandbox.snapshots.model import Item, Ledger

_CHANNEL: Final = {
    name: name for name in ("status", "deposit", "accepted", "spent", "settled", "units")
}
_SESSION: Final = {
    "status": "status",
    "deposit_sat": "depositSats",
    "spent_sat": "spent",
    "units": "units",
    "refund_sat": "refundSats",
    "refund": "refundStatus",
}
"""What is told of a record, and what its codec calls it."""


def compare(before: Any, after: Any) -> tuple[list[Ledger], list[Item]]:
    """Which channels and sessions came, went or changed in the merchants' books; they hold no
    money."""
    things: list[Item] = []
    for kind, collection, prefix, fields in (
        ("channel", "channels", "0x", _CHANNEL),
        ("lightning session", "lightning-sessions", "", _SESSION),
    ):
        first, second = (
            {
                f"{prefix}{key}": {name: record[known] for name, known in fields.items()}
                for key, record in document["records"].get(collection, {}).items()
            }
            for document in (before, after)
        )
        things += items("merchants", kind, first, second)
    return [], things
