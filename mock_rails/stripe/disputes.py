"""Disputes: a buyer's bank takes the money back; the seller may answer (facts: stripe 1.8, 2.3).

Test cards open them after a charge. A chargeback withdraws the disputed amount and a fee at once;
an inquiry takes nothing unless it escalates. What `evidence[uncategorized_text]` says decides, as
in Stripe's test mode: `winning_evidence`, `losing_evidence`, or for inquiries
`escalate_inquiry_evidence`. Other evidence stays under review until
`POST /_sandbox/disputes/{id}/decide`. One that is never answered is lost when its time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda, balance, cards, clocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "disputes"
OPEN: Final = "dispute.open"
DECIDE: Final = "dispute.decide"
EXPIRE: Final = "dispute.expire"

DUE_AFTER_S: Final = 9 * 86_400
"""How long the seller may answer: 7 to 21 days, by network."""
INQUIRY_ENDS_AFTER_S: Final = 120 * 86_400
DECIDED_AFTER_S: Final = 60
"""How long a bank of the test mode looks at the evidence that decides."""

TEXTS: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
"""Evidence in words."""
FILES: Final = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
"""Evidence that would be uploaded files."""

_DECISIONS: Final = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
    "escalate_inquiry_evidence": "escalated",
}
_REASON_CODES: Final = {
    ("visa", "fraudulent"): "10.4",
    ("visa", "product_not_received"): "13.1",
    ("mastercard", "fraudulent"): "4837",
    ("mastercard", "product_not_received"): "4853",
}
UNANSWERED: Final = ("needs_response", "warning_needs_response")
STILL_OPEN: Final = (*UNANSWERED, "under_review", "warning_under_review")


# -- opening ---------------------------------------------------------------------------------------


def _open(op: Operation, args: Mapping[str, Any]) -> None:
    """A buyer has complained. The charge is disputed by what is left of it; a card that is
    disputed several times disputes a part each time."""
    charge = op.get("charges", args["charge"])
    inquiry = bool(args.get("inquiry"))
    amount = _disputable(charge)
    if amount <= 0:
        return  # it was refunded before the buyer complained
    dispute = op.create(
        TABLE, op.new_id("dp"), _fields(op, charge, amount, args["reason"], inquiry)
    )
    op.update(charge, {"disputed": True})
    op.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(op, dispute, charge)
    ends_s = op.at_s + (INQUIRY_ENDS_AFTER_S if inquiry else DUE_AFTER_S)
    op.schedule(ends_s, EXPIRE, dispute=dispute.id)


def _disputable(charge: Record) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"] - _withheld(charge)
    card = cards.by_number(charge.hidden.get("card", ""))
    times = 1 if card is None else max(1, len(card.disputes))
    return int(min(left, charge["amount_captured"] // times))


def _fields(
    op: Operation, charge: Record, amount: int, reason: str, inquiry: bool
) -> dict[str, Any]:
    return {
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge.id,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {
            **dict.fromkeys((*TEXTS, *FILES)),
            "customer_email_address": charge["billing_details"]["email"],
            "customer_name": charge["billing_details"]["name"],
            "enhanced_evidence": {},
        },
        "evidence_details": {
            "due_by": op.at_s + DUE_AFTER_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": _method_details(charge, reason, inquiry),
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _method_details(charge: Record, reason: str, inquiry: bool) -> dict[str, Any] | None:
    card = charge["payment_method_details"].get("card")
    if card is None:
        return None
    return {
        "card": {
            "brand": card["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": card["brand"],
            "network_reason_code": _REASON_CODES.get((card["brand"], reason)),
        },
        "type": "card",
    }


def _withheld(charge: Record) -> int:
    """What disputes have taken of a charge and not given back: it cannot be refunded any more."""
    return int(charge.hidden.get("withheld", 0))


def _withdraw(op: Operation, dispute: Record, charge: Record) -> None:
    transaction = balance.withdraw_disputed(op, dispute, charge)
    op.update(charge, hidden={"withheld": _withheld(charge) + dispute["amount"]})
    op.update(dispute, {"balance_transactions": [transaction.fields]})
    op.emit("charge.dispute.funds_withdrawn", dispute)


# -- what becomes of it ----------------------------------------------------------------------------


def close(op: Operation, dispute: Record, status: str) -> None:
    """Close it as `won`, `lost` or `warning_closed`, and let the money follow."""
    charge = op.get("charges", dispute["charge"])
    previous = {"status": dispute["status"]}
    op.update(dispute, {"status": status})
    op.emit("charge.dispute.updated", dispute, previous=previous)
    op.emit("charge.dispute.closed", dispute)
    if status == "won":
        transaction = balance.reinstate_disputed(op, dispute, charge)
        op.update(charge, hidden={"withheld": _withheld(charge) - dispute["amount"]})
        taken = dispute["balance_transactions"]
        op.update(dispute, {"balance_transactions": [*taken, transaction.fields]})
        op.emit("charge.dispute.funds_reinstated", dispute)
    elif status == "lost":
        balance.lose_disputed(op, dispute, charge)


def settle(op: Operation, dispute: Record, decision: str) -> None:
    """What the bank has decided of one that is open: `won`, `lost`, or `escalated`, which only an
    inquiry can be. An inquiry takes no money, so it is closed whoever is right."""
    if not dispute["status"].startswith("warning"):
        if decision != "escalated":
            close(op, dispute, decision)
    elif decision == "escalated":
        _escalate(op, dispute)
    else:
        close(op, dispute, "warning_closed")


def _escalate(op: Operation, dispute: Record) -> None:
    """An inquiry becomes a chargeback, of what was not refunded meanwhile."""
    charge = op.get("charges", dispute["charge"])
    amount = min(dispute["amount"], _disputable(charge))
    if amount <= 0:
        close(op, dispute, "warning_closed")
        return
    details = dispute["payment_method_details"]
    changes = {
        "amount": amount,
        "evidence_details": {
            **dispute["evidence_details"],
            "due_by": op.at_s + DUE_AFTER_S,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "payment_method_details": details
        and {**details, "card": {**details["card"], "case_type": "chargeback"}},
        "status": "needs_response",
    }
    previous = {name: dispute[name] for name in changes}
    op.update(dispute, changes)
    op.emit("charge.dispute.updated", dispute, previous=previous)
    _withdraw(op, dispute, charge)
    op.schedule(op.at_s + DUE_AFTER_S, EXPIRE, dispute=dispute.id)


def at_its_time(op: Operation, dispute: Record) -> Operation:
    """The same work at the time of the buyer, who may be on a test clock."""
    charge = op.get("charges", dispute["charge"])
    return clocks.on_clock_of(op, op.find("customers", charge["customer"]))


def accept(op: Operation, dispute: Record) -> None:
    """Let the buyer have it, without evidence."""
    warned = dispute["status"].startswith("warning")
    close(op, dispute, "warning_closed" if warned else "lost")


def submitted(op: Operation, dispute: Record) -> None:
    """The bank has the evidence now; what it says in test mode decides."""
    decision = _DECISIONS.get(dispute["evidence"]["uncategorized_text"] or "")
    if decision is not None:
        op.schedule(op.at_s + DECIDED_AFTER_S, DECIDE, dispute=dispute.id, decision=decision)


def _decide(op: Operation, args: Mapping[str, Any]) -> None:
    dispute = op.get(TABLE, args["dispute"])
    if dispute["status"] in ("under_review", "warning_under_review"):
        settle(op, dispute, args["decision"])


def _expire(op: Operation, args: Mapping[str, Any]) -> None:
    """Nobody has answered in time. An inquiry ends well; a chargeback is lost."""
    dispute = op.get(TABLE, args["dispute"])
    if dispute["status"] == "needs_response":
        if op.at_s >= dispute["evidence_details"]["due_by"]:
            close(op, dispute, "lost")
    elif dispute["status"].startswith("warning_") and dispute["status"] in STILL_OPEN:
        close(op, dispute, "warning_closed")


agenda.handles(OPEN, _open)
agenda.handles(DECIDE, _decide)
agenda.handles(EXPIRE, _expire)
