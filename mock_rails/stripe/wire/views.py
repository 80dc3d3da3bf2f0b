"""Objects as older API versions show them (facts: stripe 1.9, shape traps).

Records hold the newest shape. Whoever knows an older one registers it: `views.older("subscription",
"2025-03-31", with_periods)` gives versions before that date what the function returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation

View = Callable[["Operation", dict[str, Any]], dict[str, Any]]

_OLDER: Final[dict[str, list[tuple[str, View]]]] = {}
"""By type of object: until when there is another view of it, the latest date first."""


def older(object_type: str, until: str, view: View) -> None:
    """Show objects of that type by `view` to versions before the date `until`. It gets a copy of
    the object and returns what is shown instead."""
    views = _OLDER.setdefault(object_type, [])
    views.append((until, view))
    # From the newest shape backwards, one change of shape after the other.
    views.sort(key=lambda one: one[0], reverse=True)


def shown(operation: Operation, document: dict[str, Any]) -> dict[str, Any]:
    """The document as the caller's version has it."""
    date = operation.version.date
    if all(date >= views[0][0] for views in _OLDER.values()):
        return document
    changed: dict[str, Any] = _shown(operation, document)
    return changed


def _shown(operation: Operation, value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(operation, item) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {name: _shown(operation, item) for name, item in value.items()}
    kind = copy.get("object")
    for until, view in _OLDER.get(kind, ()) if isinstance(kind, str) else ():
        if operation.version.date < until:
            copy = view(operation, copy)
    return copy
