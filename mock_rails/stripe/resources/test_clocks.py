"""Test clocks (facts: stripe 1.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks
from mock_rails.stripe.clocks import TABLE
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Integer, Object, Text
from mock_rails.stripe.test_mode import require_test_mode
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_KEPT_S: Final = 30 * 86_400
_LATEST_S: Final = 4_102_444_800
"""The year 2100: no study of renewals needs to look further."""
_DAY_S: Final = 86_400
_INTERVALS_S: Final = {
    "day": _DAY_S,
    "week": 7 * _DAY_S,
    "month": 31 * _DAY_S,
    "year": 366 * _DAY_S,
}
_LONGEST_IDLE_S: Final = 2 * 366 * _DAY_S

CREATE: Final = Object(
    {"frozen_time": Integer(0, _LATEST_S), "name": Text(300)},
    required=("frozen_time",),
    absent=("customer",),
)
ADVANCE: Final = Object({"frozen_time": Integer(0, _LATEST_S)}, required=("frozen_time",))


def create(call: Call) -> Record:
    """A new clock, standing at the time that is given."""
    op, given = call.operation, call.params
    require_test_mode(op)
    clock = op.create(
        TABLE,
        op.new_id("clock"),
        {
            "object": "test_helpers.test_clock",
            "deletes_after": op.at_s + _KEPT_S,
            "frozen_time": given["frozen_time"],
            "name": given.get("name"),
            "status": "ready",
            "status_details": {},
        },
    )
    op.schedule(clock["deletes_after"], clocks.EXPIRE, clock=clock.id)
    op.emit("test_helpers.test_clock.created", clock)
    return clock


def advance(call: Call) -> Record:
    """Set the clock in motion; it says `advancing` now and `ready` when it has arrived."""
    op, to_s = call.operation, call.params["frozen_time"]
    require_test_mode(op)
    clock = op.get(TABLE, call.id, param="test_clock")
    if clock["status"] != "ready":
        raise InvalidRequest("The test clock is still advancing; wait until it is ready.")
    if to_s <= clock["frozen_time"]:
        raise InvalidRequest(
            f"The clock stands at {clock['frozen_time']} and can only be advanced to a later time.",
            param="frozen_time",
        )
    step_s = 2 * _shortest_interval_s(op, clock)
    if to_s > clock["frozen_time"] + step_s:
        raise InvalidRequest(
            "You cannot advance a test clock by more than two intervals of its shortest "
            f"subscription at once: here to {clock['frozen_time'] + step_s} at most.",
            param="frozen_time",
        )
    clocks.begin_advance(op, clock, to_s)
    return clock


def _shortest_interval_s(op: Operation, clock: Record) -> int:
    """The shortest interval of the subscriptions on the clock, or a year if there is none."""
    customers = {one.id for one in clocks.customers_of(op, clock.id)}
    spans = [
        _INTERVALS_S[item["price"]["recurring"]["interval"]]
        * item["price"]["recurring"]["interval_count"]
        for subscription in op.state.all("subscriptions")
        if subscription["customer"] in customers
        for item in subscription["items"]["data"]
    ]
    return min(spans, default=_LONGEST_IDLE_S // 2)


def retrieve(call: Call) -> Record:
    """One clock."""
    require_test_mode(call.operation)
    return call.operation.get(TABLE, call.id, param="test_clock")


def list_all(call: Call) -> Page:
    """The clocks, the newest first."""
    require_test_mode(call.operation)
    return listed(call, TABLE)


def delete(call: Call) -> dict[str, Any]:
    """Take a clock away, with its customers."""
    require_test_mode(call.operation)
    clock = call.operation.get(TABLE, call.id, param="test_clock")
    clocks.delete(call.operation, clock)
    return {"id": clock.id, "object": "test_helpers.test_clock", "deleted": True}


_PATH: Final = "/v1/test_helpers/test_clocks"

ENDPOINTS: Final = (
    Endpoint("POST", _PATH, create, CREATE),
    Endpoint("GET", _PATH, list_all, Object(LIST_FIELDS)),
    Endpoint("GET", _PATH + "/{id}", retrieve),
    Endpoint("DELETE", _PATH + "/{id}", delete),
    Endpoint("POST", _PATH + "/{id}/advance", advance, ADVANCE),
)
