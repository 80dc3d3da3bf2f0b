"""How a record becomes text and a text a record again, for the backends that keep text.

The codec is the record's own business (a channel's lives beside the channel); here is only what
every backend does around it. JSON is the standard library's on purpose: it keeps integers of any
size, where faster parsers refuse those past 64 bits or read them back as floats. Amounts on Tempo
have up to 128 bits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from mock_rails.core.errors import BadInput
from sandbox.server.stores.errors import RecordDamaged

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_encode: Final[Callable[[object], str]] = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False
).encode


class Codec(Protocol[T]):
    """Turns a record into plain JSON values and back; `decode(encode(record)) == record`."""

    def encode(self, record: T) -> Any:
        """The record as dicts, lists, texts, integers, booleans and None."""
        ...

    def decode(self, document: Any) -> T:
        """The record that `encode` made this document of; raises if it did not make it."""
        ...


class Packer(Generic[T]):
    """A codec with JSON around it: records to text and back, for one collection."""

    __slots__ = ("_codec", "_collection")

    def __init__(self, collection: str, codec: Codec[T]) -> None:
        self._collection = collection
        self._codec = codec

    def pack(self, record: T) -> str:
        """The text to keep. Never empty: no JSON is."""
        try:
            return _encode(self._codec.encode(record))
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"A record of {self._collection!r} does not encode as JSON: {error}."
            ) from error

    def unpack(self, key: str, text: str | bytes) -> T:
        """The record in a kept text."""
        try:
            return self._codec.decode(json.loads(text))
        except Exception as error:
            raise RecordDamaged(
                f"The record {key!r} of {self._collection!r} cannot be read: {error!r}.",
                hint="Was it written by another version, or by hand?",
                details={"collection": self._collection, "key": key},
            ) from error
