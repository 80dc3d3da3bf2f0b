"""Events, read back (facts: stripe 1.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import Missing
from mock_rails.stripe.events import KEPT_S, TABLE
from mock_rails.stripe.parameters import Boolean, ListOf, Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

_MOST_TYPES: Final = 20

LIST: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "type": Text(),
        "types": ListOf(Text(), longest=_MOST_TYPES),
        "delivery_success": Boolean(),
    },
    exclusive=(("type", "types"),),
    absent=("object_id",),
)


def retrieve(call: Call) -> Record:
    """One event of the last thirty days."""
    event = call.operation.get(TABLE, call.id, param="id")
    if not _is_kept(call, event):
        raise Missing("event", call.id, param="id")
    return event


def list_all(call: Call) -> Page:
    """The events of the last thirty days, the newest first."""
    given = call.params
    types = given.get("types") or ([given["type"]] if given.get("type") else None)
    success = given.get("delivery_success")

    def matches(event: Record) -> bool:
        if not _is_kept(call, event) or not (types is None or _is_of(event["type"], types)):
            return False
        return success is None or success == (event["pending_webhooks"] == 0)

    return listed(call, TABLE, matches)


def _is_kept(call: Call, event: Record) -> bool:
    return bool(event["created"] > call.operation.at_s - KEPT_S)


def _is_of(event_type: str, types: list[str]) -> bool:
    """Whether it is one of the types; `charge.*` is all that begin so."""
    return any(
        event_type.startswith(one[:-1]) if one.endswith("*") else event_type == one for one in types
    )


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/events", list_all, LIST),
    Endpoint("GET", "/v1/events/{id}", retrieve),
)
