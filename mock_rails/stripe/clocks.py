"""Test clocks: a time of their own for the customers that live on one (facts: stripe 1.10).

What happens to such a customer happens at the clock's frozen time, and what comes of it later waits
for that clock to be advanced: renewals, retries and ends of trial are then a call away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "test_clocks"
ADVANCE: Final = "test_clock.advance"
EXPIRE: Final = "test_clock.expire"


def on_clock_of(operation: Operation, customer: Record | None) -> Operation:
    """The same work at the customer's time: that of its test clock, if it is on one."""
    clock_id = None if customer is None else customer.fields.get("test_clock")
    if clock_id is None or operation.test_clock == clock_id:
        return operation
    clock = operation.get(TABLE, clock_id)
    return operation.at(clock["frozen_time"], clock_id)


def customers_of(operation: Operation, clock_id: str) -> list[Record]:
    """The customers that live on a clock."""
    return [
        one
        for one in operation.state.all("customers")
        if one.account == operation.account and one.fields.get("test_clock") == clock_id
    ]


def begin_advance(operation: Operation, clock: Record, to_s: int) -> None:
    """Set a clock in motion; it arrives as soon as the rail's agenda is looked at again."""
    operation.update(
        clock,
        {"status": "advancing", "status_details": {"advancing": {"target_frozen_time": to_s}}},
    )
    operation.emit("test_helpers.test_clock.advancing", clock)
    operation.schedule(operation.at_s, ADVANCE, clock=clock.id, to_s=to_s)


def _advance(operation: Operation, args: Mapping[str, Any]) -> None:
    """Let everything happen on the way to the new time, in the order of its due times."""
    clock = operation.find(TABLE, args["clock"])
    if clock is None:
        return
    while (entry := operation.agenda.take(args["to_s"], clock.id)) is not None:
        operation.update(clock, {"frozen_time": max(clock["frozen_time"], entry["due_s"])})
        agenda.run(operation.at(entry["due_s"], clock.id), entry)
    operation.update(clock, {"frozen_time": args["to_s"], "status": "ready", "status_details": {}})
    operation.emit("test_helpers.test_clock.ready", clock)


def delete(operation: Operation, clock: Record) -> None:
    """Take a clock away with everyone who lives on it, and with what was to happen there."""
    for customer in customers_of(operation, clock.id):
        for subscription in operation.state.all("subscriptions"):
            if subscription["customer"] == customer.id:
                operation.state.remove(subscription)
        operation.state.remove(customer)
    operation.agenda.drop_clock(clock.id)
    operation.state.remove(clock)
    operation.emit("test_helpers.test_clock.deleted", clock)


def _expire(operation: Operation, args: Mapping[str, Any]) -> None:
    clock = operation.find(TABLE, args["clock"])
    if clock is not None:
        delete(operation, clock)


agenda.handles(ADVANCE, _advance)
agenda.handles(EXPIRE, _expire)
