"""Invoices: from draft to open to paid, or void, or given up (facts: stripe 1.9, 4).

An invoice is paid by a PaymentIntent of its own. It never asks whether that has succeeded: it is
told (`events.follow`), whoever confirmed it and whenever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import events
from mock_rails.stripe.errors import CardError, InvalidRequest
from mock_rails.stripe.intents import confirming, creating, lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "invoices"
PAYMENTS: Final = "invoice_payments"

_NUMBER_BYTES: Final = 4


def draft(
    op: Operation,
    customer: Record,
    *,
    subscription: Record,
    reason: str,
    items: Sequence[Mapping[str, Any]],
    period: tuple[int, int],
) -> Record:
    """A new draft for a period of a subscription."""
    invoice_id = op.new_id("in")
    lines = [_line(op, invoice_id, item, subscription, period) for item in items]
    total = sum(line["amount"] for line in lines)
    details = {"metadata": subscription["metadata"], "subscription": subscription.id}
    fields = {
        **_blank(),
        "amount_due": total,
        "amount_remaining": total,
        "billing_reason": reason,
        "currency": subscription["currency"],
        "customer": customer.id,
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "lines": _list(lines, f"/v1/invoices/{invoice_id}/lines"),
        "parent": {
            "quote_details": None,
            "subscription_details": details,
            "type": "subscription_details",
        },
        "period_end": period[1],
        "period_start": period[0],
        "subtotal": total,
        "test_clock": op.test_clock,
        "total": total,
    }
    hidden = {"subscription": subscription.id, "payment_intent": None}
    invoice = op.create(TABLE, invoice_id, fields, hidden)
    op.emit("invoice.created", invoice)
    return invoice


def finalize(op: Operation, invoice: Record) -> None:
    """Number a draft and open it, with a PaymentIntent for what is due."""
    require(invoice, "finalized", "draft")
    number = op.context.seeds.stream("stripe.invoices").hex(_NUMBER_BYTES).upper()
    _move(op, invoice, "open", "finalized_at", number=f"{number}-0001", effective_at=op.at_s)
    op.emit("invoice.finalized", invoice)
    if invoice["amount_due"]:
        _ask_for_money(op, invoice)
    else:
        _be_paid(op, invoice)


def pay(op: Operation, invoice: Record, method_id: str | None, *, off_session: bool) -> None:
    """Try to charge an open invoice, or a bad debt. What the card says is raised as CardError;
    what it wants to see (3D Secure) is in the PaymentIntent."""
    require(invoice, "paid", "open", "uncollectible")
    intent = op.get("payment_intents", invoice.hidden["payment_intent"])
    op.update(invoice, {"attempted": True, "attempt_count": invoice["attempt_count"] + 1})
    given: dict[str, Any] = {"off_session": off_session}
    if method_id is not None:
        given["payment_method"] = method_id
    try:
        confirming.confirm(op, intent, given)
    except CardError:
        op.emit("invoice.payment_failed", invoice)
        raise
    if intent["status"] == "requires_action":
        op.emit("invoice.payment_action_required", invoice)
        op.emit("invoice.payment_failed", invoice)


def pay_elsewhere(op: Operation, invoice: Record) -> None:
    """Somebody has paid it in another way: nothing is charged."""
    require(invoice, "paid", "open", "uncollectible")
    _drop_intent(op, invoice)
    _be_paid(op, invoice)


def send(op: Operation, invoice: Record) -> None:
    """Tell the customer of it; a draft is opened first."""
    require(invoice, "sent", "draft", "open", "paid", "uncollectible")
    if invoice["status"] == "draft":
        finalize(op, invoice)
    op.emit("invoice.sent", invoice)


def void(op: Operation, invoice: Record) -> None:
    """Take an invoice back for ever."""
    require(invoice, "voided", "open", "uncollectible")
    _drop_intent(op, invoice)
    _move(op, invoice, "void", "voided_at", amount_remaining=0, next_payment_attempt=None)
    op.emit("invoice.voided", invoice)


def give_up(op: Operation, invoice: Record) -> None:
    """Mark a debt as bad; it may still be paid."""
    require(invoice, "marked uncollectible", "draft", "open")
    if invoice["status"] == "draft":
        finalize(op, invoice)
    _move(op, invoice, "uncollectible", "marked_uncollectible_at", next_payment_attempt=None)
    op.emit("invoice.marked_uncollectible", invoice)


def of_subscription(op: Operation, subscription_id: str, *statuses: str) -> list[Record]:
    """The invoices of a subscription in these states, oldest first."""
    return [
        one
        for one in op.state.all(TABLE)
        if one.hidden["subscription"] == subscription_id and one["status"] in statuses
    ]


def require(invoice: Record, deed: str, *statuses: str) -> None:
    """Refuse what the invoice's state forbids."""
    if invoice["status"] not in statuses:
        raise InvalidRequest(
            f"This invoice is {invoice['status']}; only one that is "
            f"{' or '.join(statuses)} can be {deed}.",
            code="invoice_not_editable" if "draft" in statuses else None,
        )


