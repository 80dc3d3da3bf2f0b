"""Customers: who pays, with which methods, and on which clock they live (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing, NotEmulated
from mock_rails.stripe.model import Record
from mock_rails.stripe.parameters import (
    Anything,
    Boolean,
    Choice,
    Integer,
    ListOf,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.people import ADDRESS, RESIDENCE, Email
from mock_rails.stripe.resources import payment_methods
from mock_rails.stripe.wire.expand import includable
from mock_rails.stripe.wire.lists import CREATED, DEFAULT, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.parameters import Kind

TABLE: Final = "customers"
DELETED: Final = "deleted_customers"
"""What is left of customers that were deleted: their ids."""

MOST_ON_A_CLOCK: Final = 3

_ABSENT: Final = {
    "balance": "credit balances of customers",
    "cash_balance": "cash balances",
    "default_source": "sources",
    "source": "sources",
    "tax": "automatic tax",
    "tax_id_data": "tax ids",
}
_TEXTS: Final = ("name", "description", "phone", "business_name", "individual_name")
_SHARED: Final[dict[str, Kind]] = {
    **dict.fromkeys(_TEXTS, Text(nullable=True)),
    **dict.fromkeys(_ABSENT, Anything()),
    "address": ADDRESS,
    "email": Email(),
    "invoice_prefix": Text(12),
    "invoice_settings": Object(
        {
            "custom_fields": ListOf(Object({"name": Text(40), "value": Text(140)}), nullable=True),
            "default_payment_method": Text(nullable=True),
            "footer": Text(nullable=True),
            "rendering_options": Anything(),
        }
    ),
    "metadata": Metadata(),
    "next_invoice_sequence": Integer(1),
    "preferred_locales": ListOf(Text(20), nullable=True),
    "shipping": RESIDENCE,
    "tax_exempt": Choice(("exempt", "none", "reverse"), nullable=True),
    "validate": Boolean(),
}
CREATE: Final = Object({**_SHARED, "payment_method": Text(), "test_clock": Text()})
UPDATE: Final = Object(_SHARED)

_FIELDS: Final[dict[str, Any]] = {
    "object": "customer",
    "address": None,
    "balance": 0,
    "business_name": None,
    "cash_balance": None,
    "currency": None,
    "customer_account": None,
    "default_source": None,
    "delinquent": False,
    "description": None,
    "discount": None,
    "email": None,
    "individual_name": None,
    "invoice_prefix": None,
    "invoice_settings": {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    },
    "metadata": {},
    "name": None,
    "next_invoice_sequence": 1,
    "phone": None,
    "preferred_locales": [],
    "shipping": None,
    "tax_exempt": "none",
    "test_clock": None,
}


def create(call: Call) -> Record:
    """A new customer; one on a test clock is made at the clock's time."""
    op, given = call.operation, call.params
    _refuse_absent(given)
    clock = given.get("test_clock")
    if clock is not None:
        op = _on_clock(op, clock)
    prefix = op.new_id("x").removeprefix("x_")[:8].upper()
    customer = op.create(TABLE, op.new_id("cus"), {**_FIELDS, "invoice_prefix": prefix})
    op.update(customer, {"test_clock": clock})
    if "payment_method" in given:
        method = payment_methods.resolve(op, given["payment_method"], param="payment_method")
        payment_methods.attach(op, method, customer)
        given = _with_default(given, method)
    op.update(customer, _changes(op, customer, given))
    op.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Record:
    """One customer; of one that was deleted, that it was."""
    op = call.operation
    found = op.find(TABLE, call.id) or op.find(DELETED, call.id)
    return found if found is not None else op.get(TABLE, call.id, param="id")


def update(call: Call) -> Record:
    """Change a customer."""
    _refuse_absent(call.params)
    customer = call.operation.get(TABLE, call.id, param="customer")
    op = clocks.on_clock_of(call.operation, customer)
    changes = _changes(op, customer, call.params)
    previous = {name: customer[name] for name in changes if customer[name] != changes[name]}
    op.update(customer, changes)
    op.emit("customer.updated", customer, previous=previous)
    return customer


def delete(call: Call) -> Record:
    """Delete a customer for good, with everything that would be charged to it."""
    customer = call.operation.get(TABLE, call.id, param="customer")
    op = clocks.on_clock_of(call.operation, customer)
    for method in op.state.all(payment_methods.TABLE):
        if method["customer"] == customer.id:
            payment_methods.detach_from(op, method)
    op.state.remove(customer)
    op.emit("customer.deleted", customer)
    gone = {"id": customer.id, "object": "customer", "deleted": True}
    return op.state.add(Record(DELETED, customer.id, customer.account, gone))


