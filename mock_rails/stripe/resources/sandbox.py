"""The sandbox's own controls: what was asked, double charges, faults, and the time.

They need no key and take JSON. `/_sandbox/requests` is the log that a lost answer is found with;
`/_sandbox/double_charges` says which payer paid twice for one call (facts: stripe 0.2).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import US_PER_S
from mock_rails.stripe import double_charges
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import Missing
from mock_rails.stripe.parameters import Anything, Boolean, Choice, Integer, Object, Text

if TYPE_CHECKING:
    from mock_rails.stripe.wire.request_log import Entry, RequestLog

_FILTERS: Final = ("challenge_id", "idempotency_key", "path", "route", "verb", "fault", "object_id")

REQUESTS: Final = Object(
    {
        **{name: Text() for name in _FILTERS},
        "status": Integer(),
        "limit": Integer(1, 1_000),
    }
)
DOUBLE_CHARGES: Final = Object({"verdict": Choice(double_charges.VERDICTS), "window_s": Integer(0)})
ARM: Final = Object({name: Anything() for name in ("at", "do", "when", "args", "where")})
CLOCK: Final = Object(
    {"advance_s": Integer(0), "set_s": Integer(0), "freeze": Boolean()},
    exclusive=(("advance_s", "set_s"),),
)

_LIMIT: Final = 100


def requests(call: Call) -> dict[str, Any]:
    """The newest requests, of one challenge, key, path, … where asked for."""
    wanted = {name: value for name, value in call.params.items() if name != "limit"}
    limit = call.params.get("limit", _LIMIT)

    def matches(entry: Entry) -> bool:
        return all(getattr(entry, name) == value for name, value in wanted.items())

    found = list(islice(filter(matches, _log(call).newest()), limit + 1))
    return _list(call, [one.to_json() for one in found[:limit]], has_more=len(found) > limit)


def request(call: Call) -> dict[str, Any]:
    """One request."""
    entry = _log(call).find(call.id)
    if entry is None:
        raise Missing("request", call.id, param="id")
    return entry.to_json()


def forget_requests(call: Call) -> dict[str, Any]:
    """Begin a new log."""
    _log(call).clear()
    return _list(call, [])


def endpoints(call: Call) -> dict[str, Any]:
    """Everything that can be called: what is emulated, and the controls."""
    return _list(call, [{"verb": one.verb, "path": one.path} for one in call.endpoints])


def find_double_charges(call: Call) -> dict[str, Any]:
    """The calls for which there are several PaymentIntents, with a verdict each."""
    given = call.params
    found = double_charges.find(
        call.operation.state, _log(call), given.get("window_s", double_charges.WINDOW_S)
    )
    verdict = given.get("verdict")
    return _list(call, [one for one in found if verdict in (None, one["verdict"])])


def arm(call: Call) -> dict[str, Any]:
    """Put a fault in place, for example
    `{"at": "stripe.request", "do": "commit_then_drop", "when": "nth=1"}`."""
    faults = call.operation.context.faults
    armed = faults.arm(call.params)
    return next(one for one in faults.list() if one["id"] == armed)


def faults(call: Call) -> dict[str, Any]:
    """The armed faults, with how often each was hit and fired."""
    return _list(call, call.operation.context.faults.list())


def disarm(call: Call) -> dict[str, Any]:
    """Take one fault away."""
    call.operation.context.faults.disarm(call.id)
    return {"id": call.id, "object": "sandbox.fault", "deleted": True}


def disarm_all(call: Call) -> dict[str, Any]:
    """Take all faults away."""
    call.operation.context.faults.clear()
    return _list(call, [])


def fault_points(call: Call) -> dict[str, Any]:
    """Where faults may strike, what they can do there, and what they may select by."""
    points = [
        {
            "name": point.name,
            "summary": point.summary,
            "context": list(point.context),
            "actions": [
                {"name": one.name, "summary": one.summary, "args": list(one.args)}
                for one in point.actions
            ],
        }
        for point in call.operation.context.faults.points
    ]
    return _list(call, points)


def clock(call: Call) -> dict[str, Any]:
    """The sandbox's time, after moving it where that is asked for."""
    given, time = call.params, call.operation.context.clock
    if given.get("freeze") is True:
        time.freeze()
    if "advance_s" in given:
        time.advance(given["advance_s"])
    if "set_s" in given:
        time.set_us(given["set_s"] * US_PER_S)
    if given.get("freeze") is False:
        time.resume()
    return {"object": "sandbox.clock", "now_s": time.now_s(), "frozen": time.is_frozen}


def _log(call: Call) -> RequestLog:
    assert call.requests is not None
    return call.requests


def _list(call: Call, data: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": call.path}


ENDPOINTS: Final = (
    Endpoint("GET", "/_sandbox/requests", requests, REQUESTS),
    Endpoint("DELETE", "/_sandbox/requests", forget_requests),
    Endpoint("GET", "/_sandbox/requests/{id}", request),
    Endpoint("GET", "/_sandbox/endpoints", endpoints),
    Endpoint("GET", "/_sandbox/double_charges", find_double_charges, DOUBLE_CHARGES),
    Endpoint("GET", "/_sandbox/faults", faults),
    Endpoint("POST", "/_sandbox/faults", arm, ARM),
    Endpoint("DELETE", "/_sandbox/faults", disarm_all),
    Endpoint("DELETE", "/_sandbox/faults/{id}", disarm),
    Endpoint("GET", "/_sandbox/fault_points", fault_points),
    Endpoint("GET", "/_sandbox/clock", clock),
    Endpoint("POST", "/_sandbox/clock", clock, CLOCK),
)
