"""Where the money went between two snapshots, from the documents alone.

Nothing is started and nothing is asked, so two files compare anywhere. Each rail's reader knows
how its rail writes itself down; money of all rails comes out as ledgers.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core import snapshot
from mock_rails.core.errors import SnapshotError
from sandbox.snapshots import cards, chain, lightning, merchants
from sandbox.snapshots.model import Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.snapshots.model import Item, Ledger

    Reader = Callable[[Any, Any], tuple[list[Ledger], list[Item]]]

_VERSION: Final = 1
"""Of each rail's part, as its rail writes it."""

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
    blocks, transactions = None, 0
    for name in sorted({*first, *second}, key=_place):
        if name not in _READERS:
            raise SnapshotError(f"The snapshots hold {name!r}, which this version does not know.")
        if name not in first or name not in second:
            skipped[name] = "first" if name in first else "second"
            continue
        with _reading(name, first[name], second[name]):
            of_rail, things = _READERS[name](first[name], second[name])
            ledgers += of_rail
            items += things
            if name == "tempo":
                blocks, transactions = chain.progress(first[name], second[name])
    return Difference(tuple(ledgers), tuple(items), blocks, transactions, skipped)


@contextmanager
def _reading(name: str, *parts: Any) -> Iterator[None]:
    """Refuse parts of another version, and say of damaged ones what they are."""
    for part in parts:
        version = part.get("version", _VERSION) if isinstance(part, dict) else None
        if version != _VERSION:
            raise SnapshotError(
                f"The {name} part has version {version!r}, and {_VERSION} is read here.",
                hint="Compare snapshots of this version of mpp-sandbox.",
            )
    try:
        yield
    except KeyError as error:
        raise SnapshotError(f"The {name} part cannot be read: it lacks {error}.") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise SnapshotError(f"The {name} part cannot be read: {error}.") from error


def _place(name: str) -> tuple[int, str]:
    """The rails in the order of the readers."""
    known = list(_READERS)
    return (known.index(name) if name in known else len(known), name)