def list_all(call: Call) -> Page:
    """The customers, the newest first; those on a test clock only where it is named."""
    clock = call.params.get("test_clock")
    if clock is not None:
        call.operation.get(clocks.TABLE, clock, param="test_clock")
    return listed(call, TABLE, lambda one: bool(one["test_clock"] == clock), same=("email",))


def list_methods(call: Call) -> Page:
    """The PaymentMethods of a customer, the newest first."""
    customer = call.operation.get(TABLE, call.id, param="customer")
    return payment_methods.of_customer(call, customer.id)


def retrieve_method(call: Call) -> Record:
    """One PaymentMethod of a customer."""
    op = call.operation
    customer = op.get(TABLE, call.id, param="customer")
    method = op.find(payment_methods.TABLE, call.ids["payment_method"])
    if method is None or method["customer"] != customer.id:
        raise Missing("PaymentMethod", call.ids["payment_method"], param="payment_method")
    return method


def _refuse_absent(given: Mapping[str, Any]) -> None:
    for name, what in _ABSENT.items():
        if given.get(name) not in (None, "", "0", 0):
            raise NotEmulated(what, param=name)


def _with_default(given: dict[str, Any], method: Record) -> dict[str, Any]:
    """The parameters, with the new method's own id where `pm_card_visa` stands for it again."""
    settings = given.get("invoice_settings", {})
    if settings.get("default_payment_method") != given["payment_method"]:
        return given
    return {**given, "invoice_settings": {**settings, "default_payment_method": method.id}}


def _on_clock(op: Operation, clock_id: str) -> Operation:
    clock = op.get(clocks.TABLE, clock_id, param="test_clock")
    if len(clocks.customers_of(op, clock_id)) >= MOST_ON_A_CLOCK:
        raise InvalidRequest(
            f"A test clock can have at most {MOST_ON_A_CLOCK} customers.", param="test_clock"
        )
    return op.at(clock["frozen_time"], clock_id)


def _changes(op: Operation, customer: Record, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the parameters want them."""
    changes = {
        name: value
        for name, value in given.items()
        if name not in _ABSENT and name in _FIELDS and name != "test_clock"
    }
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(customer["metadata"], given["metadata"])
    if "preferred_locales" in given:
        changes["preferred_locales"] = given["preferred_locales"] or []
    if "tax_exempt" in given:
        changes["tax_exempt"] = given["tax_exempt"] or "none"
    if "invoice_settings" in given:
        changes["invoice_settings"] = _invoice_settings(op, customer, given["invoice_settings"])
    return changes


def _invoice_settings(op: Operation, customer: Record, given: Mapping[str, Any]) -> dict[str, Any]:
    settings = {**customer["invoice_settings"], **given}
    wanted = given.get("default_payment_method")
    if wanted is not None:
        param = "invoice_settings[default_payment_method]"
        method = op.get(payment_methods.TABLE, wanted, param=param)
        if method["customer"] != customer.id:
            raise InvalidRequest(
                f"The customer does not have a payment method with the ID {method.id}. The payment "
                "method must be attached to the customer.",
                code="resource_missing",
                param=param,
            )
        settings["default_payment_method"] = method.id
    return settings


def _subscriptions(op: Operation, customer: dict[str, Any]) -> dict[str, Any]:
    """The subscriptions of a customer, which it shows when they are expanded."""
    found = [
        one.fields
        for one in op.state.newest("subscriptions")
        if one["customer"] == customer["id"] and one["status"] != "canceled"
    ]
    return {
        "object": "list",
        "data": found[:DEFAULT],
        "has_more": len(found) > DEFAULT,
        "url": f"/v1/customers/{customer['id']}/subscriptions",
    }


includable("customer", "subscriptions", _subscriptions)

_METHODS: Final = "/v1/customers/{id}/payment_methods"

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/customers", create, CREATE),
    Endpoint(
        "GET",
        "/v1/customers",
        list_all,
        Object({**LIST_FIELDS, **CREATED, "email": Text(512), "test_clock": Text()}),
    ),
    Endpoint("GET", "/v1/customers/{id}", retrieve),
    Endpoint("POST", "/v1/customers/{id}", update, UPDATE),
    Endpoint("DELETE", "/v1/customers/{id}", delete),
    Endpoint("GET", _METHODS, list_methods, payment_methods.LIST_TAKES),
    Endpoint("GET", _METHODS + "/{payment_method}", retrieve_method),
)
