"""Reproducible randomness: named streams that all grow from one seed.

Keys, ids, nonces and fault draws come from here, so that the same seed and the same calls give the
same bytes in any process. A stream is keyed by its *name*, not by the order in which streams are
made: adding one never disturbs the others. This is the only module that makes randomness; a lint
rule (ruff TID251) keeps it so.

A stream is SHA-256 in counter mode over (seed, name). Its whole state is one integer, the number of
bytes drawn so far, which is why a snapshot of all randomness is a small table. It is reproducible
on purpose and therefore no place to get a secret from.
"""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mock_rails.core.errors import BadInput, SnapshotError

if TYPE_CHECKING:
    from collections.abc import MutableSequence, Sequence

T = TypeVar("T")

_BLOCK: Final = 32
_DOMAIN: Final = b"mpp-sandbox stream 1"
_UNIFORM_BITS: Final = 64
_LONGEST_TEXT: Final = 256


class Stream:
    """One named source of randomness."""

    __slots__ = ("_block", "_block_index", "_key", "name", "position")

    def __init__(self, seed: str, name: str) -> None:
        self.name = name
        self.position = 0
        """How many bytes were drawn so far: the stream's whole state."""
        self._rekey(seed)

    def _rekey(self, seed: str) -> None:
        parts = (_DOMAIN, seed.encode(), self.name.encode())
        self._key = sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()
        self._block_index = -1
        self._block = b""

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count < 0:
            raise BadInput(f"Cannot draw {count} bytes.")
        drawn = bytearray()
        while len(drawn) < count:
            index, start = divmod(self.position, _BLOCK)
            if index != self._block_index:
                self._block = sha256(self._key + index.to_bytes(16, "big")).digest()
                self._block_index = index
            piece = self._block[start : start + count - len(drawn)]
            drawn += piece
            self.position += len(piece)
        return bytes(drawn)

    def hex(self, count: int) -> str:
        """The next `count` bytes as 2 * `count` lower-case hex digits."""
        return self.bytes(count).hex()

    def integer(self, low: int, high: int) -> int:
        """A uniform integer with low <= integer <= high; exact, by rejection."""
        if low > high:
            raise BadInput(f"There is no integer from {low} to {high}.")
        span = high - low
        bits = span.bit_length()
        size = (bits + 7) // 8
        while True:
            value = int.from_bytes(self.bytes(size), "big") >> (8 * size - bits)
            if value <= span:
                return low + value

    def uniform(self) -> Fraction:
        """A uniform fraction in [0, 1), in steps of 2 ** -64; exact, as no float would be."""
        return Fraction(self.integer(0, (1 << _UNIFORM_BITS) - 1), 1 << _UNIFORM_BITS)

    def chance(self, probability: Fraction) -> bool:
        """True with exactly this probability."""
        if not 0 <= probability <= 1:
            raise BadInput(f"A probability lies between 0 and 1, not at {probability}.")
        return self.integer(1, probability.denominator) <= probability.numerator

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        if not options:
            raise BadInput("Cannot choose from nothing.")
        return options[self.integer(0, len(options) - 1)]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put the items into a random order, in place (Fisher-Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.integer(0, last)
            items[last], items[other] = items[other], items[last]


class Seeds:
    """All streams of one sandbox.

    The seed is an integer or a text; `7` and `"7"` are the same seed, since a command line cannot
    tell them apart.
    """

    def __init__(self, seed: int | str) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int | str):
            raise BadInput(f"A seed is an integer or a text, not {seed!r}.")
        self.seed = _checked("seed", str(seed))
        self._streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        """The stream of this name, the same object every time. Names read `rail.purpose`."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(self.seed, _checked("stream's name", name))
        return stream

    def rewind(self, prefix: str = "") -> None:
        """Start all streams whose name begins with `prefix` again; a rail's reset uses this."""
        for name, stream in self._streams.items():
            if name.startswith(prefix):
                stream.position = 0

    def snapshot(self) -> dict[str, Any]:
        """The seed, and where each stream that was drawn from stands."""
        drawn = {name: one.position for name, one in self._streams.items() if one.position}
        return {"seed": self.seed, "streams": dict(sorted(drawn.items()))}

    def restore(self, document: object) -> None:
        """Take over a snapshot; stream objects that are held elsewhere stay valid."""
        match document:
            case {"seed": str(seed), "streams": dict(positions), **rest} if not rest:
                pass
            case _:
                raise SnapshotError(
                    "The part for randomness must hold a seed and a table of streams.",
                    details={"seeds": repr(document)[:200]},
                )
        try:
            _checked("seed", seed)
            for name in positions:
                _checked("stream's name", name)
        except BadInput as error:
            raise SnapshotError(error.detail) from error
        for name, position in positions.items():
            if type(position) is not int or position < 0:
                raise SnapshotError(f"The stream {name!r} cannot stand at {position!r}.")
        self.seed = seed
        for name in positions:
            self.stream(name)
        for name, stream in self._streams.items():
            stream._rekey(self.seed)
            stream.position = positions.get(name, 0)


def _checked(what: str, text: object) -> str:
    """The text, if it may name a seed or a stream; it must survive UTF-8 to reach the hash."""
    if not isinstance(text, str):
        raise BadInput(f"A {what} is a text, not {text!r}.")
    if not 0 < len(text) <= _LONGEST_TEXT:
        raise BadInput(f"A {what} is 1 to {_LONGEST_TEXT} characters long, not {len(text)}.")
    if not text.isprintable():
        raise BadInput(f"A {what} holds printable characters only: {text!r}.")
    return text
