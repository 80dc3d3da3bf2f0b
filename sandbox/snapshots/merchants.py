"""The merchants' part of a comparison: their channels, as far as they know them.

A voucher moves no money, so what was authorised and delivered is in these books only; what was
captured is on the chain as well (facts: protocol 2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.snapshots.model import items

if TYPE_CHECKING:
    from sandbox.snapshots.model import Item, Ledger

_SHOWN: Final = ("status", "deposit", "accepted", "spent", "settled", "units")


def compare(before: Any, after: Any) -> tuple[list[Ledger], list[Item]]:
    """Which channels came, went or changed in the merchants' books; they hold no money."""
    return [], items("merchants", "channel", _channels(before), _channels(after))


def _channels(document: Any) -> dict[str, dict[str, Any]]:
    found = {}
    for key, record in document["records"].get("channels", {}).items():
        found[f"0x{key}"] = {name: record[name] for name in _SHOWN}
    return found
