"""Sandbox only: what became of every webhook message, and sending one again (facts: stripe 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Endpoint, Page
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.parameters import Choice, Integer, Object, Text
from mock_rails.stripe.webhooks import queue
from mock_rails.stripe.wire.lists import LIST_FIELDS, page

if TYPE_CHECKING:
    from mock_rails.stripe.model import Record

_MOST_COPIES: Final = 100
_STATES: Final = ("waiting", "delivered", "failed", "lost", "blocked")

LIST: Final = Object(
    {
        **LIST_FIELDS,
        "event": Text(),
        "type": Text(),
        "endpoint": Text(),
        "state": Choice(_STATES),
    }
)
RESEND: Final = Object({"endpoint": Text(), "times": Integer(1, _MOST_COPIES)})


def list_all(call: Call) -> Page:
    """The deliveries of all accounts, the newest first."""
    state = call.operation.state
    records = [*state.all(queue.LOG), *state.all(queue.WAITING)]
    wanted = {name: call.params[name] for name in ("event", "type", "endpoint", "state")
              if name in call.params}  # fmt: skip
    found = [one for one in records if all(one[name] == wanted[name] for name in wanted)]
    return page(call, sorted(found, key=lambda one: -one.number))


def resend(call: Call) -> dict[str, Any]:
    """Send an event again, to one endpoint or to all of its account."""
    op = call.operation
    event = op.state.find("events", call.id)
    if event is None:
        raise Missing("event", call.id, param="id")
    wanted = call.params.get("endpoint")
    endpoints = [
        one
        for one in op.state.all(queue.ENDPOINTS)
        if queue.receives(one, event) and wanted in (None, one.id)
    ]
    if not endpoints:
        raise InvalidRequest("There is no such webhook endpoint to send it to.", param="endpoint")
    theirs = op.of(event.account, livemode=event["livemode"])
    sent: list[Record] = [
        queue.add_one(theirs, event, endpoint)
        for endpoint in endpoints
        for _ in range(call.params.get("times", 1))
    ]
    return {"queued": [one.id for one in sent]}


ENDPOINTS: Final = (
    Endpoint("GET", "/_sandbox/webhook_deliveries", list_all, LIST),
    Endpoint("POST", "/_sandbox/events/{id}/resend", resend, RESEND),
)
