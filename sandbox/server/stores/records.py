"""Records by key, with an atomic read-modify-write: what the session server keeps its channels in.

draft-tempo-session-00 has the server persist `spent` before it delivers, and take each voucher
once however many requests carry it. Both are one `update` here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

T = TypeVar("T")


class RecordStore(Protocol[T]):
    """One collection of records of one type.

    Records are values: the memory backend hands out the very object it keeps, so a record that is
    changed in place is changed without an update. Make them frozen.
    """

    async def get(self, key: str) -> T | None:
        """The record under this key, or None."""
        ...

    async def update(self, key: str, change: Callable[[T | None], T | None]) -> T | None:
        """Replace a record by what `change` makes of it, as one step, and return that.

        `change` sees the present record (None if there is none) and returns the next (None deletes
        it). What it raises comes out here and leaves the record untouched. It may be called more
        than once where processes race, so it must be pure. When this returns, the record is kept;
        when it raises, it is as it was, except after StoreOutcomeUnknown or a cancellation.
        """
        ...

    def scan(self, prefix: str = "") -> AsyncIterator[tuple[str, T]]:
        """All records whose key begins with this, in the order of their keys.

        No snapshot and no lock: a record that is there throughout is seen exactly once, one that
        comes or goes meanwhile may be seen or not. Updating what was just yielded is fine.
        """
        ...

    async def close(self) -> None:
        """Close the whole `Store` this collection lives in; closing twice is fine."""
        ...
