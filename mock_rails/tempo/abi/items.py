"""What a contract's interface is made of: functions, events and errors, each from its signature."""

from __future__ import annotations

from typing import Any

from mock_rails.tempo.abi.codec import Codec
from mock_rails.tempo.abi.signature import parse_signature


class Function:
    """A function's selector and codecs."""

    __slots__ = ("inputs", "name", "outputs", "selector", "signature")

    def __init__(self, text: str) -> None:
        self.signature = parse_signature(text)
        self.name = self.signature.name
        self.selector = self.signature.hash[:4]
        self.inputs = Codec(self.signature.inputs)
        self.outputs = Codec(self.signature.outputs)

    def call(self, *values: Any) -> bytes:
        """Calldata: the selector and the encoded arguments."""
        return self.selector + self.inputs.encode(values)

    def result(self, data: bytes) -> Any:
        """Decode return data: the value, or a tuple when the function returns several."""
        values = self.outputs.decode(data)
        return values[0] if len(values) == 1 else values


class Event:
    """An event's topics and data."""

    __slots__ = ("_data", "_plain", "_topics", "name", "signature", "topic")

    def __init__(self, text: str) -> None:
        self.signature = parse_signature(text)
        self.name = self.signature.name
        self.topic = self.signature.hash
        inputs = self.signature.inputs
        self._plain = tuple(at for at, part in enumerate(inputs) if not part.indexed)
        self._topics = tuple((at, Codec((part,))) for at, part in enumerate(inputs) if part.indexed)
        self._data = Codec([inputs[at] for at in self._plain])

    def encode(self, values: tuple[Any, ...]) -> tuple[tuple[bytes, ...], bytes]:
        """The topics and the data of this event with `values` in the order of its signature."""
        topics = [codec.encode((values[at],)) for at, codec in self._topics]
        return (self.topic, *topics), self._data.encode([values[at] for at in self._plain])

    def decode(self, topics: tuple[bytes, ...], data: bytes) -> dict[str, Any]:
        """The values by name; the inverse of `encode` for static indexed types."""
        plain = self._data.decode(data)
        inputs = self.signature.inputs
        values = {inputs[at].name: plain[i] for i, at in enumerate(self._plain)}
        for (at, codec), topic in zip(self._topics, topics[1:], strict=True):
            values[inputs[at].name] = codec.decode(topic)[0]
        return values


class RevertError:
    """A Solidity custom error: its selector and codec."""

    __slots__ = ("inputs", "name", "selector", "signature")

    def __init__(self, text: str) -> None:
        self.signature = parse_signature(text)
        self.name = self.signature.name
        self.selector = self.signature.hash[:4]
        self.inputs = Codec(self.signature.inputs)

    def encode(self, *values: Any) -> bytes:
        """Revert data."""
        return self.selector + self.inputs.encode(values)

    def describe(self, data: bytes) -> str:
        """`Name(Name { field: value })`, the way the node prints a decoded revert (facts 1.9)."""
        parts = self.signature.inputs
        if not parts:
            return f"{self.name}({self.name})"
        values = self.inputs.decode(data, 4)
        fields = ", ".join(
            f"{part.name}: {_shown(value)}" for part, value in zip(parts, values, strict=True)
        )
        return f"{self.name}({self.name} {{ {fields} }})"


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
