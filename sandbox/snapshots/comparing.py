"""Where the money went between two snapshots, from the documents alone.

Nothing is started and nothing is asked, so two files compare anywhere. Each rail's reader knows
how its rail writes itself down; money of all rails comes out as ledgers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core import snapshot
from mock_rails.core.errors import SnapshotError
from sandbox.snapshots import cards, chain, lightning, merchants
from sandbox.snapshots.model import Difference

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.snapshots.model import Item, Ledger

    Reader = Callable[[Any, Any], tuple[list[Ledger], list[Item]]]

_READERS: Final[dict[str, Reader]] = {
    "tempo": chain.compare,
    "stripe": cards.compare,
    "lightning": lightning.compare,
    "merchants": merchants.compare,
}


def compare(before: object, after: object) -> Difference:
    """What changed from one document to the other."""
    first, second = snapshot.check(before)["rails"], snapshot.check(after)["rails"]
    ledgers: list[Ledger] = []
    items: list[Item] = []
    skipped: dict[str, str] = {}
    for name in sorted({*first, *second}, key=_place):
        if name not in _READERS:
            raise SnapshotError(f"The snapshots hold {name!r}, which this version does not know.")
        if name not in first or name not in second:
            skipped[name] = "first" if name in first else "second"
            continue
        try:
            of_rail, things = _READERS[name](first[name], second[name])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise SnapshotError(f"The {name} part cannot be read: {error!r}.") from error
        ledgers += of_rail
        items += things
    blocks, transactions = None, 0
    if "tempo" in first and "tempo" in second:
        blocks, transactions = chain.progress(first["tempo"], second["tempo"])
    return Difference(tuple(ledgers), tuple(items), blocks, transactions, skipped)


def _place(name: str) -> tuple[int, str]:
    """The rails in the order of the readers."""
    known = list(_READERS)
    return (known.index(name) if name in known else len(known), name)
