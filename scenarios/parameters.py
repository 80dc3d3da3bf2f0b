"""What a study can be told: frozen models that refuse typos with one line (style 4.1).

Every field carries its unit in its name, what it means, and where its default comes from, so that
`simulate describe` can print the table that belongs beside a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from mock_rails.core.errors import BadInput, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Counts = tuple[PositiveInt, ...]
"""Whole numbers above 0; here as below, each is a configuration of its own."""
CountsOrNone = tuple[NonNegativeInt, ...]
Sizes = tuple[PositiveFloat, ...]
SizesOrNone = tuple[NonNegativeFloat, ...]
Shares = tuple[Annotated[float, Field(ge=0, le=1)], ...]
_MOST: Final = 10**15
"""Beyond it are no amounts of money or of seconds, but slips of the finger."""


def known(default: Any, meaning: str, source: str, **limits: Any) -> Any:
    """A field with a default, its meaning, and the source of the default."""
    return Field(default, description=meaning, json_schema_extra={"source": source}, **limits)


class Parameters(BaseModel):
    """The parameters of one run; nothing can be added or changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _is_a_setting(cls, value: Any) -> Any:
        """Refuse what no study can be run with: no value, the same one twice, absurd numbers."""
        many = value if isinstance(value, tuple) else (value,)
        if not many:
            raise PydanticCustomError("none", "At least one value is needed")
        if len(set(many)) < len(many):
            raise PydanticCustomError("twice", "Each value may be given once")
        if any(isinstance(one, int | float) and one > _MOST for one in many):
            raise PydanticCustomError("absurd", "No more than 1e15 can be simulated")
        return value

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> Self:
        """From a command line's `key=value`; a tuple is written `1,2,3`."""
        values: dict[str, Any] = {}
        for name, text in settings.items():
            if name not in cls.model_fields:
                raise BadInput(
                    f"There is no parameter {name!r}.", hint=nearest(name, cls.model_fields)
                )
            many = get_origin(cls.model_fields[name].annotation) is tuple
            values[name] = [part for part in text.split(",") if part] if many else text
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "The parameters"
            given = "" if not first["loc"] else f", not {str(first['input'])[:40]!r}"
            raise BadInput(f"{name}: {first['msg']}{given}.") from None

    @classmethod
    def table(cls) -> Iterator[tuple[str, str, str, str]]:
        """Name, default, meaning and source of each parameter."""
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            source = str(extra.get("source", "")) if isinstance(extra, dict) else ""
            yield name, shown(field.default), field.description or "", source


def shown(value: Any) -> str:
    """A value as one would type it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def pairs(settings: Iterable[str]) -> dict[str, str]:
    """`key=value` arguments as a mapping; each name once."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise BadInput(f"{setting!r} is no setting.", hint="Write key=value.")
        if name in found:
            raise BadInput(f"The parameter {name!r} is given twice.")
        found[name] = value
    return found
