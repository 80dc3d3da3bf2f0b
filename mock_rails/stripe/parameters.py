"""What an endpoint takes, declared: `Object({"amount": Integer(minimum=1), …}, required=(…))`.

The form grammar (`wire/form.py`) yields texts, objects, and lists where it says `[]`; the kinds
here turn them into values or raise the error that Stripe would, with the `param` spelled in
brackets (facts: stripe 2.4).
An empty text means "unset": where a kind is `nullable` it becomes None, elsewhere it is refused.
JSON bodies (v2) bring real numbers and booleans; kinds take those as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from mock_rails.stripe.errors import InvalidRequest, NotEmulated, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_INDEX: Final = re.compile(r"[0-9]{1,9}")
_TEXT_LIMIT: Final = 5_000
_METADATA_KEYS: Final = 50
_METADATA_KEY: Final = 40
_METADATA_VALUE: Final = 500


class Kind(Protocol):
    """One kind of parameter."""

    def parse(self, value: Any, param: str) -> Any:
        """The value that `param` holds, or InvalidRequest with that `param`."""


def unset(value: Any, param: str, *, nullable: bool) -> bool:
    """Whether the value is empty and may be; refuse it if it may not."""
    if value not in ("", None):
        return False
    if nullable:
        return True
    raise InvalidRequest(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{param}' cannot be unset. You should remove '{param}' from your "
        "request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=param,
    )


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most `longest` characters."""

    longest: int = _TEXT_LIMIT
    nullable: bool = False

    def parse(self, value: Any, param: str) -> str | None:
        """The text."""
        if unset(value, param, nullable=self.nullable):
            return None
        if not isinstance(value, str):
            raise InvalidRequest("Invalid string: a text is expected here.", param=param)
        if len(value) > self.longest:
            raise InvalidRequest(
                f"Invalid string: {value[:20]}...; must be at most {self.longest} characters.",
                code="parameter_invalid_string_too_long",
                param=param,
            )
        return value


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in a range."""

    minimum: int | None = None
    maximum: int | None = None
    nullable: bool = False

    def parse(self, value: Any, param: str) -> int | None:
        """The number."""
        if unset(value, param, nullable=self.nullable):
            return None
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if type(value) is not int:
            shown = value[:50] if isinstance(value, str) else "this"
            raise InvalidRequest(
                f"Invalid integer: {shown}", code="parameter_invalid_integer", param=param
            )
        if self.minimum is not None and value < self.minimum:
            raise _out_of_range(param, f"greater than or equal to {self.minimum}")
        if self.maximum is not None and value > self.maximum:
            raise _out_of_range(param, f"less than or equal to {self.maximum}")
        return int(value)


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    nullable: bool = False

    def parse(self, value: Any, param: str) -> bool | None:
        """The truth value."""
        if unset(value, param, nullable=self.nullable):
            return None
        if value in (True, "true"):
            return True
        if value in (False, "false"):
            return False
        shown = value[:50] if isinstance(value, str) else "this"
        raise InvalidRequest(
            f"Invalid boolean: {shown}", code="parameter_invalid_boolean", param=param
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few texts."""

    options: tuple[str, ...]
    nullable: bool = False

    def parse(self, value: Any, param: str) -> str | None:
        """The text that was chosen."""
        if unset(value, param, nullable=self.nullable):
            return None
        if value not in self.options:
            listed = ", ".join(self.options)
            shown = value[:50] if isinstance(value, str) else "this"
            raise InvalidRequest(
                f"Invalid {param}: must be one of {listed}; got {shown}", param=param
            )
        return str(value)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Up to 50 texts by name. An empty value removes its key; an empty text all keys (2.8).

    Parsed to a dict in which removed keys are None, or to None for "all": `merged` applies it.
    """

    def parse(self, value: Any, param: str) -> dict[str, str | None] | None:
        """The changes to be made."""
        if value in ("", None):
            return None
        if not isinstance(value, dict):
            raise InvalidRequest("Invalid object", code="parameter_invalid", param=param)
        changes: dict[str, str | None] = {}
        for key, item in value.items():
            where = f"{param}[{key}]"
            if not 0 < len(key) <= _METADATA_KEY or "[" in key or "]" in key:
                raise InvalidRequest(
                    f"Metadata keys must be 1 to {_METADATA_KEY} characters without brackets.",
                    code="parameter_invalid",
                    param=where,
                )
            if not isinstance(item, str) or len(item) > _METADATA_VALUE:
                raise InvalidRequest(
                    f"Metadata values must be texts of up to {_METADATA_VALUE} characters.",
                    code="parameter_invalid",
                    param=where,
                )
            changes[key] = item or None
        if len(changes) > _METADATA_KEYS:
            raise InvalidRequest(
                f"Metadata can have at most {_METADATA_KEYS} keys.",
                code="parameter_invalid",
                param=param,
            )
        return changes

    @staticmethod
    def merged(
        before: Mapping[str, str], changes: Mapping[str, str | None] | None
    ) -> dict[str, str]:
        """The metadata after the changes."""
        if changes is None:
            return {}
        after = {**before, **changes}
        kept = {key: value for key, value in after.items() if value is not None}
        if len(kept) > _METADATA_KEYS:
            raise InvalidRequest(
                f"Metadata can have at most {_METADATA_KEYS} keys.",
                code="parameter_invalid",
                param="metadata",
            )
        return kept


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind: `a[0]=x`, `a[]=x`, or a JSON array."""

    item: Kind
    longest: int = 100
    nullable: bool = False

    def parse(self, value: Any, param: str) -> list[Any] | None:
        """The list."""
        if unset(value, param, nullable=self.nullable):
            return None
        if isinstance(value, dict) and all(_INDEX.fullmatch(key) for key in value):
            value = [value[key] for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise InvalidRequest("Invalid array", code="parameter_invalid", param=param)
        if len(value) > self.longest:
            raise InvalidRequest(f"Array too long: at most {self.longest} items.", param=param)
        return [self.item.parse(item, f"{param}[{index}]") for index, item in enumerate(value)]


@dataclass(frozen=True, slots=True)
class Anything:
    """Taken and remembered as it came, for parameters whose content changes nothing here."""

    def parse(self, value: Any, param: str) -> Any:
        """The value as it came."""
        return value


@dataclass(frozen=True, slots=True)
class AnyObject:
    """An object, taken and remembered as it came; `nullable` as everywhere."""

    nullable: bool = True

    def parse(self, value: Any, param: str) -> dict[str, Any] | None:
        """The object as it came."""
        if unset(value, param, nullable=self.nullable):
            return None
        if not isinstance(value, dict):
            raise InvalidRequest("Invalid object", code="parameter_invalid", param=param)
        return value


@dataclass(frozen=True, slots=True)
class Object:
    """Named parameters, some of them required; names that are not declared are refused."""

    fields: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    nullable: bool = False
    exclusive: tuple[tuple[str, str], ...] = field(default=())
    """Pairs of which a request may have one."""
    absent: tuple[str, ...] = ()
    """Names that Stripe takes and the rail does not: refused as not emulated, for to call them
    unknown would send a correct program looking for a mistake."""

    def parse(self, value: Any, param: str = "") -> dict[str, Any] | None:
        """The parameters that were given, each parsed."""
        if param and unset(value, param, nullable=self.nullable):
            return None
        if not isinstance(value, dict):
            raise InvalidRequest("Invalid object", code="parameter_invalid", param=param or None)
        for name in value:
            if name in self.absent:
                where = _inside(param, name)
                raise NotEmulated(f"the parameter {where} here", param=where)
            if name not in self.fields:
                raise UnknownParameter(_inside(param, name))
        for name in self.required:
            if name not in value:
                missing = _inside(param, name)
                raise InvalidRequest(
                    f"Missing required param: {missing}.", code="parameter_missing", param=missing
                )
        for one, other in self.exclusive:
            if one in value and other in value:
                raise InvalidRequest(
                    f"You may only specify one of these parameters: {one}, {other}.",
                    code="parameters_exclusive",
                    param=_inside(param, one),
                )
        return {
            name: self.fields[name].parse(item, _inside(param, name))
            for name, item in value.items()
        }


def _inside(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name


def _out_of_range(param: str, words: str) -> InvalidRequest:
    return InvalidRequest(
        f"This value must be {words}.", code="parameter_invalid_integer", param=param
    )
