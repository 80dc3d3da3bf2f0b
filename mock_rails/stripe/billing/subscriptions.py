"""Subscriptions: paid at once, renewed at the end of every period, ended (facts: stripe 1.9, 4).

All that happens later is on the agenda of the customer's test clock, or of the sandbox's clock for
customers without one: so a renewal is tested by advancing either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda, events, periods
from mock_rails.stripe.billing import invoices
from mock_rails.stripe.errors import CardError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "subscriptions"

FIRST_PAYMENT_S: Final = 23 * 3_600
"""How long an incomplete subscription waits for its first payment."""
DRAFT_S: Final = 3_600
"""How long a renewal's invoice stays a draft."""
UPCOMING_S: Final = 7 * 86_400
"""How long before a renewal it is announced, if the period is longer than that."""
RETRIES_S: Final = (86_400, 3 * 86_400, 5 * 86_400)
"""When a renewal that failed is tried again, from the last try on: a model of Smart Retries."""

_RENEW: Final = "subscription.renew"
_UPCOMING: Final = "subscription.upcoming"
_COLLECT: Final = "subscription.collect"
_EXPIRE: Final = "subscription.expire"

_ENDED: Final = ("canceled", "incomplete_expired")


def start(
    op: Operation,
    customer: Record,
    given: Mapping[str, Any],
    lines: Sequence[tuple[Record, int, Mapping[str, str]]],
) -> Record:
    """A new subscription and its first invoice, which is charged now unless the behaviour is
    `default_incomplete`. `lines` are prices, quantities and metadata."""
    behaviour = given.get("payment_behavior", "allow_incomplete")
    subscription = _create(op, customer, given, lines)
    op.emit("customer.subscription.created", subscription)
    items = subscription["items"]["data"]
    period = (items[0]["current_period_start"], items[0]["current_period_end"])
    invoice = invoices.draft(
        op,
        customer,
        subscription=subscription,
        reason="subscription_create",
        items=items,
        period=period,
    )
    op.update(subscription, {"latest_invoice": invoice.id})
    invoices.finalize(op, invoice)
    if behaviour != "default_incomplete" and invoice["status"] == "open":
        _first_payment(op, subscription, invoice, behaviour)
    if subscription["status"] == "incomplete":
        op.schedule(op.at_s + FIRST_PAYMENT_S, _EXPIRE, subscription=subscription.id)
    return subscription


def cancel(op: Operation, subscription: Record, details: Mapping[str, Any] | None = None) -> None:
    """End it now; what was paid for is not given back."""
    _require_alive(subscription)
    _end(op, subscription, "canceled", details)


def change(op: Operation, subscription: Record, changes: Mapping[str, Any]) -> None:
    """Give fields new values, and tell."""
    _require_alive(subscription)
    made = {name: new for name, new in changes.items() if subscription[name] != new}
    if not made:
        return
    before = {name: subscription[name] for name in made}
    op.update(subscription, made)
    op.emit("customer.subscription.updated", subscription, previous=before)


def _require_alive(subscription: Record) -> None:
    if subscription["status"] in _ENDED:
        raise InvalidRequest(
            f"The subscription {subscription.id} has ended: it is {subscription['status']}.",
            code="resource_missing",
            status=404,
        )


# -- the first period -----------------------------------------------------------------------------


def _create(
    op: Operation,
    customer: Record,
    given: Mapping[str, Any],
    lines: Sequence[tuple[Record, int, Mapping[str, str]]],
) -> Record:
    subscription_id = op.new_id("sub")
    recurring = lines[0][0]["recurring"]
    end_s = periods.after(op.at_s, recurring["interval"], recurring["interval_count"])
    items = [_item(op, subscription_id, line, (op.at_s, end_s)) for line in lines]
    ends = given.get("cancel_at_period_end", False)
    return op.create(
        TABLE,
        subscription_id,
        {
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": op.at_s,
            "billing_cycle_anchor_config": None,
            "billing_mode": {"type": "classic"},
            "cancel_at": end_s if ends else None,
            "cancel_at_period_end": ends,
            "canceled_at": op.at_s if ends else None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": "charge_automatically",
            "currency": lines[0][0]["currency"],
            "customer": customer.id,
            "days_until_due": None,
            "default_payment_method": given.get("default_payment_method"),
            "default_source": None,
            "default_tax_rates": [],
            "description": given.get("description"),
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": {
                "object": "list",
                "data": items,
                "has_more": False,
                "url": f"/v1/subscription_items?subscription={subscription_id}",
            },
            "latest_invoice": None,
            "metadata": given["metadata"],
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": op.at_s,
            "status": "incomplete",
            "test_clock": op.test_clock,
            "transfer_data": None,
            "trial_end": None,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": None,
        },
        {"periods": 1},
    )


