"""When a fault strikes: a condition as data, written by people and read back exactly.

As text `always`, `nth=3`, `every=2,times=4`, `probability=1/20,after=block.sealed`; as JSON the
same names in an object. Counting conditions count *hits*, that is checks at the fault's point that
match its `where`, while its window is open. Probabilities are exact fractions, so that two machines
draw alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Final

from mock_rails.core.errors import FaultError, nearest

_LONGEST_NUMBER: Final = 40


@dataclass(frozen=True, slots=True)
class When:
    """The condition of a fault; without any field set it means always.

    `nth`, `every` and `probability` exclude each other; `times`, `after` and `until` go with each.
    """

    nth: int | None = None
    """Strike at this hit only, counted from 1."""
    every: int | None = None
    """Strike at each hit that is a multiple of this."""
    probability: Fraction | None = None
    """Strike with this chance at each hit, drawn from the fault's own seeded stream."""
    times: int | None = None
    """Strike at most this often."""
    after: str | None = None
    """The window opens with a journal event of this kind; without it, it is open from the start."""
    until: str | None = None
    """The window closes with a journal event of this kind; `after` may open it again."""

    def __post_init__(self) -> None:
        """Refuse conditions that could never strike or mean two things."""
        for name in ("nth", "every", "times"):
            count = getattr(self, name)
            if count is not None and (type(count) is not int or count < 1):
                raise FaultError(f"`{name}` counts from 1, it cannot be {count!r}.")
        if self.probability is not None and not (
            isinstance(self.probability, Fraction) and 0 < self.probability <= 1
        ):
            raise FaultError(
                f"`probability` lies above 0 and not above 1, it cannot be {self.probability}.",
                hint="Write it as '1/20' or '0.05'.",
            )
        for name in ("after", "until"):
            kind = getattr(self, name)
            if kind is not None and not (isinstance(kind, str) and kind):
                raise FaultError(f"`{name}` names a kind of journal event, not {kind!r}.")
        rules = [r for r in ("nth", "every", "probability") if getattr(self, r) is not None]
        if len(rules) > 1:
            raise FaultError(f"`{rules[0]}` and `{rules[1]}` exclude each other.")

    @property
    def is_windowed(self) -> bool:
        """Whether journal events open and close it."""
        return self.after is not None or self.until is not None

    @classmethod
    def parse(cls, value: object) -> When:
        """Read the text or the JSON form."""
        if value is None or value == "always":
            return cls()
        if isinstance(value, str):
            value = _table(value)
        if not isinstance(value, dict):
            raise FaultError(
                f"A condition is a text or an object, not {value!r}.",
                hint="Examples: 'always', 'nth=3', {'every': 2, 'times': 4}.",
            )
        for name in value:
            if name not in _NAMES:
                raise FaultError(f"There is no condition {name!r}.", hint=nearest(name, _NAMES))
        known: dict[str, Any] = dict(value)
        if known.get("probability") is not None:
            known["probability"] = _fraction(known["probability"])
        return cls(**known)

    def to_json(self) -> str | dict[str, Any]:
        """The JSON form that `parse` reads back to an equal condition."""
        table = {
            name: str(value) if isinstance(value, Fraction) else value
            for name in _NAMES
            if (value := getattr(self, name)) is not None
        }
        return table or "always"


_NAMES: Final = tuple(field.name for field in fields(When))


def _table(text: str) -> dict[str, Any]:
    """`nth=3,times=1` as a table; numbers are read, the rest stays text."""
    table: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise FaultError(
                f"{part.strip()!r} is no condition.",
                hint="Write `always`, or name=value pairs such as `nth=3` or `every=2,times=4`.",
            )
        if name in table:
            raise FaultError(f"The condition {name!r} is given twice.")
        counts = name in {"nth", "every", "times"}
        if counts and not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER):
            raise FaultError(f"`{name}` is a whole number, not {value!r}.")
        table[name] = int(value) if counts else value
    return table


def _fraction(value: object) -> Fraction:
    """Exactly what was written: JSON's 0.05 is read by its digits, as 1/20."""
    text = str(value).strip()
    if isinstance(value, str | int | float | Fraction) and len(text) <= _LONGEST_NUMBER:
        try:
            # Digits and one separator only: an exponent could ask for a number of a billion digits.
            if not text.strip("0123456789./"):
                return Fraction(text)
        except (ValueError, ZeroDivisionError):
            pass
    raise FaultError(
        f"`probability` is a fraction, not {value!r}.", hint="Write it as '1/20' or '0.05'."
    )
