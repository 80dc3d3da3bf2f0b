"""A storage type: sets that can be listed, by mapping key.

The layout is OpenZeppelin's EnumerableSet, as on the node: a length, the values by index, and the
place of each value. A member costs three slots, and one that is removed is replaced by the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.native.contract import NativeContract
    from mock_rails.tempo.native.frame import Frame


_LENGTH, _VALUES, _PLACES = 0, 1, 2
"""The slots of a set, counted from its first. A place is an index plus one: 0 is absent."""


class Sets:
    """Declares sets of byte strings of one size: `targets = Sets(4, size=20)`.

    It takes three slots from `slot` on. A set is reached by its path, as in
    `self.targets[account, key_id].add(target)`.
    """

    __slots__ = ("_size", "_slot")

    def __init__(self, slot: int, *, size: int) -> None:
        self._slot = slot
        self._size = size

    def __get__(self, contract: NativeContract | None, owner: type | None = None) -> Any:
        if contract is None:
            return self
        return _SetsOf(contract.frame, self._slot, self._size)


class _SetsOf:
    """The sets, seen from one frame."""

    __slots__ = ("_frame", "_size", "_slot")

    def __init__(self, frame: Frame, slot: int, size: int) -> None:
        self._frame = frame
        self._slot = slot
        self._size = size

    def __getitem__(self, path: tuple[bytes, ...]) -> StoredSet:
        return StoredSet(self._frame, self._slot, self._size, path)


class StoredSet:
    """One set. Clearing its slots mints no storage credit: it is protocol bookkeeping."""

    __slots__ = ("_frame", "_path", "_size", "_slot")

    def __init__(self, frame: Frame, slot: int, size: int, path: tuple[bytes, ...]) -> None:
        self._frame = frame
        self._slot = slot
        self._size = size
        self._path = path

    def __len__(self) -> int:
        return self._load(_LENGTH)

    def __contains__(self, member: bytes) -> bool:
        return self._load(_PLACES, member) > 0

    def __iter__(self) -> Iterator[bytes]:
        for at in range(len(self)):
            yield self._at(at)

    def add(self, member: bytes) -> bool:
        """Put a member in; False if it was there."""
        if member in self:
            return False
        length = len(self)
        self._store(_VALUES, length, value=int.from_bytes(member))
        self._store(_PLACES, member, value=length + 1)
        self._store(_LENGTH, value=length + 1)
        return True

    def remove(self, member: bytes) -> bool:
        """Take a member out; False if it was not there."""
        place = self._load(_PLACES, member)
        if not place:
            return False
        length = len(self)
        if place != length:
            last = self._at(length - 1)
            self._store(_VALUES, place - 1, value=int.from_bytes(last))
            self._store(_PLACES, last, value=place)
        self._store(_VALUES, length - 1, value=0)
        self._store(_PLACES, member, value=0)
        self._store(_LENGTH, value=length - 1)
        return True

    def clear(self) -> None:
        """Take every member out."""
        length = len(self)
        for at in range(length):
            self._store(_PLACES, self._at(at), value=0)
            self._store(_VALUES, at, value=0)
        if length:
            self._store(_LENGTH, value=0)

    def _at(self, index: int) -> bytes:
        return self._load(_VALUES, index).to_bytes(self._size)

    def _load(self, part: int, *rest: int | bytes) -> int:
        key = (self._frame.address, self._slot + part, *self._path, *rest)
        value: int = self._frame.scope.sload(key, self._frame.meter)
        return value

    def _store(self, part: int, *rest: int | bytes, value: int) -> None:
        key = (self._frame.address, self._slot + part, *self._path, *rest)
        self._frame.scope.sstore(key, value, self._frame.meter, credit=False)
