"""Requests as LND reads them: protobuf's JSON, strictly (facts: lightning 4.2).

A message is declared as the names of its fields and what each holds. Whole numbers come as numbers
or texts, bytes as base64 of either alphabet, names as the protobuf has them or in camel case; null
is the same as nothing; an unknown name is an error. What is not given has its kind's zero.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from mock_rails.lightning.errors import INVALID_ARGUMENT, LightningError

Kind = Callable[[Any], Any]

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,25})")
_TRUTHS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def wrong(text: str) -> LightningError:
    """The gateway's refusal of a request that it cannot read."""
    return LightningError(f"proto: {text}", INVALID_ARGUMENT)


def _integer(lowest: int, highest: int) -> Kind:
    def read(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            value = int(value)  # 1e3 is a whole number to protobuf
        if type(value) is not int or not lowest <= value <= highest:
            raise wrong(f"invalid value for a whole number: {shown(value)}")
        return value

    read.zero = 0  # type: ignore[attr-defined]
    return read


INT64: Final = _integer(-(1 << 63), (1 << 63) - 1)
UINT64: Final = _integer(0, (1 << 64) - 1)
INT32: Final = _integer(-(1 << 31), (1 << 31) - 1)
UINT32: Final = _integer(0, (1 << 32) - 1)


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong(f"invalid value for string type: {shown(value)}")
    return value


def truth(value: Any) -> bool:
    """A bool."""
    if type(value) is not bool:
        raise wrong(f"invalid value for bool type: {shown(value)}")
    return value


def double(value: Any) -> Any:
    """A number that is none of money."""
    if type(value) not in (int, float):
        raise wrong(f"invalid value for double type: {shown(value)}")
    return value


def data(value: Any) -> bytes:
    """Bytes: base64 of the standard or the URL's alphabet, padded or not."""
    try:
        letters = text(value).rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise wrong(f"invalid value for bytes type: {shown(value)}") from None


def anything(value: Any) -> Any:
    """What no call looks into."""
    return value


def listed(kind: Kind) -> Kind:
    """A list."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong(f"unexpected token {shown(value)}, not a list")
        return [kind(one) for one in value]

    read.zero = ()  # type: ignore[attr-defined]
    return read


def mapped(kind: Kind) -> Kind:
    """A map; its keys are strings in JSON whatever they are."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(f"unexpected token {shown(value)}, not a map")
        return {name: kind(one) for name, one in value.items()}

    return read


def nested(fields: Mapping[str, Kind]) -> Kind:
    """A message within a message; None if it is not there."""
    return Message(fields).read


class Message:
    """One kind of request."""

    def __init__(self, fields: Mapping[str, Kind]) -> None:
        self.fields = dict(fields)
        self._names = {name: name for name in fields} | {_camel(name): name for name in fields}
        self._zeros = {name: _zero(kind) for name, kind in fields.items()}

    def parse(self, body: bytes, passes: Callable[[], bool] | None = None) -> dict[str, Any]:
        """A body; none at all is an empty message. `passes` is asked whether fields that the
        message has not are passed over."""
        if not body.strip():
            return dict(self._zeros)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise wrong(f"syntax error: {error.msg}") from None
        if passes is not None and isinstance(document, dict):
            known = {name: value for name, value in document.items() if name in self._names}
            if len(known) < len(document) and passes():
                document = known
        return self.read(document)

    def read(self, document: Any) -> dict[str, Any]:
        """The fields of a document, all of them."""
        if not isinstance(document, dict):
            raise wrong(f"unexpected token {shown(document)}")
        found: dict[str, Any] = {}
        for given, value in document.items():
            name = self._names.get(given)
            if name is None:
                raise wrong(f"unknown field {shown(given)}")
            if name in found:
                raise wrong(f"duplicate field {shown(given)}")
            found[name] = self._zeros[name] if value is None else self.fields[name](value)
        return {**self._zeros, **found}

    def query(self, given: Mapping[str, list[str]]) -> dict[str, Any]:
        """The fields of a query string. The gateway passes over names that it does not know."""
        found = dict(self._zeros)
        for written, values in given.items():
            name = self._names.get(written)
            if name is None:
                outer, _, inner = written.partition(".")
                owner = getattr(self.fields.get(outer), "__self__", None)
                if isinstance(owner, Message):
                    found[outer] = {
                        **(found[outer] or owner._zeros),
                        **owner.query_set(inner, values),
                    }
                continue
            found[name] = self._query_value(name, values)
        return found

    def query_set(self, name: str, values: list[str]) -> dict[str, Any]:
        """One field of a message within the query's message."""
        known = self._names.get(name)
        return {} if known is None else {known: self._query_value(known, values)}

    def _query_value(self, name: str, values: list[str]) -> Any:
        kind = self.fields[name]
        if _zero(kind) == ():
            return kind(list(values))
        if len(values) != 1:
            raise wrong(f"too many values for field {shown(name)}")
        if kind is truth:
            if values[0] not in _TRUTHS:
                raise wrong(f"parsing field {shown(name)}: invalid bool {shown(values[0])}")
            return _TRUTHS[values[0]]
        return kind(values[0])


def shown(value: Any) -> str:
    """The beginning of a value, for an error."""
    return repr(value)[:60]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)


def _zero(kind: Kind) -> Any:
    if kind in (text, data, truth):
        return {text: "", data: b"", truth: False}[kind]
    return getattr(kind, "zero", None)
