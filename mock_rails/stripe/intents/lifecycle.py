"""What happens to a PaymentIntent: each change of state with its charge, its money and its events
in Stripe's order (facts: stripe 1.5, 4). Whoever moves a PaymentIntent does it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from mock_rails.stripe import agenda, balance, tokens
from mock_rails.stripe.intents import charges, states
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.cards import Decline, TestCard
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

HELD_S: Final = 7 * 86_400
"""How long an authorised card payment may wait for its capture."""
EXPIRE: Final = "charge.expire"
"""What the agenda calls the end of that time."""
_DOCS: Final = "https://stripe.com/docs/error-codes/"


def succeed(
    op: Operation,
    intent: Record,
    *,
    method: Record | None,
    details: Mapping[str, Any],
    outcome: Mapping[str, Any] | None = None,
    funds_at_once: bool = False,
) -> Record:
    """The money is there: charge it, book it, tell it. Returns the charge."""
    card = None if method is None else payment_methods.card_of(method)
    charge = _charge(op, intent, method, details, outcome, captured=True)
    if intent["capture_method"] == "automatic_async":
        op.emit("charge.succeeded", charge)
        balance.book_charge(op, charge, kind=details["type"], funds_at_once=funds_at_once)
    else:
        balance.book_charge(op, charge, kind=details["type"], funds_at_once=funds_at_once)
        op.emit("charge.succeeded", charge)
    _move(
        op,
        intent,
        states.SUCCEEDED,
        amount_received=charge["amount"],
        latest_charge=charge.id,
        payment_method=None if method is None else method.id,
    )
    op.emit("payment_intent.succeeded", intent)
    if intent["capture_method"] == "automatic_async":
        op.emit("charge.updated", charge, previous={"balance_transaction": None})
    _consume(op, intent)
    _settle_method(op, intent, method)
    if card is not None:
        follow_up(op, charge, card)
    return charge


def hold(op: Operation, intent: Record, *, method: Record, details: Mapping[str, Any]) -> Record:
    """The bank has set the money aside until it is captured (manual capture). Returns the
    charge."""
    charge = _charge(op, intent, method, details, None, captured=False)
    op.emit("charge.succeeded", charge)
    _move(
        op,
        intent,
        states.NEEDS_CAPTURE,
        amount_capturable=intent["amount"],
        latest_charge=charge.id,
        payment_method=method.id,
    )
    op.emit("payment_intent.amount_capturable_updated", intent)
    _consume(op, intent)
    _settle_method(op, intent, method)
    op.schedule(op.at_s + HELD_S, EXPIRE, charge=charge.id)
    return charge


def capture(op: Operation, intent: Record, amount: int) -> Record:
    """Take so much of what was set aside; the rest is given free. Returns the charge."""
    charge = op.get(charges.TABLE, intent["latest_charge"])
    op.update(charge, {"application_fee_amount": intent["application_fee_amount"]})
    capture_charge(op, charge, amount)
    _move(op, intent, states.SUCCEEDED, amount_received=amount, amount_capturable=0)
    op.emit("payment_intent.succeeded", intent)
    token = intent.hidden.get("granted_token")
    if token is not None:
        tokens.captured(op, token, amount)
    return charge


def capture_charge(op: Operation, charge: Record, amount: int) -> None:
    """The charge's part of a capture."""
    card = payment_methods.card_of(charge)
    op.update(charge, {"captured": True, "amount_captured": amount})
    balance.book_charge(
        op,
        charge,
        kind=charge["payment_method_details"]["type"],
        funds_at_once=card is not None and card.funds_at_once,
    )
    op.emit("charge.captured", charge)
    if card is not None:
        follow_up(op, charge, card)


def processing(op: Operation, intent: Record) -> Record:
    """The money is on its way."""
    _move(op, intent, states.PROCESSING)
    op.emit("payment_intent.processing", intent)
    return intent


def require_action(op: Operation, intent: Record, next_action: Mapping[str, Any]) -> Record:
    """The buyer has to do something first."""
    _move(op, intent, states.NEEDS_ACTION, next_action=dict(next_action))
    token = intent.hidden.get("granted_token")
    if token is not None:
        tokens.hold(op, token, pi=intent)
    op.emit("payment_intent.requires_action", intent)
    return intent


def fail(
    op: Operation,
    intent: Record,
    *,
    code: str,
    message: str,
    method: Record | None = None,
    kind: str = "invalid_request_error",
) -> Record:
    """What was under way has failed; nobody is waiting for an answer, so nothing is raised."""
    error: dict[str, Any] = {
        "code": code,
        "doc_url": _DOCS + code.replace("_", "-"),
        "message": message,
        "type": kind,
    }
    if method is not None:
        error["payment_method"] = method.fields
    _move(op, intent, states.NEEDS_METHOD, last_payment_error=error, payment_method=None)
    op.emit("payment_intent.payment_failed", intent)
    return intent


