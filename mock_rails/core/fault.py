"""The words of fault injection: a point in a rail, an action there, a fault to be armed.

All three are frozen data. Rails declare points with their actions; people write faults, as JSON or
in code, and `mock_rails.core.faults` brings the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import FaultError, nearest
from mock_rails.core.plain import to_plain
from mock_rails.core.when import When

if TYPE_CHECKING:
    from collections.abc import Mapping

POINT_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
ACTION_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class FaultAction:
    """One thing a rail can do wrong at a point, and the arguments it takes."""

    name: str
    summary: str
    args: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    """Which of the arguments are whole numbers, from 0 up to 63 bits."""

    def check_args(self, args: Mapping[str, Any]) -> None:
        """Refuse at once what the action would choke on when it strikes."""
        for name in self.whole:
            value = args.get(name, 0)
            if type(value) is not int or not 0 <= value < 1 << 63:
                raise FaultError(f"`{name}` of {self.name!r} is a whole number, not {value!r}.")


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """One place in a rail where faults may strike.

    `context` names the values a check passes in, which a fault's `where` may select by.
    """

    name: str
    summary: str
    actions: tuple[FaultAction, ...]
    context: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what nobody could arm or read."""
        if not POINT_NAME.fullmatch(self.name):
            raise FaultError(f"A point is named like `rail.place`, not {self.name!r}.")
        names = [action.name for action in self.actions]
        if not names or len(set(names)) != len(names):
            raise FaultError(f"The point {self.name!r} needs actions of different names.")
        for name in names:
            if not ACTION_NAME.fullmatch(name):
                raise FaultError(f"An action is named like `do_this`, not {name!r}.")

    def action(self, name: str) -> FaultAction:
        """The action of that name."""
        for action in self.actions:
            if action.name == name:
                return action
        raise FaultError(
            f"The point {self.name!r} has no action {name!r}.",
            hint=nearest(str(name), (action.name for action in self.actions)),
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to be armed: at this point, do this, under this condition.

    `args` are for the action (`{"delay_s": 5}`); `where` restricts the fault to checks whose
    context has these values (`{"sender": "0x…"}`, bytes as 0x-hex).
    """

    at: str
    do: str
    when: When = field(default_factory=When)
    args: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: object) -> Fault:
        """Read the JSON form: an object with `at`, `do` and optionally `when`, `args`, `where`."""
        if not isinstance(value, dict):
            raise FaultError(
                f"A fault is an object, not {value!r}.",
                hint='Example: {"at": "lightning.pay", "do": "no_route", "when": "nth=3"}.',
            )
        known = ("at", "do", "when", "args", "where")
        for name in value:
            if name not in known:
                raise FaultError(f"A fault has no field {name!r}.", hint=nearest(str(name), known))
        for name in ("at", "do"):
            if not isinstance(value.get(name), str):
                raise FaultError(f"The fault's `{name}` must be a text, not {value.get(name)!r}.")
        tables: dict[str, dict[str, Any]] = {}
        for name in ("args", "where"):
            table = value.get(name)
            if table is not None and not isinstance(table, dict):
                raise FaultError(f"The fault's `{name}` must be an object, not {table!r}.")
            tables[name] = to_plain(table or {}, redact=False)
        return cls(value["at"], value["do"], When.parse(value.get("when")), **tables)

    def to_json(self) -> dict[str, Any]:
        """The JSON form that `parse` reads back to an equal fault."""
        document: dict[str, Any] = {"at": self.at, "do": self.do, "when": self.when.to_json()}
        if self.args:
            document["args"] = dict(self.args)
        if self.where:
            document["where"] = dict(self.where)
        return document
