"""Charges without a PaymentIntent: a token is charged in one call (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.stripe import balance, card_tokens, faults
from mock_rails.stripe.cards import AUTHENTICATE, decline_of
from mock_rails.stripe.currencies import check_amount, check_currency
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.intents import capturing, charges, lifecycle
from mock_rails.stripe.parameters import Metadata
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.cards import Decline, TestCard
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation


def create(op: Operation, given: Mapping[str, Any]) -> Record:
    """Charge a `tok_*`, or the method that a customer is charged by default."""
    currency = check_currency(given["currency"])
    check_amount(given["amount"], currency)
    fee = given.get("application_fee_amount")
    if fee is not None and fee > given["amount"]:
        raise InvalidRequest(
            "The application fee cannot be larger than the amount.", param="application_fee_amount"
        )
    method = _method(op, given)
    card = payment_methods.card_of(method)
    if card is None:
        raise InvalidRequest("Only cards can be charged without a PaymentIntent.", param="source")
    metadata = Metadata.merged({}, given.get("metadata", {}))
    source = {**given, "currency": currency, "metadata": metadata}
    captured = given.get("capture", True)
    before = None if captured else op.at_s + lifecycle.HELD_S
    details = charges.card_details(
        method, card, given["amount"], capture_before=before, secured=False
    )
    no = _decline(op, given, currency, card)
    if no is not None:
        _refuse(op, source, method, details, no)
    charge = charges.make(
        op,
        source,
        intent=None,
        method=method,
        details=details,
        outcome=charges.approved(card, charges.risk_score(op, card.risk)),
        captured=captured,
        hidden={"card": card.number},
    )
    op.emit("charge.succeeded", charge)
    if captured:
        balance.book_charge(op, charge, kind="card", funds_at_once=card.funds_at_once)
        op.emit("charge.updated", charge, previous={"balance_transaction": None})
        lifecycle.follow_up(op, charge, card)
    else:
        op.schedule(op.at_s + lifecycle.HELD_S, lifecycle.EXPIRE, charge=charge.id)
    return charge


def capture(op: Operation, charge: Record, given: Mapping[str, Any]) -> Record:
    """Take what a charge has set aside, or a part of it."""
    if charge["captured"]:
        raise InvalidRequest(
            f"Charge {charge.id} has already been captured.", code="charge_already_captured"
        )
    if charge["refunded"]:
        raise InvalidRequest(
            f"Charge {charge.id} has expired or was released.", code="charge_expired_for_capture"
        )
    if charge["status"] != "succeeded":
        raise InvalidRequest(f"Charge {charge.id} has failed: there is nothing to capture.")
    amount = given.get("amount", charge["amount"])
    if amount > charge["amount"]:
        raise InvalidRequest(
            "You cannot capture more than the charge's amount.",
            code="amount_too_large",
            param="amount",
        )
    changes = {name: given[name] for name in given if name != "amount"}
    op.update(charge, changes)
    intent = op.find("payment_intents", charge["payment_intent"])
    if intent is not None:
        capturing.capture(op, intent, {"amount_to_capture": amount})
    else:
        lifecycle.capture_charge(op, charge, amount)
    return charge


def _method(op: Operation, given: Mapping[str, Any]) -> Record:
    customer = op.find("customers", given.get("customer"))
    if customer is None and "customer" in given:
        raise Missing("customer", given["customer"], param="customer")
    source = given.get("source")
    if source is not None:
        method = op.find(payment_methods.TABLE, source)
        if method is None:
            return payment_methods.of_card(op, *card_tokens.redeem(op, source, param="source"))
    else:
        chosen = None if customer is None else customer["invoice_settings"]
        method = op.find(payment_methods.TABLE, chosen and chosen["default_payment_method"])
        if method is None:
            raise InvalidRequest(
                "Must provide source or customer.", code="parameter_missing", param="source"
            )
    if method["customer"] is None or customer is None or method["customer"] != customer.id:
        raise InvalidRequest(
            f"{method.id} is not saved to the customer of this charge.", param="source"
        )
    return method


def _decline(
    op: Operation, given: Mapping[str, Any], currency: str, card: TestCard
) -> Decline | None:
    """Why the bank says no, if it does. There is nobody whom it could ask to prove themselves."""
    fault = op.context.faults.check(
        faults.CARD,
        payment_intent="",
        amount=given["amount"],
        currency=currency,
        last4=card.last4,
    )
    if fault is not None and fault.do == "decline":
        return decline_of(fault.args.get("code"), fault.args.get("decline_code"))
    if fault is not None or card.challenge == "always":
        return AUTHENTICATE
    return card.decline


def _refuse(
    op: Operation,
    source: Mapping[str, Any],
    method: Record,
    details: Mapping[str, Any],
    no: Decline,
) -> None:
    charge = charges.make(
        op,
        source,
        intent=None,
        method=method,
        details=details,
        outcome=charges.refused(no, charges.score_of(op, no)),
        failure=(no.code, no.message),
    )
    op.emit("charge.failed", charge)
    raise no.error(charge=charge.id)
