"""Typed storage for native contracts: declared as class attributes, metered on every access.

class Tip20(NativeContract):
    total_supply = Value(8)
    balances = Mapping(9)
    allowances = Mapping(10)

self.total_supply += amount
self.allowances[owner, spender] = 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from mock_rails.tempo import gas

if TYPE_CHECKING:
    from mock_rails.tempo.native.contract import NativeContract
    from mock_rails.tempo.native.frame import Frame


class Kind(Protocol):
    """How a slot's raw content becomes a Python value and back."""

    def load(self, raw: Any) -> Any:
        """The value of what is stored; 0 is stored where nothing was."""

    def store(self, value: Any) -> int | str:
        """What to store for a value."""


class _Address:
    def load(self, raw: Any) -> bytes:
        return int(raw).to_bytes(20)

    def store(self, value: bytes) -> int:
        return int.from_bytes(value)


class _Bytes32:
    def load(self, raw: Any) -> bytes:
        return int(raw).to_bytes(32)

    def store(self, value: bytes) -> int:
        return int.from_bytes(value)


class _Bool:
    def load(self, raw: Any) -> bool:
        return bool(raw)

    def store(self, value: bool) -> int:
        return int(value)


class _Text:
    def load(self, raw: Any) -> str:
        return str(raw) if raw else ""

    def store(self, value: str) -> str | int:
        return value or 0


class Packed:
    """Several integers in one word, the first in the lowest bits."""

    def __init__(self, *bits: int) -> None:
        self._bits = bits

    def load(self, raw: Any) -> tuple[int, ...]:
        """The fields, low to high."""
        fields = []
        for width in self._bits:
            fields.append(raw & ((1 << width) - 1))
            raw >>= width
        return tuple(fields)

    def store(self, value: tuple[int, ...]) -> int:
        """The word."""
        word = at = 0
        for field, width in zip(value, self._bits, strict=True):
            if not 0 <= field < 1 << width:
                raise OverflowError(f"{field} does not fit {width} bits")
            word |= field << at
            at += width
        return word


ADDRESS: Final = _Address()
BYTES32: Final = _Bytes32()
BOOL: Final = _Bool()
TEXT: Final = _Text()


def _charge_text(frame: Frame, value: int | str) -> None:
    """Long text takes further slots: price them as warm reads, they are never on a hot path."""
    if isinstance(value, str) and len(value) > 31:
        frame.meter.charge(gas.WARM_LOAD * gas.words(len(value)))


class Value:
    """One slot. `kind` None is a plain unsigned integer."""

    __slots__ = ("_kind", "slot")

    def __init__(self, slot: int, kind: Kind | None = None) -> None:
        self.slot = slot
        self._kind = kind

    def __get__(self, contract: NativeContract | None, owner: type | None = None) -> Any:
        if contract is None:
            return self
        frame = contract.frame
        raw = frame.scope.sload((frame.address, self.slot), frame.meter)
        if self._kind is None:
            return raw
        _charge_text(frame, raw)
        return self._kind.load(raw)

    def __set__(self, contract: NativeContract, value: Any) -> None:
        frame = contract.frame
        raw = value if self._kind is None else self._kind.store(value)
        _charge_text(frame, raw)
        frame.scope.sstore((frame.address, self.slot), raw, frame.meter)


class Mapping:
    """A mapping; several keys, `self.allowances[owner, spender]`, are a nested one."""

    __slots__ = ("_credit", "_kind", "slot")

    def __init__(self, slot: int, kind: Kind | None = None, *, credit: bool = True) -> None:
        self.slot = slot
        self._kind = kind
        self._credit = credit

    def __get__(self, contract: NativeContract | None, owner: type | None = None) -> Any:
        if contract is None:
            return self
        return _Entries(contract.frame, self.slot, self._kind, self._credit)

    def key(self, address: bytes, *path: Any) -> tuple[Any, ...]:
        """The world's key of one entry, for code that reads state without a frame."""
        return (address, self.slot, *path)


class _Entries:
    """A mapping seen from one frame."""

    __slots__ = ("_credit", "_frame", "_kind", "_slot")

    def __init__(self, frame: Frame, slot: int, kind: Kind | None, credit: bool) -> None:
        self._frame = frame
        self._slot = slot
        self._kind = kind
        self._credit = credit

    def _key(self, key: Any) -> tuple[Any, ...]:
        if type(key) is tuple:
            return (self._frame.address, self._slot, *key)
        return (self._frame.address, self._slot, key)

    def __getitem__(self, key: Any) -> Any:
        frame = self._frame
        raw = frame.scope.sload(self._key(key), frame.meter)
        return raw if self._kind is None else self._kind.load(raw)

    def __setitem__(self, key: Any, value: Any) -> None:
        frame = self._frame
        raw = value if self._kind is None else self._kind.store(value)
        frame.scope.sstore(self._key(key), raw, frame.meter, credit=self._credit)
