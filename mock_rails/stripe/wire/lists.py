"""Lists: newest first, cut in pages by a cursor, `has_more` exact (facts: stripe 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Page
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Integer, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

_DEFAULT: Final = 10
_MOST: Final = 100

LIST_FIELDS: Final[dict[str, Kind]] = {
    "limit": Integer(1, _MOST),
    "starting_after": Text(),
    "ending_before": Text(),
}
"""What every list takes; add the filters to it."""


def listed(call: Call, table: str, matches: Callable[[Record], bool] = lambda _: True) -> Page:
    """The page of this account's records that the call's cursor and limit ask for."""
    op = call.operation
    records = [one for one in op.state.all(table) if one.account == op.account and matches(one)]
    return page(call, reversed(records))


def page(call: Call, records: Iterable[Record]) -> Page:
    """The page of these records, which come newest first."""
    given: dict[str, Any] = call.params
    after, before = given.get("starting_after"), given.get("ending_before")
    if after and before:
        raise InvalidRequest(
            "You may only specify one of these parameters: starting_after, ending_before.",
            code="parameters_exclusive",
            param="starting_after",
        )
    found = list(records)
    limit = given.get("limit") or _DEFAULT
    if after or before:
        cursor = after or before
        places = [place for place, one in enumerate(found) if one.id == cursor]
        if not places:
            raise InvalidRequest(
                f"No such object in this list: '{cursor}'",
                code="resource_missing",
                param="starting_after" if after else "ending_before",
            )
        place = places[0]
        if before:
            found = found[:place]
            return Page(found[-limit:], len(found) > limit, call.path)
        found = found[place + 1 :]
    return Page(found[:limit], len(found) > limit, call.path)
