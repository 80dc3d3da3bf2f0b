"""The world state: nonces, code and storage in flat dictionaries under one undo log.

A snapshot is a position in the log, and going back is undoing down to it, so a reverted call, a
rolled-back block, `evm_revert` and a read of an old block are one mechanism. Entries hold no zero
values: equal states are equal dictionaries, byte for byte.

A storage key is a tuple `(contract, slot, *path)`. An EVM contract's slots are `(contract, slot)`;
a native contract's mapping entries carry their keys as the path and are never hashed. DESIGN 2.2.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Key = tuple[Any, ...]
"""`(contract, slot, *path)`: 20 bytes, then integers, bytes or text."""

Stored = int | str
"""What a slot holds: a 256-bit word, or the text of a native contract's string."""

EMPTY: Final = b""


class HistoryPrunedError(Exception):
    """The state asked for is older than the undo log reaches."""


class World:
    """All accounts. There is no native coin, so an account is a nonce, code and storage."""

    __slots__ = ("_base", "_undo", "codes", "nonces", "storage")

    def __init__(self) -> None:
        self.nonces: dict[bytes, int] = {}
        self.codes: dict[bytes, bytes] = {}
        self.storage: dict[Key, Stored] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._base = 0

    # -- reading and writing ----------------------------------------------------------------------

    def load(self, key: Key) -> Any:
        """The slot's value; 0 when it was never written."""
        return self.storage.get(key, 0)

    def store(self, key: Key, value: Stored) -> None:
        """Write a slot, without gas."""
        self._put(self.storage, key, value)

    def nonce(self, address: bytes) -> int:
        """The protocol nonce."""
        return self.nonces.get(address, 0)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Write the protocol nonce."""
        self._put(self.nonces, address, nonce)

    def code(self, address: bytes) -> bytes:
        """The account's code."""
        return self.codes.get(address, EMPTY)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Write the account's code."""
        self._put(self.codes, address, code)

    def _put(self, container: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((container, key, container.get(key)))
        if value:
            container[key] = value
        else:
            container.pop(key, None)

    # -- history ----------------------------------------------------------------------------------

    def mark(self) -> int:
        """A position to go back to."""
        return self._base + len(self._undo)

    def revert(self, mark: int) -> None:
        """Undo every write made since `mark`."""
        undo, keep = self._undo, self._reach(mark)
        while len(undo) > keep:
            _write(*undo.pop())

    def storage_before(self, mark: int) -> dict[Key, Stored | None]:
        """Each storage key written since `mark` with the value it had then."""
        before: dict[Key, Stored | None] = {}
        storage = self.storage
        for container, key, old in self._undo[self._reach(mark) :]:
            if container is storage and key not in before:
                before[key] = old
        return before

    @contextmanager
    def rewound(self, mark: int) -> Iterator[None]:
        """Show the state as it was at `mark`; what is written meanwhile is dropped at the end."""
        undo, keep = self._undo, self._reach(mark)
        taken = undo[keep:]
        redo = []
        for container, key, old in reversed(taken):
            redo.append((container, key, container.get(key)))
            _write(container, key, old)
        del undo[keep:]
        try:
            yield
        finally:
            self.revert(mark)
            for entry in reversed(redo):
                _write(*entry)
            undo.extend(taken)

    def prune(self, mark: int) -> None:
        """Forget how to go back further than `mark`."""
        drop = mark - self._base
        if drop > 0:
            del self._undo[:drop]
            self._base = mark

    @property
    def oldest_mark(self) -> int:
        """The furthest position that can still be reached."""
        return self._base

    def _reach(self, mark: int) -> int:
        if mark < self._base:
            raise HistoryPrunedError(mark)
        return mark - self._base


def _write(container: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        container.pop(key, None)
    else:
        container[key] = value
