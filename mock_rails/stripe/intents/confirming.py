"""Confirming a PaymentIntent: with which method, under which conditions (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks, crypto, tokens
from mock_rails.stripe.currencies import check_amount
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.intents import authorizing, selection, states, updating
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation


def confirm(op: Operation, intent: Record, given: Mapping[str, Any]) -> Record:
    """Try to charge it, with what it has and what is given now."""
    states.require(intent, "confirm")
    updating.apply(op, intent, given)
    return attempt(clocks.on_clock_of(op, op.find("customers", intent["customer"])), intent, given)


def attempt(op: Operation, intent: Record, given: Mapping[str, Any]) -> Record:
    """Try to charge it with what it has by now; `given` says under which conditions."""
    if given.get("amount_to_confirm", intent["amount"]) != intent["amount"]:
        raise InvalidRequest(
            "The amount_to_confirm is not the amount of this PaymentIntent.",
            param="amount_to_confirm",
        )
    off_session = bool(given.get("off_session"))
    on_action = bool(given.get("error_on_requires_action"))
    _guard(intent, off_session=off_session)
    passed = intent.hidden.get("authenticated")
    method = _method(op, intent)
    authenticated = passed == method.id or bool(method.hidden.get("authenticated"))
    _check_fit(intent, method)
    op.update(intent, {"payment_method": method.id}, hidden={"authenticated": None})
    minimum = 1 if method["type"] == "crypto" else None
    check_amount(intent["amount"], intent["currency"], minimum=minimum)
    if method["type"] == "crypto":
        return crypto.confirm(op, intent, given)
    authorizing.charge(
        op,
        intent,
        method,
        off_session=off_session,
        error_on_action=on_action,
        authenticated=authenticated,
    )
    return intent


_REDIRECTS: Final = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because "
    "some of these payment methods might redirect your customer off of your page, you must provide "
    "a `return_url`. If you don't want to accept redirect-based payment methods, set "
    "`automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Payment Intents."
)


def _guard(intent: Record, *, off_session: bool) -> None:
    """The buyer who might be sent away must be able to come back."""
    if (
        selection.may_redirect(intent.fields)
        and intent.hidden.get("return_url") is None
        and not off_session
    ):
        raise InvalidRequest(_REDIRECTS, param="return_url", payment_intent=intent.fields)


def _method(op: Operation, intent: Record) -> Record:
    """What is charged: a fresh method where a Shared Payment Token stands for it."""
    token = intent.hidden.get("granted_token")
    if token is not None and intent.hidden.get("authenticated") is None:
        return tokens.redeem(
            op,
            token,
            amount=intent["amount"],
            currency=intent["currency"],
            param=intent.hidden["granted_token_param"],
            pi=intent,
        )
    if intent["payment_method"] is None:
        raise states.unexpected(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method.",
        )
    return op.get(payment_methods.TABLE, intent["payment_method"], param="payment_method")


def _check_fit(intent: Record, method: Record) -> None:
    """The method must be of a type that the PaymentIntent takes, and its customer's or nobody's."""
    taken = intent["payment_method_types"]
    if method["type"] not in taken:
        raise InvalidRequest(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. "
            "Please attach a PaymentMethod of one of the following types to this PaymentIntent: "
            f"{', '.join(taken)}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
            payment_intent=intent.fields,
        )
    if method["type"] == "crypto" and authorizing.is_manual(intent, method):
        raise InvalidRequest(
            "The payment method type crypto cannot be captured manually.", param="capture_method"
        )
    if intent.hidden.get("granted_token") is None:
        payment_methods.refuse_used(method)
