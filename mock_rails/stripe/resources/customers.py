"""Customers (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Metadata, Object, Text
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

TABLE: Final = "customers"

CREATE: Final = Object(
    {
        "name": Text(nullable=True),
        "email": Text(512, nullable=True),
        "description": Text(nullable=True),
        "metadata": Metadata(),
    }
)


def create(call: Call) -> Record:
    """A new customer."""
    op, given = call.operation, call.params
    fields: dict[str, Any] = {
        "object": "customer",
        "name": given.get("name"),
        "email": given.get("email"),
        "description": given.get("description"),
        "metadata": Metadata.merged({}, given.get("metadata", {})),
    }
    customer = op.create(TABLE, op.new_id("cus"), fields)
    op.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Record:
    """One customer."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The customers, the newest first."""
    return listed(call, TABLE)


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/customers", create, CREATE),
    Endpoint("GET", "/v1/customers", list_all, Object(LIST_FIELDS)),
    Endpoint("GET", "/v1/customers/{id}", retrieve),
)
