"""Early fraud warnings: a bank reports fraud without disputing the charge (facts: stripe 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "early_fraud_warnings"
OPEN: Final = "fraud_warning.open"
_SAME: Final = ("charge", "payment_intent")
_FILTERS: Final = Object({**LIST_FIELDS, **CREATED, **dict.fromkeys(_SAME, Text())})


def _open(op: Operation, args: Mapping[str, Any]) -> None:
    """A bank has reported a charge. It is worth refunding, unless that has happened."""
    charge = op.get("charges", args["charge"])
    warning = op.create(
        TABLE,
        op.new_id("issfr"),
        {
            "object": "radar.early_fraud_warning",
            "actionable": not (charge["refunded"] or charge["disputed"]),
            "charge": charge.id,
            "fraud_type": "misc",
            "payment_intent": charge["payment_intent"],
        },
    )
    op.emit("radar.early_fraud_warning.created", warning)


agenda.handles(OPEN, _open)


def retrieve(call: Call) -> Record:
    """One warning."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The warnings, the newest first."""
    return listed(call, TABLE, same=_SAME)


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/radar/early_fraud_warnings", list_all, _FILTERS),
    Endpoint("GET", "/v1/radar/early_fraud_warnings/{id}", retrieve),
)
