"""Ranges of times, as lists are filtered by: `created=5`, `created[gte]=5&created[lt]=9` (2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.parameters import Integer, Object

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME: Final = Integer(0)
_BOUNDS: Final = Object({"gt": _TIME, "gte": _TIME, "lt": _TIME, "lte": _TIME})


@dataclass(frozen=True, slots=True)
class TimeRange:
    """One time, or bounds of it. Parsed to its bounds, for `within`."""

    def parse(self, value: Any, param: str) -> dict[str, int] | None:
        """The bounds that were given."""
        if isinstance(value, dict):
            return _BOUNDS.parse(value, param)
        at_s = _TIME.parse(value, param)
        return None if at_s is None else {"gte": at_s, "lte": at_s}


def within(at_s: int, bounds: Mapping[str, int] | None) -> bool:
    """Whether a time keeps all the bounds; no bounds are kept by every time."""
    bounds = bounds or {}
    return (
        at_s > bounds.get("gt", at_s - 1)
        and at_s >= bounds.get("gte", at_s)
        and at_s < bounds.get("lt", at_s + 1)
        and at_s <= bounds.get("lte", at_s)
    )
