"""Invoices and their payments: their wire (facts: stripe 1.9). What they do is in
`billing/invoices.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.billing import invoices, subscriptions
from mock_rails.stripe.billing.invoices import PAYMENTS, TABLE
from mock_rails.stripe.clocks import on_clock_of
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Boolean, Choice, Metadata, Object, Text
from mock_rails.stripe.version import BASIL
from mock_rails.stripe.wire import expand, views
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

PAY: Final = Object(
    {"payment_method": Text(), "off_session": Boolean(), "paid_out_of_band": Boolean()},
    absent=("forgive", "mandate", "source"),
)
UPDATE: Final = Object(
    {"description": Text(nullable=True), "metadata": Metadata()},
    absent=(
        "account_tax_ids", "application_fee_amount", "auto_advance", "automatic_tax",
        "automatically_finalizes_at", "collection_method", "custom_fields", "days_until_due",
        "default_payment_method", "default_source", "default_tax_rates", "discounts", "due_date",
        "effective_at", "footer", "issuer", "number", "on_behalf_of", "payment_settings",
        "rendering", "shipping_cost", "shipping_details", "statement_descriptor", "transfer_data",
    ),
)  # fmt: skip
LIST: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "customer": Text(),
        "subscription": Text(),
        "status": Choice(("draft", "open", "paid", "uncollectible", "void")),
        "collection_method": Choice(("charge_automatically", "send_invoice")),
    },
    absent=("customer_account", "due_date"),
)
LIST_PAYMENTS: Final = Object(
    {**LIST_FIELDS, **CREATED, "invoice": Text(), "status": Choice(("canceled", "open", "paid"))},
    absent=("payment",),
)


def _found(call: Call) -> tuple[Operation, Record]:
    """The invoice, and the work at its customer's time."""
    op = call.operation
    invoice = op.get(TABLE, call.id, param="invoice")
    return on_clock_of(op, op.find("customers", invoice["customer"])), invoice


def pay(call: Call) -> Record:
    """Charge an open invoice now."""
    op, invoice = _found(call)
    given = call.params
    if given.get("paid_out_of_band"):
        invoices.pay_elsewhere(op, invoice)
    else:
        subscription = op.get(subscriptions.TABLE, invoice.hidden["subscription"])
        method = given.get("payment_method") or subscriptions.method_of(op, subscription)
        invoices.pay(op, invoice, method, off_session=given.get("off_session", True))
    return invoice


def finalize(call: Call) -> Record:
    """Open a draft before its time."""
    op, invoice = _found(call)
    invoices.finalize(op, invoice)
    return invoice


def send(call: Call) -> Record:
    """Mail it to the customer: in test mode nothing is sent but the event. A draft is opened."""
    op, invoice = _found(call)
    invoices.send(op, invoice)
    return invoice


def void(call: Call) -> Record:
    """Take an invoice back for ever."""
    op, invoice = _found(call)
    invoices.void(op, invoice)
    return invoice


def mark_uncollectible(call: Call) -> Record:
    """Mark a debt as bad."""
    op, invoice = _found(call)
    invoices.give_up(op, invoice)
    return invoice


def update(call: Call) -> Record:
    """Change an invoice's words."""
    op, invoice = _found(call)
    given = dict(call.params)
    if "metadata" in given:
        given["metadata"] = Metadata.merged(invoice["metadata"], given["metadata"])
    before = {name: invoice[name] for name in given if invoice[name] != given[name]}
    op.update(invoice, given)
    op.emit("invoice.updated", invoice, previous=before)
    return invoice


def retrieve(call: Call) -> Record:
    """One invoice."""
    return call.operation.get(TABLE, call.id, param="invoice")


def list_all(call: Call) -> Page:
    """The invoices, the newest first."""
    given = call.params
    names = ("customer", "status", "collection_method")
    wanted = {name: given[name] for name in names if name in given}
    subscription = given.get("subscription")

    def matches(one: Record) -> bool:
        if subscription is not None and one.hidden["subscription"] != subscription:
            return False
        return all(one[name] == wanted[name] for name in wanted)

    return listed(call, TABLE, matches)


def lines(call: Call) -> dict[str, Any]:
    """What an invoice is made of."""
    found: dict[str, Any] = call.operation.get(TABLE, call.id, param="invoice")["lines"]
    return found


def retrieve_payment(call: Call) -> Record:
    """One payment of an invoice."""
    return call.operation.get(PAYMENTS, call.id, param="invoice_payment")


def list_payments(call: Call) -> Page:
    """The payments of invoices, the newest first."""
    names = ("invoice", "status")
    wanted = {name: call.params[name] for name in names if name in call.params}
    return listed(call, PAYMENTS, lambda one: all(one[name] == wanted[name] for name in wanted))


def _payments(op: Operation, invoice: Mapping[str, Any]) -> dict[str, Any]:
    """The list that an invoice shows only when it is asked for."""
    record = op.get(TABLE, invoice["id"])
    found = [one.fields for one in invoices.payments_of(op, record)]
    url = f"/v1/invoice_payments?invoice={record.id}"
    return {"object": "list", "data": found, "has_more": False, "url": url}


def _before_basil(op: Operation, invoice: dict[str, Any]) -> dict[str, Any]:
    """An invoice as versions before 2025-03-31 have it."""
    record = op.find(TABLE, invoice["id"])
    hidden: Mapping[str, Any] = {} if record is None else record.hidden
    return {
        **invoice,
        "charge": _charge(op, hidden.get("payment_intent")),
        "paid": invoice["status"] == "paid",
        "payment_intent": hidden.get("payment_intent"),
        "subscription": hidden.get("subscription"),
    }


def _charge(op: Operation, intent_id: str | None) -> str | None:
    intent = op.find("payment_intents", intent_id)
    found: str | None = None if intent is None else intent["latest_charge"]
    return found


expand.includable("invoice", "payments", _payments)
views.older("invoice", BASIL, _before_basil)

ENDPOINTS: Final = (
    Endpoint("GET", "/v1/invoices", list_all, LIST),
    Endpoint("GET", "/v1/invoices/{id}", retrieve),
    Endpoint("POST", "/v1/invoices/{id}", update, UPDATE),
    Endpoint("GET", "/v1/invoices/{id}/lines", lines, Object(LIST_FIELDS)),
    Endpoint("POST", "/v1/invoices/{id}/finalize", finalize, Object({"auto_advance": Boolean()})),
    Endpoint("POST", "/v1/invoices/{id}/mark_uncollectible", mark_uncollectible),
    Endpoint("POST", "/v1/invoices/{id}/pay", pay, PAY),
    Endpoint("POST", "/v1/invoices/{id}/send", send),
    Endpoint("POST", "/v1/invoices/{id}/void", void),
    Endpoint("GET", "/v1/invoice_payments", list_payments, LIST_PAYMENTS),
    Endpoint("GET", "/v1/invoice_payments/{id}", retrieve_payment),
)
