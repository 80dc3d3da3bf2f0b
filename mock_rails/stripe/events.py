"""Events: what happened to an object, as it was when it happened (facts: stripe 1.11, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.secrecy import without_tokens
from mock_rails.stripe.webhooks import queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "events"
_FOLLOWERS: Final[dict[str, list[Callable[[Operation, Record], None]]]] = {}

KEPT_S: Final = 30 * 86_400
"""How long Stripe shows an event."""


def follow(event_type: str, then: Callable[[Operation, Record], None]) -> None:
    """Let `then` happen right after every event of this type, in the same transaction: how an
    invoice learns that its PaymentIntent has succeeded, without the intents knowing invoices."""
    _FOLLOWERS.setdefault(event_type, []).append(then)


def emit(
    operation: Operation, event_type: str, record: Record, previous: Mapping[str, Any] | None
) -> Record:
    """Record that `event_type` happened to the object, and queue it for the webhook endpoints."""
    data: dict[str, Any] = {"object": record.fields}
    if previous is not None:
        data["previous_attributes"] = dict(previous)
    request = {"id": operation.request_id, "idempotency_key": operation.idempotency_key}
    event = operation.create(
        TABLE,
        operation.new_id("evt"),
        {
            "object": "event",
            "api_version": str(operation.version),
            "data": data,
            "pending_webhooks": 0,
            "request": request,
            "type": event_type,
        },
    )
    operation.context.journal.append(
        "stripe",
        event_type,
        {
            "event": event.id,
            "object": without_tokens(record.id),
            "account": record.account,
            "request": operation.request_id,
        },
    )
    queue.add(operation, event)
    for then in _FOLLOWERS.get(event_type, ()):
        then(operation, record)
    return event
