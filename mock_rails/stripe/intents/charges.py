"""The charge: one attempt to take money, whether it went well or not (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.people import NO_BILLING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.cards import Decline, TestCard
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "charges"
DESCRIPTOR: Final = "MPP SANDBOX"

_INHERITED: Final = (
    "amount",
    "application",
    "application_fee_amount",
    "currency",
    "customer",
    "description",
    "metadata",
    "on_behalf_of",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)
"""What a charge has from its PaymentIntent."""


def make(
    op: Operation,
    source: Mapping[str, Any],
    *,
    intent: str | None,
    method: Record | None,
    details: Mapping[str, Any],
    outcome: Mapping[str, Any],
    failure: tuple[str, str] | None = None,
    captured: bool = True,
    hidden: Mapping[str, Any] | None = None,
) -> Record:
    """A new charge. `source` has the values of the PaymentIntent, or of a plain charge's
    parameters; `failure` is code and message of an attempt that was declined."""
    kept = {name: source.get(name) for name in _INHERITED}
    ok = failure is None
    charge_id = op.new_id("ch" if details["type"] == "card" else "py")
    suffix = kept["statement_descriptor_suffix"]
    return op.create(
        TABLE,
        charge_id,
        {
            "object": "charge",
            **kept,
            "metadata": kept["metadata"] or {},
            "amount_captured": kept["amount"] if ok and captured else 0,
            "amount_refunded": 0,
            "application_fee": None,
            "authorization_code": None,
            "balance_transaction": None,
            "billing_details": NO_BILLING if method is None else method["billing_details"],
            "calculated_statement_descriptor": kept["statement_descriptor"]
            or (f"{DESCRIPTOR}* {suffix}"[:22] if suffix else DESCRIPTOR),
            "captured": ok and captured,
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None if failure is None else failure[0],
            "failure_message": None if failure is None else failure[1],
            "fraud_details": {},
            "outcome": dict(outcome),
            "paid": ok,
            "payment_intent": intent,
            "payment_method": None if method is None else method.id,
            "payment_method_details": dict(details),
            "presentment_details": None,
            "radar_options": {},
            "receipt_number": None,
            "receipt_url": f"https://pay.stripe.com/receipts/{charge_id}" if ok else None,
            "refunded": False,
            "review": None,
            "source": None,
            "source_transfer": None,
            "status": "succeeded" if ok else "failed",
        },
        hidden,
    )


def card_details(
    method: Record, card: TestCard, amount: int, *, capture_before: int | None, secured: bool
) -> dict[str, Any]:
    """`payment_method_details` of a card charge. `secured` says that the buyer proved themselves
    by 3D Secure."""
    shown = method["card"]
    details: dict[str, Any] = {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card.brand,
        "capture_before": capture_before,
        "checks": dict(card.checks),
        "country": shown["country"],
        "exp_month": shown["exp_month"],
        "exp_year": shown["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": shown["fingerprint"],
        "funding": shown["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": shown["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": _secured() if secured else None,
        "wallet": None,
    }
    if capture_before is None:
        del details["capture_before"]
    return _with_token({"type": "card", "card": details}, method)


def plain_details(method: Record) -> dict[str, Any]:
    """`payment_method_details` of a method that is no card."""
    kind = method["type"]
    shown = {"country": "US"} if kind == "link" else dict(method[kind])
    return _with_token({"type": kind, kind: shown}, method)


def approved(card: TestCard | None, score: int) -> dict[str, Any]:
    """The `outcome` of a charge that the bank allowed."""
    risk = "normal" if card is None else card.risk
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": risk,
        "risk_score": score,
        "rule": None,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def refused(decline: Decline, score: int) -> dict[str, Any]:
    """The `outcome` of a charge that the bank, or Stripe itself, did not allow."""
    reason = decline.decline_code or decline.code
    return {
        "advice_code": decline.advice,
        "network_advice_code": None,
        "network_decline_code": decline.network_code,
        "network_status": "not_sent_to_network" if decline.blocked else "declined_by_network",
        "reason": "highest_risk_level" if decline.blocked else reason,
        "risk_level": "highest" if decline.blocked else "normal",
        "risk_score": score,
        "rule": None,
        "seller_message": "Stripe blocked this payment as too risky."
        if decline.blocked
        else f"The bank returned the decline code `{reason}`.",
        "type": "blocked" if decline.blocked else "issuer_declined",
    }


def risk_score(op: Operation, level: str) -> int:
    """A score that fits the level: normal below 65, elevated below 75, highest up to 99."""
    low, high = {"normal": (0, 64), "elevated": (65, 74), "highest": (75, 99)}[level]
    return op.context.seeds.stream("stripe.risk").integer(low, high)


def score_of(op: Operation, decline: Decline) -> int:
    """The risk score of an attempt that was declined."""
    return risk_score(op, "highest" if decline.blocked else "normal")


def _secured() -> dict[str, Any]:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }


def _with_token(details: dict[str, Any], method: Record) -> dict[str, Any]:
    """A charge by Shared Payment Token names it (1.5)."""
    token = method.fields.get("shared_payment_granted_token")
    return details if token is None else {**details, "shared_payment_granted_token": token}
