"""Asking the bank: whether a card pays, declines, or wants to see its owner (facts: 2.1-2.3)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import faults, tokens
from mock_rails.stripe.cards import AUTHENTICATE, Decline, decline_of
from mock_rails.stripe.errors import CardError, InvalidRequest
from mock_rails.stripe.intents import charges, lifecycle
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from mock_rails.core.fault import Fault
    from mock_rails.stripe.cards import TestCard
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_UNASKED: Final = Decline(
    code="authentication_required",
    message="Your card requires authentication, and this payment was to fail if it did "
    "(error_on_requires_action).",
    network_code=None,
)


def charge(
    op: Operation,
    intent: Record,
    method: Record,
    *,
    off_session: bool = False,
    error_on_action: bool = False,
    authenticated: bool = False,
) -> None:
    """Charge a card or Link, as far as it goes: to succeeded, requires_capture or requires_action.
    A decline is raised."""
    card = payment_methods.card_of(method)
    details = _details(op, intent, method, card, authenticated=authenticated)
    challenged = not authenticated and _challenged(intent, method, card, off_session=off_session)
    fault = None if challenged else _fault(op, intent, method)
    if fault is not None and fault.do == "decline":
        no = decline_of(fault.args.get("code"), fault.args.get("decline_code"))
        lifecycle.decline(op, intent, method=method, details=details, decline=no)
    if challenged or fault is not None:
        if off_session:
            lifecycle.decline(op, intent, method=method, details=details, decline=AUTHENTICATE)
        if error_on_action:
            lifecycle.decline(op, intent, method=method, details=None, decline=_UNASKED)
        op.update(intent, {"payment_method": method.id})
        lifecycle.require_action(op, intent, next_action(intent, "payment_intent"))
        return
    if card is not None and card.decline is not None:
        lifecycle.decline(op, intent, method=method, details=details, decline=card.decline)
    if authenticated and intent["setup_future_usage"] is not None:
        op.update(method, hidden={"set_up": True})
    if is_manual(intent, method):
        lifecycle.hold(op, intent, method=method, details=details)
    else:
        at_once = card is not None and card.funds_at_once
        lifecycle.succeed(op, intent, method=method, details=details, funds_at_once=at_once)


def charge_after_authentication(op: Operation, intent: Record, method: Record) -> None:
    """Charge what waited for 3D Secure. What goes wrong stays on the PaymentIntent and is not
    raised: the buyer's bank called, and no request waits for an answer."""
    error = _token_gone(op, intent)
    if error is not None:
        code = "payment_intent_authentication_failure"
        lifecycle.fail(op, intent, code=code, message=error, method=method)
        return
    with contextlib.suppress(CardError):
        charge(op, intent, method, authenticated=True)


def _token_gone(op: Operation, intent: Record) -> str | None:
    """Why the intent's token cannot be charged any more: it may have expired meanwhile."""
    token = intent.hidden.get("granted_token")
    if token is None:
        return None
    try:
        again = tokens.redeem(
            op,
            token,
            amount=intent["amount"],
            currency=intent["currency"],
            param=intent.hidden["granted_token_param"],
            pi=intent,
        )
    except InvalidRequest as error:
        return error.detail
    op.state.remove(again)
    return None


def is_manual(intent: Record, method: Record) -> bool:
    """Whether the payment is captured later: the method's own option goes before the intent's."""
    options = (intent["payment_method_options"] or {}).get(method["type"]) or {}
    return bool((options.get("capture_method") or intent["capture_method"]) == "manual")


def _details(
    op: Operation, intent: Record, method: Record, card: TestCard | None, *, authenticated: bool
) -> dict[str, Any]:
    if card is None:
        return charges.plain_details(method)
    before = op.at_s + lifecycle.HELD_S if is_manual(intent, method) else None
    return charges.card_details(
        method, card, intent["amount"], capture_before=before, secured=authenticated
    )


def _challenged(
    intent: Record, method: Record, card: TestCard | None, *, off_session: bool
) -> bool:
    if card is None or not card.challenge:
        return False
    if card.challenge == "first":
        return not method.hidden.get("set_up")
    if card.challenge == "on_session":
        return not off_session
    options = (intent["payment_method_options"] or {}).get("card") or {}
    return card.challenge == "always" or options.get("request_three_d_secure") in (
        "any",
        "challenge",
    )


def _fault(op: Operation, intent: Record, method: Record) -> Fault | None:
    last4 = method["card"]["last4"] if method["type"] == "card" else ""
    return op.context.faults.check(
        faults.CARD,
        payment_intent=intent.id,
        amount=intent["amount"],
        currency=intent["currency"],
        last4=last4,
    )


def next_action(intent: Record, noun: str) -> dict[str, Any]:
    """Where the buyer meets their bank: in Stripe.js, or on a page that leads back."""
    url = f"https://hooks.stripe.com/3d_secure_2/hosted?{noun}={intent.id}"
    return_url = intent.hidden.get("return_url")
    if return_url is None or intent.hidden.get("use_stripe_sdk"):
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