# -- inside ---------------------------------------------------------------------------------------


def _blank() -> dict[str, Any]:
    """A draft of nothing for nobody."""
    marks = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    return {
        "object": "invoice",
        "account_country": "US",
        "account_name": None,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "collection_method": "charge_automatically",
        "confirmation_secret": None,
        "custom_fields": None,
        "default_payment_method": None,
        "description": None,
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "last_finalization_error": None,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": dict.fromkeys(marks),
    }


def _ask_for_money(op: Operation, invoice: Record) -> None:
    intent = creating.create(
        op,
        {
            "amount": invoice["amount_due"],
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "description": "Subscription creation"
            if invoice["billing_reason"] == "subscription_create"
            else "Subscription update",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "setup_future_usage": "off_session",
        },
    )
    op.update(intent, hidden={"invoice": invoice.id})
    secret = {"client_secret": intent["client_secret"], "type": "payment_intent"}
    op.update(invoice, {"confirmation_secret": secret}, hidden={"payment_intent": intent.id})
    op.create(
        PAYMENTS,
        op.new_id("inpay"),
        {
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "currency": invoice["currency"],
            "invoice": invoice.id,
            "is_default": True,
            "payment": {"payment_intent": intent.id, "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )


def _succeeded(op: Operation, intent: Record) -> None:
    """A PaymentIntent has succeeded: if it was an invoice's, that is paid."""
    invoice = op.find(TABLE, intent.hidden.get("invoice"))
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    op.update(invoice, {"attempted": True})
    _be_paid(op, invoice)


def _be_paid(op: Operation, invoice: Record) -> None:
    due = invoice["amount_due"]
    _move(
        op,
        invoice,
        "paid",
        "paid_at",
        amount_paid=due,
        amount_remaining=0,
        next_payment_attempt=None,
    )
    op.emit("invoice.paid", invoice)
    op.emit("invoice.payment_succeeded", invoice)
    for payment in payments_of(op, invoice):
        if payment["status"] == "open":
            paid = {"canceled_at": None, "paid_at": op.at_s}
            op.update(payment, {"status": "paid", "amount_paid": due, "status_transitions": paid})
            op.emit("invoice_payment.paid", payment)


def payments_of(op: Operation, invoice: Record) -> list[Record]:
    """How an invoice was or is to be paid."""
    return [one for one in op.state.all(PAYMENTS) if one["invoice"] == invoice.id]


def _drop_intent(op: Operation, invoice: Record) -> None:
    intent = op.find("payment_intents", invoice.hidden["payment_intent"])
    if intent is not None and intent["status"] not in ("succeeded", "canceled"):
        lifecycle.cancel(op, intent, "void_invoice")
    for payment in payments_of(op, invoice):
        if payment["status"] == "open":
            ended = {"canceled_at": op.at_s, "paid_at": None}
            op.update(payment, {"status": "canceled", "status_transitions": ended})


def _move(op: Operation, invoice: Record, status: str, mark: str, **changes: Any) -> None:
    marks = {**invoice["status_transitions"], mark: op.at_s}
    op.update(invoice, {"status": status, "status_transitions": marks, **changes})


def _line(
    op: Operation,
    invoice_id: str,
    item: Mapping[str, Any],
    subscription: Record,
    period: tuple[int, int],
) -> dict[str, Any]:
    price = item["price"]
    amount = price["unit_amount"] * item["quantity"]
    return {
        "id": op.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": op.livemode,
        "metadata": subscription["metadata"],
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription.id,
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": period[1], "start": period[0]},
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }


def _list(data: Sequence[Mapping[str, Any]], url: str) -> dict[str, Any]:
    return {"object": "list", "data": list(data), "has_more": False, "url": url}


events.follow("payment_intent.succeeded", _succeeded)