def _item(
    op: Operation,
    subscription_id: str,
    line: tuple[Record, int, Mapping[str, str]],
    period: tuple[int, int],
) -> dict[str, Any]:
    price, quantity, metadata = line
    return {
        "id": op.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": op.at_s,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": dict(metadata),
        "price": price.fields,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def _first_payment(op: Operation, subscription: Record, invoice: Record, behaviour: str) -> None:
    """Charge the first invoice. `error_if_incomplete` leaves nothing behind if that fails."""
    strict = behaviour == "error_if_incomplete"
    try:
        invoices.pay(op, invoice, method_of(op, subscription), off_session=strict)
    except CardError as error:
        if strict:
            error.commits = False
            raise
        return
    if strict and invoice["status"] != "paid":
        refusal = CardError(
            "This payment needs the buyer's authentication, and error_if_incomplete asks not to "
            "wait for it.",
            code="subscription_payment_intent_requires_action",
        )
        refusal.commits = False
        raise refusal


def method_of(op: Operation, subscription: Record) -> str | None:
    """The payment method that the subscription, or else its customer, pays with."""
    own: str | None = subscription["default_payment_method"]
    if own is not None:
        return own
    customer = op.get("customers", subscription["customer"])
    default: str | None = customer["invoice_settings"]["default_payment_method"]
    return default


def _invoice_paid(op: Operation, invoice: Record) -> None:
    """An invoice was paid: its subscription goes on."""
    subscription = op.find(TABLE, invoice.hidden["subscription"])
    if subscription is None or subscription["status"] in _ENDED:
        return
    if subscription["status"] == "incomplete":
        _plan_renewal(op, subscription)
    if not invoices.of_subscription(op, subscription.id, "open"):
        if subscription["status"] == "incomplete":
            # The first payment of the same call that created it: it was never seen incomplete.
            op.update(subscription, {"status": "active"})
        else:
            change(op, subscription, {"status": "active"})


# -- the periods after it -------------------------------------------------------------------------


def _plan_renewal(op: Operation, subscription: Record) -> None:
    item = subscription["items"]["data"][0]
    end_s = item["current_period_end"]
    if end_s - item["current_period_start"] > UPCOMING_S:
        op.schedule(end_s - UPCOMING_S, _UPCOMING, subscription=subscription.id)
    op.schedule(end_s, _RENEW, subscription=subscription.id)


def _upcoming(op: Operation, args: Mapping[str, Any]) -> None:
    subscription = op.find(TABLE, args["subscription"])
    if subscription is not None and _goes_on(subscription):
        last = op.get(invoices.TABLE, subscription["latest_invoice"])
        op.emit("invoice.upcoming", last)


def _goes_on(subscription: Record) -> bool:
    return subscription["status"] not in _ENDED and not subscription["cancel_at_period_end"]


def _renew(op: Operation, args: Mapping[str, Any]) -> None:
    """A period is over: begin the next with a draft, or end here."""
    subscription = op.find(TABLE, args["subscription"])
    if subscription is None or subscription["status"] in _ENDED:
        return
    if subscription["cancel_at_period_end"]:
        _end(op, subscription, "canceled", {"reason": "cancellation_requested"})
        return
    before = {name: subscription[name] for name in ("items", "latest_invoice")}
    period = _begin_period(op, subscription)
    invoice = invoices.draft(
        op,
        op.get("customers", subscription["customer"]),
        subscription=subscription,
        reason="subscription_cycle",
        items=subscription["items"]["data"],
        period=period,
    )
    op.update(subscription, {"latest_invoice": invoice.id})
    op.emit("customer.subscription.updated", subscription, previous=before)
    op.schedule(op.at_s + DRAFT_S, _COLLECT, subscription=subscription.id, invoice=invoice.id)
    _plan_renewal(op, subscription)


def _begin_period(op: Operation, subscription: Record) -> tuple[int, int]:
    """Move the items to the next period, which is counted from the anchor."""
    begun = subscription.hidden["periods"]
    items = subscription["items"]["data"]
    recurring = items[0]["price"]["recurring"]
    anchor_s, interval = subscription["billing_cycle_anchor"], recurring["interval"]
    count = recurring["interval_count"]
    start_s = periods.after(anchor_s, interval, begun * count)
    end_s = periods.after(anchor_s, interval, (begun + 1) * count)
    moved = [
        {**item, "current_period_start": start_s, "current_period_end": end_s} for item in items
    ]
    op.update(
        subscription,
        {"items": {**subscription["items"], "data": moved}},
        hidden={"periods": begun + 1},
    )
    return start_s, end_s


def _collect(op: Operation, args: Mapping[str, Any]) -> None:
    """Charge a renewal; if that fails, plan the next try, and after the last one end it."""
    subscription = op.find(TABLE, args["subscription"])
    invoice = op.find(invoices.TABLE, args["invoice"])
    if subscription is None or invoice is None or subscription["status"] in _ENDED:
        return
    if invoice["status"] == "draft":
        invoices.finalize(op, invoice)
    if invoice["status"] != "open":
        return
    tries = invoice["attempt_count"]
    try:
        invoices.pay(op, invoice, method_of(op, subscription), off_session=True)
    except CardError:
        _failed(op, subscription, invoice, tries)
    except InvalidRequest:
        # There is nothing to charge any more: the method was detached. Nobody waits for an answer.
        op.emit("invoice.payment_failed", invoice)
        _failed(op, subscription, invoice, tries)


def _failed(op: Operation, subscription: Record, invoice: Record, tries: int) -> None:
    change(op, subscription, {"status": "past_due"})
    if tries >= len(RETRIES_S):
        op.update(invoice, {"next_payment_attempt": None})
        _end(op, subscription, "canceled", {"reason": "payment_failed"})
        return
    again_s = op.at_s + RETRIES_S[tries]
    op.update(invoice, {"next_payment_attempt": again_s})
    op.schedule(again_s, _COLLECT, subscription=subscription.id, invoice=invoice.id)


def _expire(op: Operation, args: Mapping[str, Any]) -> None:
    """The first payment never came."""
    subscription = op.find(TABLE, args["subscription"])
    if subscription is None or subscription["status"] != "incomplete":
        return
    for invoice in invoices.of_subscription(op, subscription.id, "open"):
        invoices.void(op, invoice)
    before = {"status": "incomplete"}
    op.update(subscription, {"status": "incomplete_expired", "ended_at": op.at_s})
    op.emit("customer.subscription.updated", subscription, previous=before)


def _end(
    op: Operation, subscription: Record, status: str, details: Mapping[str, Any] | None
) -> None:
    said = {**subscription["cancellation_details"], **(details or {})}
    if said["reason"] is None:
        said["reason"] = "cancellation_requested"
    op.update(
        subscription,
        {
            "status": status,
            "canceled_at": subscription["canceled_at"] or op.at_s,
            "ended_at": op.at_s,
            "cancellation_details": said,
        },
    )
    op.emit("customer.subscription.deleted", subscription)


def _customer_deleted(op: Operation, customer: Record) -> None:
    """A customer is gone: nothing is charged any more."""
    for subscription in op.state.all(TABLE):
        if subscription["customer"] == customer.id and subscription["status"] not in _ENDED:
            cancel(op, subscription)


events.follow("customer.deleted", _customer_deleted)
events.follow("invoice.paid", _invoice_paid)
agenda.handles(_RENEW, _renew)
agenda.handles(_UPCOMING, _upcoming)
agenda.handles(_COLLECT, _collect)
agenda.handles(_EXPIRE, _expire)
