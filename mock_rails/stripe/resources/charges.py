"""Charges: each attempt to take money, and the older way of making one (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.intents import charges, plain
from mock_rails.stripe.parameters import (
    Anything,
    Boolean,
    Choice,
    Integer,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.people import SHIPPING, Email
from mock_rails.stripe.wire import views
from mock_rails.stripe.wire.expand import includable
from mock_rails.stripe.wire.lists import CREATED, DEFAULT, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = charges.TABLE

CREATE: Final = Object(
    {
        "amount": Integer(1),
        "application_fee_amount": Integer(0),
        "capture": Boolean(),
        "currency": Text(10),
        "customer": Text(),
        "description": Text(1_000, nullable=True),
        "metadata": Metadata(),
        "on_behalf_of": Text(),
        "receipt_email": Email(),
        "shipping": SHIPPING,
        "source": Text(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_group": Text(),
        **dict.fromkeys(("application_fee", "destination", "transfer_data"), Anything()),
        "radar_options": Anything(),
    },
    required=("amount", "currency"),
)
UPDATE: Final = Object(
    {
        "customer": Text(),
        "description": Text(1_000, nullable=True),
        "fraud_details": Object({"user_report": Choice(("fraudulent", "safe"), nullable=True)}),
        "metadata": Metadata(),
        "receipt_email": Email(),
        "shipping": SHIPPING,
        "transfer_group": Text(),
    }
)
CAPTURE: Final = Object(
    {
        "amount": Integer(1),
        "application_fee_amount": Integer(0),
        "receipt_email": Email(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_group": Text(),
        "transfer_data": Anything(),
        "application_fee": Anything(),
    }
)
LIST: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "customer": Text(),
        "payment_intent": Text(),
        "transfer_group": Text(),
    }
)
_CONNECT: Final = ("application_fee", "destination", "transfer_data")


def create(call: Call) -> Record:
    """Charge a card token, as was done before PaymentIntents."""
    _refuse_transfers(call)
    return plain.create(call.operation, call.params)


def retrieve(call: Call) -> Record:
    """One charge."""
    return call.operation.get(TABLE, call.id, param="id")


def update(call: Call) -> Record:
    """Change what does not concern the payment."""
    op, given = call.operation, call.params
    charge = op.get(TABLE, call.id, param="id")
    changes = dict(given)
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(charge["metadata"], given["metadata"])
    if "fraud_details" in given:
        report = given["fraud_details"].get("user_report")
        changes["fraud_details"] = {} if report is None else {"user_report": report}
    if "customer" in given:
        if charge["customer"] is not None:
            raise InvalidRequest("The customer of this charge is known already.", param="customer")
        op.get("customers", given["customer"], param="customer")
    previous = {name: charge[name] for name in changes if charge[name] != changes[name]}
    op.update(charge, changes)
    op.emit("charge.updated", charge, previous=previous)
    return charge


def capture(call: Call) -> Record:
    """Take what a charge has set aside."""
    _refuse_transfers(call)
    op = call.operation
    return plain.capture(op, op.get(TABLE, call.id, param="charge"), call.params)


def list_all(call: Call) -> Page:
    """The charges, the newest first."""
    return listed(call, TABLE, same=("customer", "payment_intent", "transfer_group"))


def _refuse_transfers(call: Call) -> None:
    for name in _CONNECT:
        if name in call.params:
            raise NotEmulated("transfers to connected accounts", param=name)


def _refunds(op: Operation, charge: dict[str, Any]) -> dict[str, Any]:
    """The refunds of a charge, which it shows when they are expanded."""
    found = [one.fields for one in op.state.newest("refunds") if one["charge"] == charge["id"]]
    return {
        "object": "list",
        "data": found[:DEFAULT],
        "has_more": len(found) > DEFAULT,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }


def _with_refunds(op: Operation, charge: dict[str, Any]) -> dict[str, Any]:
    return charge if "refunds" in charge else {**charge, "refunds": _refunds(op, charge)}


def _with_charges(op: Operation, intent: dict[str, Any]) -> dict[str, Any]:
    made = op.state.newest(TABLE)
    found = [one.fields for one in made if one["payment_intent"] == intent["id"]]
    return {
        **intent,
        "charges": {
            "object": "list",
            "data": [_with_refunds(op, charge) for charge in found],
            "has_more": False,
            "url": f"/v1/charges?payment_intent={intent['id']}",
        },
    }


includable("charge", "refunds", _refunds)
# Until that version, charges stood inside their PaymentIntent, and refunds inside their charge.
views.older("charge", "2022-11-15", _with_refunds)
views.older("payment_intent", "2022-11-15", _with_charges)


def list_refunds(call: Call) -> Page:
    """The refunds of a charge: the list that an expanded charge has the address of."""
    charge = call.operation.get(TABLE, call.id, param="charge")
    return listed(call, "refunds", lambda one: bool(one["charge"] == charge.id))


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/charges", create, CREATE),
    Endpoint("GET", "/v1/charges", list_all, LIST),
    Endpoint("GET", "/v1/charges/{id}", retrieve),
    Endpoint("POST", "/v1/charges/{id}", update, UPDATE),
    Endpoint("POST", "/v1/charges/{id}/capture", capture, CAPTURE),
    Endpoint("GET", "/v1/charges/{id}/refunds", list_refunds, Object(LIST_FIELDS)),
)
