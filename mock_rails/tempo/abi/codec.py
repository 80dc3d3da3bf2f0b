"""Encodes and decodes ABI arguments.

Nearly every call on the payment path has only static arguments (addresses and integers), and those
are handled here word by word, in about a microsecond. Anything with a dynamic part goes through
eth-abi, which is imported when first needed: it costs more to load than the whole chain takes to
start.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_rails.tempo.abi.signature import Parameter

_WORD: Final = 32
_INTEGER = re.compile(r"(u?)int(\d+)")
_FIXED_BYTES = re.compile(r"bytes(\d+)")


class AbiError(Exception):
    """The bytes do not decode as the declared types."""


class Codec:
    """The codec of one parameter list."""

    __slots__ = ("_atoms", "_parameters", "_shape", "_size", "types")

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.types = tuple(part.canonical for part in parameters)
        self._parameters = tuple(parameters)
        atoms: list[_Atom] = []
        static = all(_flatten(part, atoms) for part in parameters)
        self._atoms = tuple(atoms) if static else None
        self._shape = static and any(part.components for part in parameters)
        self._size = len(atoms) * _WORD

    def decode(self, data: bytes, offset: int = 0) -> tuple[Any, ...]:
        """The values at `offset`: addresses and fixed bytes as bytes, tuples as tuples.

        As on the node, bytes after the arguments and bits beyond a value's width are ignored.
        """
        if self._atoms is None:
            return _decode_dynamic(self.types, data[offset:])
        if len(data) < offset + self._size:
            raise AbiError(f"expected {self._size} bytes of arguments, got {len(data) - offset}")
        values = []
        for atom in self._atoms:
            values.append(atom.decode(data[offset : offset + _WORD]))
            offset += _WORD
        return _shaped(self._parameters, iter(values)) if self._shape else tuple(values)

    def encode(self, values: Sequence[Any]) -> bytes:
        """The ABI encoding of `values`, one for each parameter."""
        atoms = self._atoms
        if atoms is None:
            from eth_abi.abi import encode

            return encode(self.types, values)
        if len(atoms) == 1 and not self._shape and len(values) == 1:
            return atoms[0].encode(values[0])
        flat: list[Any] = list(values)
        if self._shape:
            flat = []
            for part, value in zip(self._parameters, values, strict=True):
                _unshaped(part, value, flat)
        return b"".join([atom.encode(v) for atom, v in zip(atoms, flat, strict=True)])


class _Atom:
    """How one static type becomes a word and back."""

    __slots__ = ("decode", "encode")

    def __init__(self, decode: Callable[[bytes], Any], encode: Callable[[Any], bytes]) -> None:
        self.decode = decode
        self.encode = encode


def _flatten(part: Parameter, atoms: list[_Atom]) -> bool:
    """Append the atoms of `part`; False when it has a dynamic type."""
    if part.type.endswith("]") or part.type in {"bytes", "string"}:
        return False
    if part.components:
        return all(_flatten(inner, atoms) for inner in part.components)
    atoms.append(_atom(part.type))
    return True


def _shaped(parameters: Sequence[Parameter], values: Any) -> tuple[Any, ...]:
    return tuple(
        _shaped(part.components, values) if part.components else next(values) for part in parameters
    )


def _unshaped(part: Parameter, value: Any, flat: list[Any]) -> None:
    if not part.components:
        flat.append(value)
        return
    for inner, item in zip(part.components, value, strict=True):
        _unshaped(inner, item, flat)


def _decode_dynamic(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        values = decode(types, data, strict=False)
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise AbiError(str(error)) from error
    return tuple(_raw(kind, value) for kind, value in zip(types, values, strict=True))


def _raw(kind: str, value: Any) -> Any:
    """eth-abi answers addresses as hex text, also inside arrays and tuples: make them bytes."""
    if isinstance(value, tuple | list):
        if kind.endswith("]"):
            inner = kind[: kind.rindex("[")]
            return tuple(_raw(inner, item) for item in value)
        return tuple(_raw(k, item) for k, item in zip(_components(kind), value, strict=True))
    return bytes.fromhex(value[2:]) if kind == "address" else value


def _components(kind: str) -> list[str]:
    """The top-level component types of a tuple type such as `(address,(bytes4,address[])[])`."""
    parts, depth, start = [], 0, 1
    for at, char in enumerate(kind):
        depth += (char == "(") - (char == ")")
        if (char == "," and depth == 1) or (char == ")" and depth == 0):
            parts.append(kind[start:at])
            start = at + 1
    return parts


def _atom(kind: str) -> _Atom:
    if kind == "address":
        return _Atom(_decode_address, _encode_address)
    if kind == "bool":
        return _Atom(_decode_bool, _encode_bool)
    if match := _FIXED_BYTES.fullmatch(kind):
        return _fixed_bytes(int(match[1]))
    if match := _INTEGER.fullmatch(kind):
        return _integer(int(match[2]), signed=not match[1])
    raise ValueError(f"unknown ABI type {kind!r}")


def _decode_address(word: bytes) -> bytes:
    return word[12:]


def _encode_address(value: bytes) -> bytes:
    return b"\0" * 12 + value


def _decode_bool(word: bytes) -> bool:
    return any(word)


def _encode_bool(value: bool) -> bytes:
    return int(value).to_bytes(_WORD)


def _fixed_bytes(size: int) -> _Atom:
    padding = b"\0" * (_WORD - size)

    return _Atom(lambda word: word[:size], lambda value: value + padding)


def _integer(bits: int, *, signed: bool) -> _Atom:
    start = _WORD - bits // 8

    def decode(word: bytes) -> int:
        return int.from_bytes(word[start:], signed=signed)

    def encode(value: int) -> bytes:
        return value.to_bytes(_WORD, signed=signed)

    return _Atom(decode, encode)
