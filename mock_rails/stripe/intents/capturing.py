"""After the confirmation: 3D Secure, manual capture, cancelling (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.intents import authorizing, lifecycle, states
from mock_rails.stripe.parameters import Metadata
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_FAILED: Final = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def capture(op: Operation, intent: Record, given: Mapping[str, Any]) -> Record:
    """Take what was set aside, or a part of it."""
    states.require(intent, "capture")
    op = clocks.on_clock_of(op, op.find("customers", intent["customer"]))
    amount = given.get("amount_to_capture", intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise InvalidRequest(
            f"The amount_to_capture {amount} is more than what can be captured: "
            f"{intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    if given.get("final_capture") is False and amount < intent["amount_capturable"]:
        raise NotEmulated("several captures of one payment", param="final_capture")
    if given.get("transfer_data") is not None:
        raise NotEmulated("transfers to connected accounts", param="transfer_data")
    fee = given.get("application_fee_amount", intent["application_fee_amount"])
    if fee is not None and fee > amount:
        raise InvalidRequest(
            "The application fee cannot be larger than the amount that is captured.",
            param="application_fee_amount",
        )
    changes = {
        name: given[name]
        for name in (
            "application_fee_amount",
            "hooks",
            "payment_details",
            "statement_descriptor",
            "statement_descriptor_suffix",
        )
        if name in given
    }
    if "amount_details" in given:
        changes["amount_details"] = {**intent["amount_details"], **(given["amount_details"] or {})}
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(intent["metadata"], given["metadata"])
    op.update(intent, changes)
    lifecycle.capture(op, intent, amount)
    return intent


def cancel(op: Operation, intent: Record, reason: str | None = None) -> Record:
    """End it without a payment."""
    states.require(intent, "cancel")
    return lifecycle.cancel(
        clocks.on_clock_of(op, op.find("customers", intent["customer"])), intent, reason
    )


def authenticate(op: Operation, intent: Record, *, passed: bool) -> Record:
    """The buyer has met their bank, which is convinced or not. A decline after that is not raised:
    nobody waits for an answer."""
    states.require(intent, "authenticate")
    method = op.find(payment_methods.TABLE, intent["payment_method"])
    kind = intent["next_action"]["type"]
    if method is None or kind not in ("use_stripe_sdk", "redirect_to_url"):
        raise states.unexpected(
            intent, f"What this PaymentIntent waits for is no authentication: {kind}."
        )
    op = clocks.on_clock_of(op, op.find("customers", intent["customer"]))
    if not passed:
        return lifecycle.fail(
            op,
            intent,
            code="payment_intent_authentication_failure",
            message=_FAILED,
            method=method,
        )
    if intent["confirmation_method"] == "manual":
        op.update(
            intent,
            {"status": states.NEEDS_CONFIRMATION, "next_action": None},
            hidden={"authenticated": method.id},
        )
        return intent
    authorizing.charge_after_authentication(op, intent, method)
    return intent