def decline(
    op: Operation,
    intent: Record,
    *,
    method: Record,
    details: Mapping[str, Any] | None,
    decline: Decline,
) -> NoReturn:
    """The bank said no: keep the failed charge (where `details` say what was tried), and raise the
    error that holds the whole PaymentIntent."""
    attempt: dict[str, Any] = {}
    if details is not None:
        charge = charges.make(
            op,
            intent.fields,
            intent=intent.id,
            method=method,
            details=details,
            outcome=charges.refused(decline, charges.score_of(op, decline)),
            failure=(decline.code, decline.message),
        )
        op.update(intent, {"latest_charge": charge.id})
        op.emit("charge.failed", charge)
        attempt["charge"] = charge.id
    error = decline.error(**attempt, payment_method=method.fields)
    _move(op, intent, states.NEEDS_METHOD, last_payment_error=error.envelope(), payment_method=None)
    op.emit("payment_intent.payment_failed", intent)
    raise decline.error(**attempt, payment_method=method.fields, payment_intent=intent.fields)


def cancel(op: Operation, intent: Record, reason: str | None) -> Record:
    """It is over without a payment; what was set aside is given free."""
    charge = op.find(charges.TABLE, intent["latest_charge"])
    if intent["status"] == states.NEEDS_CAPTURE and charge is not None:
        _release(op, charge)
    _move(
        op,
        intent,
        states.CANCELED,
        amount_capturable=0,
        canceled_at=op.at_s,
        cancellation_reason=reason,
    )
    op.emit("payment_intent.canceled", intent)
    return intent


def _release(op: Operation, charge: Record) -> None:
    op.update(charge, {"refunded": True, "amount_refunded": charge["amount"]})


def _expire(op: Operation, args: Mapping[str, Any]) -> None:
    """Seven days are over: give free what nobody has captured."""
    charge = op.get(charges.TABLE, args["charge"])
    if charge["captured"] or charge["refunded"]:
        return
    intent = op.find(states.TABLE, charge["payment_intent"])
    if intent is not None:
        cancel(op, intent, "automatic")
    else:
        _release(op, charge)
    op.emit("charge.expired", charge)


agenda.handles(EXPIRE, _expire)


def _move(op: Operation, intent: Record, status: str, **changes: Any) -> None:
    """Change the state. A transition that Stripe does not have is a mistake of this rail."""
    before = intent["status"]
    assert status == before or status in states.TRANSITIONS[before], f"{before} -> {status}"
    over: dict[str, Any] = {"next_action": None, "processing": None}
    if status in (states.SUCCEEDED, states.NEEDS_CAPTURE):
        over["last_payment_error"] = None
    # An attempt that failed takes its token with it: the next one has to name what it charges.
    hidden = {"granted_token": None} if status == states.NEEDS_METHOD else None
    op.update(intent, {**over, "status": status, **changes}, hidden=hidden)


def _charge(
    op: Operation,
    intent: Record,
    method: Record | None,
    details: Mapping[str, Any],
    outcome: Mapping[str, Any] | None,
    *,
    captured: bool,
) -> Record:
    card = None if method is None else payment_methods.card_of(method)
    if outcome is None:
        score = charges.risk_score(op, "normal" if card is None else card.risk)
        outcome = charges.approved(card, score)
    return charges.make(
        op,
        intent.fields,
        intent=intent.id,
        method=method,
        details=details,
        outcome=outcome,
        captured=captured,
        hidden={} if card is None else {"card": card.number},
    )


def _consume(op: Operation, intent: Record) -> None:
    token = intent.hidden.get("granted_token")
    if token is not None:
        tokens.used(op, token, pi=intent, amount=intent["amount"])


def _settle_method(op: Operation, intent: Record, method: Record | None) -> None:
    """After a payment its method is the customer's, if it was to be kept, or spent."""
    if method is None or method["customer"] is not None:
        return
    customer = op.find("customers", intent["customer"])
    if intent["setup_future_usage"] is not None and customer is not None:
        payment_methods.save(op, method, customer)
    else:
        op.update(method, hidden={"spent": True})


def follow_up(op: Operation, charge: Record, card: TestCard) -> None:
    """What some test cards bring about after they were charged (2.3)."""
    if card.fraud_warning:
        op.schedule(op.at_s, "fraud_warning.open", charge=charge.id)
    for reason in card.disputes:
        op.schedule(op.at_s, "dispute.open", charge=charge.id, reason=reason, inquiry=card.inquiry)
