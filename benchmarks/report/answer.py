"""The answer in one line, and the table below it: a row for each rail, charge beside session.

What the table says of speed is said under one load that all had in common, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.operations import OPERATIONS
from benchmarks.report.fees import crossing, fees, pairs
from benchmarks.report.results import FREE, NONE, intent, rail
from benchmarks.report.said import Said, numbers
from benchmarks.report.tables import dollars, number, spread_text, tells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report.fees import Fees
    from benchmarks.report.results import Group, Measured, Results

SHORT: Final = "In short"
_MISSING: Final = "not measured"
_NEVER: Final = "none"
"""What a rail does not have."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one rail came to, and the numbers of the legs that say so."""

    cells: Sequence[str]
    legs: tuple[int, ...]


def short(results: Results) -> list[Said]:
    """The answer, where the run has one."""
    compared = {name: crossing(charge, session) for name, charge, session in pairs(results)}
    if not compared:
        return []
    told = []
    for name in rails(results):
        if name in compared:
            found = compared[name]
            told.append(f"{name.capitalize()}: {_from(found.requests if found else None)}")
        elif not has_session(name):
            told.append(f"{name.capitalize()}: charges only")
    legs = numbers(leg for _, *both in pairs(results) for one in both
                   for leg in results.books(one.operation))  # fmt: skip
    return [Said(SHORT, f"One payer, by fees. {'. '.join(told)}.", legs)]


def _from(requests: int | None) -> str:
    """What to take up to how many requests."""
    match requests:
        case None:
            return "charges, which cost no fee here"
        case 1:
            return "session from the first request on"
        case 2:
            return "charge for one request, session from 2"
    return f"charge up to {requests - 1:,} requests, session from {requests:,}"


def rails(results: Results) -> list[str]:
    """The rails that something was paid on, in the order of the tables."""
    return [one for one in dict.fromkeys(map(rail, results.operations)) if one != NONE]


def has_session(name: str) -> bool:
    """Whether a rail has sessions at all."""
    return any(one.rail == name and one.intent == "session" for one in OPERATIONS.values())


def common(results: Results) -> list[Group]:
    """What was asked of several operations at one rate, where that tells a median: all that can be
    compared across rails."""
    found = [one for one in results.alike() if tells(50, one.requests)]
    return found if any(intent(one.operation) != FREE for one in found) else []


def head(results: Results) -> list[str]:
    """The table's head."""
    alike = common(results)
    at = [f"median at {alike[0].load}, ms: charge / session"] if alike else []
    return ["rail", "charge: fee at price", "session: fee at price of a request",
            "session costs less from", *at, "most in a second: charge / session"]  # fmt: skip


def rows(results: Results) -> list[Row]:
    """A row for each rail."""
    alike = {one.operation: one for one in common(results)}
    crossings = {name: crossing(charge, session) for name, charge, session in pairs(results)}
    made = []
    for name in rails(results):
        both = [f"{name}-charge", f"{name}-session"]
        found = crossings.get(name)
        cells = [name.capitalize(), *(_fee(results, one) for one in both)]
        cells.append(f"{found.requests:,} requests" if found else "")
        if alike:
            cells.append(" / ".join(_median(alike.get(one), one) for one in both))
        cells.append(" / ".join(_most(results, one) for one in both))
        made.append(Row(cells, numbers(leg for one in both for leg in _legs(results, alike, one))))
    return made


def _legs(results: Results, alike: dict[str, Group], operation: str) -> list[Measured]:
    """What an operation's cells rest on."""
    groups = [alike.get(operation), results.best(operation)]
    return [*results.books(operation), *(leg for one in groups if one for leg in one.legs)]


def _fee(results: Results, operation: str) -> str:
    found: Fees | None = fees(results, operation)
    return _gone(operation) if found is None else f"{dollars(found.each)} at {dollars(found.price)}"


def _median(group: Group | None, operation: str) -> str:
    return _gone(operation) if group is None else spread_text(group.percentile_ms(50))


def _most(results: Results, operation: str) -> str:
    if operation not in results.operations:
        return _gone(operation)
    return number(results.best_per_s(operation).median)


def _gone(operation: str) -> str:
    return _MISSING if operation in OPERATIONS else _NEVER
