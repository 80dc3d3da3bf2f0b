"""The merchants' books as a part of the devnet's snapshot: channels, idempotency, replay marks.

A chain that is set back without them would meet merchants that count vouchers of channels it does
not have, and that refuse credentials it never saw. So the books keep to the protocol of a rail, and
a snapshot takes them along, all or nothing. Books in a file or in Redis have a life of their own
and are no part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import SnapshotError
from mock_rails.core.snapshot import digest

if TYPE_CHECKING:
    from mock_rails.core.faults import FaultPoint
    from sandbox.server.stores import MemoryStore

VERSION: Final = 1


class Books:
    """What the merchants remember, before and after their store is opened."""

    name: Final = "merchants"

    def __init__(self) -> None:
        self._store: MemoryStore | None = None
        self._waiting: dict[str, Any] = {"records": {}, "marks": {}}

    def attach(self, store: MemoryStore) -> None:
        """Keep this store's records from now on; they begin as the snapshot left them."""
        store.restore(self._waiting)
        self._store = store

    def fault_points(self) -> tuple[FaultPoint, ...]:
        """None: what fails is the rails."""
        return ()

    def snapshot(self) -> dict[str, Any]:
        """All records and marks as JSON values."""
        kept = self._waiting if self._store is None else self._store.snapshot()
        return {"version": VERSION, **kept}

    def restore(self, document: object) -> None:
        """Become the books of a snapshot."""
        match document:
            case {"version": 1, "records": dict(records), "marks": dict(marks), **rest} if not rest:
                kept = {"records": records, "marks": marks}
            case _:
                raise SnapshotError(
                    f"The merchants' part is no books of version {VERSION}.",
                    hint="It was written by another version, or by hand.",
                )
        if self._store is None:
            self._waiting = kept
        else:
            self._store.restore(kept)

    def check_conservation(self) -> None:
        """Books say whose money it is; the money itself is on the rails, which count it."""

    def digest(self) -> str:
        """A hash of the books."""
        return digest(self.snapshot())

    def reset(self) -> None:
        """Forget everything."""
        self.restore({"version": VERSION, "records": {}, "marks": {}})
