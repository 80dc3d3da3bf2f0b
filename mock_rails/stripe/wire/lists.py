"""Lists: newest first, cut in pages by a cursor, `has_more` exact (facts: stripe 2.8)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.stripe.endpoint import Call, Page
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Integer, Object, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

DEFAULT: Final = 10
MOST: Final = 100

LIST_FIELDS: Final[dict[str, Kind]] = {
    "limit": Integer(1, MOST),
    "starting_after": Text(),
    "ending_before": Text(),
}
"""What every list takes; add the filters to it."""


class Range(NamedTuple):
    """A range of whole numbers, as `created[gte]=5` says it; both ends belong to it."""

    lowest: int | None
    highest: int | None

    def holds(self, value: int | None) -> bool:
        """Whether the value is in it; null is in none."""
        if value is None:
            return False
        return (self.lowest is None or value >= self.lowest) and (
            self.highest is None or value <= self.highest
        )


class InRange:
    """A filter by time or number: `created=5`, or any of `created[gt|gte|lt|lte]`."""

    _BOUNDS: Final = Object({name: Integer() for name in ("gt", "gte", "lt", "lte")})

    def parse(self, value: Any, param: str) -> Range:
        """The range."""
        if not isinstance(value, dict):
            number = Integer().parse(value, param)
            return Range(number, number)
        given: dict[str, int] = self._BOUNDS.parse(value, param) or {}
        lowest = [given[name] + more for name, more in (("gt", 1), ("gte", 0)) if name in given]
        highest = [given[name] - less for name, less in (("lt", 1), ("lte", 0)) if name in given]
        return Range(max(lowest, default=None), min(highest, default=None))


CREATED: Final[dict[str, Kind]] = {"created": InRange()}
"""The filter that `listed` applies by itself where an endpoint takes it."""


def listed(
    call: Call,
    table: str,
    matches: Callable[[Record], bool] = lambda _: True,
    *,
    same: Sequence[str] = (),
) -> Page:
    """The page of this account's records that the call's cursor, limit and filters ask for.
    `same` names the parameters that filter by the field of their own name."""
    op, given = call.operation, call.params
    equal = [(name, given[name]) for name in same if given.get(name) is not None]
    created: Range | None = given.get("created")

    def wanted(one: Record) -> bool:
        return (
            op.may_see(one)
            and all(one.fields.get(name) == value for name, value in equal)
            and (created is None or created.holds(one["created"]))
            and matches(one)
        )

    return page(call, (one for one in op.state.newest(table) if wanted(one)))


def page(call: Call, records: Iterable[Record]) -> Page:
    """The page of these records, which come newest first; no more are taken than it needs."""
    given: dict[str, Any] = call.params
    after, before = given.get("starting_after"), given.get("ending_before")
    limit = given.get("limit") or DEFAULT
    left = iter(records)
    if after and before:
        raise InvalidRequest(
            "You may only specify one of these parameters: starting_after, ending_before.",
            code="parameters_exclusive",
            param="starting_after",
        )
    if before:
        newer: list[Record] = []
        for one in left:
            if one.id == before:
                return Page(newer[-limit:], len(newer) > limit, call.path)
            newer.append(one)
        raise _no_cursor(before, "ending_before")
    if after and not any(one.id == after for one in left):
        raise _no_cursor(after, "starting_after")
    found = list(islice(left, limit + 1))
    return Page(found[:limit], len(found) > limit, call.path)


def _no_cursor(cursor: str, param: str) -> InvalidRequest:
    return InvalidRequest(
        f"No such object in this list: '{cursor[:100]}'", code="resource_missing", param=param
    )
