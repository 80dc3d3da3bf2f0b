"""What is to be sent to which endpoint, and what became of it.

A delivery is a record like any other, so it is undone with the call that caused it, and a snapshot
holds what has not been sent yet. What is done with goes to the log, which is bounded.

    waiting    in the table `deliveries`, due at `due_s` of sandbox time
    delivered | failed | lost | blocked    in the table `delivery_log`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import faults
from mock_rails.stripe.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

WAITING: Final = "deliveries"
LOG: Final = "delivery_log"
ENDPOINTS: Final = "webhook_endpoints"

QUEUED: Final = "webhook.queued"
"""The journal's word that wakes the deliverer."""


def add(operation: Operation, event: Record) -> None:
    """Queue a new event for the endpoints that asked for its type."""
    wanted = [
        one
        for one in operation.state.all(ENDPOINTS)
        if receives(one, event) and _asks_for(one, event["type"])
    ]
    for endpoint in wanted:
        _add_with_faults(operation, event, endpoint)


def add_one(operation: Operation, event: Record, endpoint: Record, *, delay_s: int = 0) -> Record:
    """Queue one message, whatever has been sent before."""
    now_s = operation.context.clock.now_s()
    for waiting in operation.state.all(WAITING):
        if waiting.fields.get("after_next") and waiting["endpoint"] == endpoint.id:
            operation.update(waiting, {"due_s": now_s})
    delivery = operation.create(
        WAITING,
        operation.new_id("delivery"),
        {
            "object": "sandbox.webhook_delivery",
            "event": event.id,
            "type": event["type"],
            "endpoint": endpoint.id,
            "url": endpoint["url"],
            "state": "waiting",
            "due_s": now_s + delay_s,
            "attempts": [],
        },
    )
    _count(operation, event, 1)
    data = {"delivery": delivery.id, "event": event.id, "endpoint": endpoint.id}
    operation.context.journal.append("stripe", QUEUED, data)
    return delivery


def close(operation: Operation, delivery: Record, state: str) -> None:
    """Move a delivery to the log: it is `delivered`, `failed`, `lost` or `blocked`."""
    operation.state.remove(delivery)
    if operation.state.size(LOG) >= operation.settings.request_log:
        operation.state.remove(operation.state.all(LOG)[0])
    operation.create(LOG, delivery.id, {**delivery.fields, "state": state})
    event = operation.find("events", delivery["event"])
    if event is not None and state == "delivered":
        _count(operation, event, -1)


def receives(endpoint: Record, event: Record) -> bool:
    """Whether the event is of the endpoint's account and mode; an endpoint that a platform made
    with `connect` gets those of the accounts connected to it, and not its own."""
    if endpoint["livemode"] != event["livemode"]:
        return False
    if endpoint.hidden.get("connect"):
        return endpoint.account == DEFAULT_ACCOUNT and event.account != DEFAULT_ACCOUNT
    return endpoint.account == event.account


def _asks_for(endpoint: Record, event_type: str) -> bool:
    if endpoint["status"] != "enabled":
        return False
    return "*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"]


def _add_with_faults(operation: Operation, event: Record, endpoint: Record) -> None:
    fault = operation.context.faults.check(
        faults.WEBHOOK, endpoint=endpoint.id, type=event["type"], url=endpoint["url"]
    )
    action = None if fault is None else fault.do
    args: dict[str, Any] = {} if fault is None else dict(fault.args)
    if action == "lose":
        close(operation, add_one(operation, event, endpoint), "lost")
    elif action == "duplicate":
        for _ in range(min(args.get("times", 2), _MOST_COPIES)):
            add_one(operation, event, endpoint)
    elif action == "delay":
        add_one(operation, event, endpoint, delay_s=args.get("s", _LATE_S))
    elif action == "swap":
        delivery = add_one(operation, event, endpoint, delay_s=_LATE_S)
        operation.update(delivery, {"after_next": True})
    else:
        add_one(operation, event, endpoint)


def _count(operation: Operation, event: Record, by: int) -> None:
    pending = max(0, event["pending_webhooks"] + by)
    operation.update(event, {"pending_webhooks": pending})


_MOST_COPIES: Final = 100
_LATE_S: Final = 60
