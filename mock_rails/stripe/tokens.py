"""Shared Payment Tokens: what an agent grants a seller, and what is left of it (facts: stripe 1.4).

A token has one id and up to two views: the seller's `shared_payment.granted_token` and, where an
agent issued it, the agent's `shared_payment.issued_token`. The seller's record is the truth about
what has been used; both change together.

What Stripe does not publish is decided here: a decline consumes nothing; a payment that waits for
the buyer holds the token until it is over; a token with recurring limits that was used ends as
`resolved`, one that never was as `expired`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import agenda, periods
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

GRANTED: Final = "granted_tokens"
ISSUED: Final = "issued_tokens"

_NOUN: Final = "shared_payment_granted_token"
_EXPIRE: Final = "granted_token.expire"
_SHARED: Final = (
    "brand", "checks", "country", "display_brand", "email", "exp_month", "exp_year", "fingerprint",
    "funding", "last4", "networks", "wallet",
)  # fmt: skip
"""What a seller sees of a card or of a Link account."""
_HOLDING: Final = ("requires_action", "processing")
"""Statuses in which a PaymentIntent keeps its token from others."""


# -- granting ---------------------------------------------------------------------------------


def grant(
    op: Operation,
    method: Record,
    *,
    seller: str,
    limits: Mapping[str, Any],
    shared_metadata: Mapping[str, str],
    agent: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
) -> Record:
    """Grant an account the use of a payment method, within limits. `recorded` are parameters that
    Stripe took in older versions; nothing depends on them."""
    payment_methods.refuse_used(method)
    token = replace(op, account=seller).create(
        GRANTED,
        op.new_id("spt"),
        {
            "object": "shared_payment.granted_token",
            "agent_details": agent,
            "deactivated_at": None,
            "deactivated_reason": None,
            "payment_method_details": method_details(method),
            "risk_details": None,
            "shared_metadata": dict(shared_metadata),
            "usage_details": _usage(limits["currency"], 0),
            "usage_limits": dict(limits),
        },
        {
            "payment_method": method.id,
            "payment_intent": None,
            "uses": [],
            "recorded": dict(recorded or {}),
        },
    )
    replace(op.at(_now_s(op)), account=seller).schedule(
        limits["expires_at"], _EXPIRE, token=token.id
    )
    return token


def method_details(method: Record) -> dict[str, Any]:
    """A payment method as the seller sees it: without its id."""
    kind = method["type"]
    if kind not in ("card", "link", "klarna", "affirm"):
        raise InvalidRequest(
            f"A payment method of type {kind} cannot be shared.", param="payment_method"
        )
    details = method.fields.get(kind) or {}
    return {
        "type": kind,
        kind: {name: details[name] for name in _SHARED if name in details},
        "billing_details": {"tax_id": None, **(method.fields.get("billing_details") or {})},
    }


# -- using ------------------------------------------------------------------------------------


def redeem(
    op: Operation,
    token_id: str,
    *,
    amount: int,
    currency: str,
    param: str,
    pi: Record | None = None,
) -> Record:
    """A fresh payment method for a charge on the token, if it may be charged so much now.

    The token stays as it is: a decline must not consume it. `pi` is the PaymentIntent that is to
    be paid, which may use a token that is held for it.
    """
    token = _redeemable(op, token_id, param)
    _check_usable(op, token, param)
    holder = op.state.find("payment_intents", token.hidden["payment_intent"] or "")
    if holder is not None and holder["status"] in _HOLDING and (pi is None or pi.id != holder.id):
        raise InvalidRequest(
            f"The shared payment token {token.id} is in use by the PaymentIntent {holder.id}, "
            f"which is {holder['status']}.",
            param=param,
        )
    limits = token["usage_limits"]
    if currency != limits["currency"]:
        raise InvalidRequest(
            f"The currency {currency} is not the one that the shared payment token {token.id} was "
            f"granted for: {limits['currency']}.",
            param="currency",
        )
    left = remaining(op, token)
    if amount > left:
        raise InvalidRequest(
            f"The amount {amount} exceeds the amount that remains capturable on the shared payment "
            f"token {token.id}: {left}.",
            param="amount",
        )
    method = op.state.find("payment_methods", token.hidden["payment_method"])
    assert method is not None
    clone = payment_methods.clone(op, method, granted_token=token.id)
    if token.hidden.get("authenticated"):
        op.update(clone, hidden={"authenticated": True})
    return clone


def hold(op: Operation, token_id: str, *, pi: Record) -> None:
    """Keep the token for a PaymentIntent that waits for its buyer. It is free again when that
    payment is over without a charge."""
    op.update(_token(op, token_id), hidden={"payment_intent": pi.id})


def authenticated(op: Operation, token_id: str) -> None:
    """The buyer has passed the bank's challenge for the token: its charge needs none any more."""
    op.update(_token(op, token_id), hidden={"authenticated": True})


