"""Reads human-readable ABI signatures: `transfer(address to, uint256 amount) returns (bool)`.

Native contracts are written against these strings, so that a reader compares them with the
published interface by eye. Tuples may be nested and named: `(address payer, uint96 deposit)
channel`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mock_rails.tempo.crypto.hashing import keccak256


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type, its name, whether an event indexes it, and a tuple's components."""

    type: str
    name: str = ""
    indexed: bool = False
    components: tuple[Parameter, ...] = ()

    @cached_property
    def canonical(self) -> str:
        """The type as it is hashed and as eth-abi spells it: tuples in brackets, no names."""
        if not self.components:
            return self.type
        inner = ",".join(part.canonical for part in self.components)
        return f"({inner}){self.type.removeprefix('tuple')}"


@dataclass(frozen=True)
class Signature:
    """A function, event or error signature."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]

    @cached_property
    def canonical(self) -> str:
        """`name(type,type)`, the text whose hash identifies it."""
        return f"{self.name}({','.join(part.canonical for part in self.inputs)})"

    @cached_property
    def hash(self) -> bytes:
        """Keccak of the canonical text: an event's topic 0; its first four bytes are a selector."""
        return keccak256(self.canonical.encode())


def parse_signature(text: str) -> Signature:
    """Parse `name(inputs) [returns (outputs)]`; a malformed text is a programming error."""
    reader = _Reader(text)
    name = reader.word()
    inputs = reader.parameters()
    outputs: tuple[Parameter, ...] = ()
    keyword = reader.word()
    if keyword == "returns":
        outputs = reader.parameters()
    if not name or keyword not in {"", "returns"} or reader.rest():
        raise ValueError(f"not an ABI signature: {text!r}")
    return Signature(name, inputs, outputs)


class _Reader:
    """A cursor over the signature's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        return self._text[self._at :].strip()

    def _peek(self) -> str:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str) -> None:
        if self._peek() != expected:
            raise ValueError(f"expected {expected!r} at {self._at} in {self._text!r}")
        self._at += 1

    def word(self) -> str:
        self._peek()
        start = self._at
        while self._at < len(self._text) and (
            self._text[self._at].isalnum() or self._text[self._at] in "_[]"
        ):
            self._at += 1
        return self._text[start : self._at]

    def parameters(self) -> tuple[Parameter, ...]:
        self._take("(")
        found: list[Parameter] = []
        while self._peek() != ")":
            if found:
                self._take(",")
            found.append(self._parameter())
        self._take(")")
        return tuple(found)

    def _parameter(self) -> Parameter:
        if self._peek() == "(":
            components = self.parameters()
            suffix = self.word() if self._peek() == "[" else ""
            kind = f"tuple{suffix}"
        else:
            components = ()
            kind = self.word()
        name = self.word()
        indexed = name == "indexed"
        return Parameter(kind, self.word() if indexed else name, indexed, components)