def used(op: Operation, token_id: str, *, pi: Record, amount: int) -> None:
    """Count a charge or an authorisation: the first one consumes a token without recurring limits,
    whatever is left of its maximum. A charge is captured too; an authorisation is not yet."""
    token = _token(op, token_id)
    _check_usable(op, token, "payment_method")
    use = {"payment_intent": pi.id, "at_s": _now_s(op), "amount": amount}
    _change(op, token, hidden={"uses": [*token.hidden["uses"], use]})
    if pi["status"] != "requires_capture":
        captured(op, token_id, amount)
    _emit(op, token, "used")
    if token["usage_limits"]["recurring"] is None:
        deactivate(op, token, "consumed")


def captured(op: Operation, token_id: str, amount: int) -> None:
    """Add to what has been captured with the token: at the capture of an authorisation."""
    token = _token(op, token_id)
    before = token["usage_details"]["amount_captured"]
    _change(op, token, {"usage_details": _usage(before["currency"], before["value"] + amount)})


def remaining(op: Operation, token: Record) -> int:
    """How much may be charged on the token now: with recurring limits, in the present period."""
    limits = token["usage_limits"]
    since_s = token["created"]
    if limits["recurring"] is not None:
        since_s = periods.begin(since_s, _now_s(op), **_recurrence(limits["recurring"]))
    spent = sum(use["amount"] for use in token.hidden["uses"] if use["at_s"] >= since_s)
    return int(limits["max_amount"] - spent)


# -- ending -----------------------------------------------------------------------------------


def deactivate(op: Operation, token: Record, reason: str) -> Record:
    """End the token, and tell both sides."""
    ended = {"deactivated_at": _now_s(op), "deactivated_reason": reason}
    _change(op, token, ended, issued={"status": "deactivated", "next_action": None})
    _emit(op, token, "deactivated")
    return token


def revoke(op: Operation, token_id: str, *, table: str) -> Record:
    """Take the token back; `table` says from which side. Returns that side's view."""
    view = op.get(table, token_id, param="id")
    token = _token(op, token_id)
    _check_usable(op, token, "id", ready=False)
    deactivate(op, token, "revoked")
    return view


def _expire(op: Operation, args: Mapping[str, Any]) -> None:
    token = op.state.find(GRANTED, args["token"])
    if token is not None and token["deactivated_at"] is None:
        deactivate(op, token, _end(token))


agenda.handles(_EXPIRE, _expire)


def _end(token: Record) -> str:
    """What reaching `expires_at` is called."""
    recurring = token["usage_limits"]["recurring"] is not None
    return "resolved" if recurring and token.hidden["uses"] else "expired"


# -- looking ----------------------------------------------------------------------------------


def _now_s(op: Operation) -> int:
    """The time that tokens live by: never a test clock's."""
    return op.at_s if op.test_clock is None else op.context.clock.now_s()


def _token(op: Operation, token_id: str) -> Record:
    token = op.state.find(GRANTED, token_id)
    if token is None:
        raise Missing(_NOUN, token_id)
    return token


def _redeemable(op: Operation, token_id: str, param: str) -> Record:
    """The token, if it was granted to this account, or to one that this one is connected to."""
    token = op.state.find(GRANTED, token_id)
    connected = op.account in op.settings.connected
    if token is None or (token.account != op.account and not connected):
        raise Missing(_NOUN, token_id, param=param)
    if token["livemode"] != op.livemode:
        mode, key = ("live", "test") if token["livemode"] else ("test", "live")
        raise InvalidRequest(
            f"The shared payment token {token_id} exists in {mode} mode, but a {key} mode key was "
            "used to make this request.",
            code="livemode_mismatch",
            param=param,
        )
    return token


def _check_usable(op: Operation, token: Record, param: str, *, ready: bool = True) -> None:
    reason = token["deactivated_reason"]
    if reason is None and token["usage_limits"]["expires_at"] <= _now_s(op):
        reason = _end(token)
    if reason is not None:
        raise InvalidRequest(
            f"The shared payment token {token.id} is already in a deactivated state: {reason}.",
            param=param,
        )
    issued = op.state.find(ISSUED, token.id)
    if ready and issued is not None and issued["status"] == "requires_action":
        raise InvalidRequest(
            f"The shared payment token {token.id} requires an action of its buyer before it can be "
            "used.",
            param=param,
        )


# -- both sides -------------------------------------------------------------------------------


def _change(
    op: Operation,
    token: Record,
    changes: Mapping[str, Any] | None = None,
    *,
    issued: Mapping[str, Any] | None = None,
    hidden: Mapping[str, Any] | None = None,
) -> None:
    op.update(token, changes, hidden=hidden)
    view = op.state.find(ISSUED, token.id)
    if view is not None:
        op.update(view, {**(changes or {}), **(issued or {})})


def emit_as(op: Operation, view: Record, event_type: str) -> None:
    """Tell the account that the view belongs to, whoever caused it."""
    replace(op, account=view.account).emit(event_type, view)


def _emit(op: Operation, token: Record, happened: str) -> None:
    emit_as(op, token, f"shared_payment.granted_token.{happened}")
    issued = op.state.find(ISSUED, token.id)
    if issued is not None:
        emit_as(op, issued, f"shared_payment.issued_token.{happened}")


def _usage(currency: str, value: int) -> dict[str, Any]:
    return {"amount_captured": {"currency": currency, "value": value}}


def _recurrence(recurring: Mapping[str, Any]) -> dict[str, Any]:
    return {"interval": recurring["interval"], "count": recurring["interval_count"]}
