"""What is said about a PaymentIntent before it is paid: at creation, in updates, at confirmation
(facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.currencies import CRYPTO_MINIMUM, check_amount, check_currency
from mock_rails.stripe.errors import InvalidRequest, Missing, NotEmulated
from mock_rails.stripe.intents import selection, states
from mock_rails.stripe.parameters import Metadata
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_ALWAYS: Final = ("description", "receipt_email", "shipping", "transfer_group")
"""What may change in any state, beside the metadata."""
_PLAIN: Final = (
    *_ALWAYS,
    "application_fee_amount",
    "capture_method",
    "on_behalf_of",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "payment_details",
    "hooks",
)
"""Parameters that become the field of their name."""
_REMEMBERED: Final = ("return_url", "use_stripe_sdk")
_ABSENT: Final = {
    "transfer_data": "transfers to connected accounts",
    "confirmation_token": "confirmation tokens",
    "customer_account": "accounts as customers",
    "payment_method_configuration": "payment method configurations",
}
_TOKEN: Final = "shared_payment_granted_token"
_TOKEN_SPELLINGS: Final = (_TOKEN, "shared_payment_token")


def update(op: Operation, intent: Record, given: Mapping[str, Any]) -> Record:
    """Change a PaymentIntent. One that is paid, or being paid, keeps what concerns the payment."""
    if any(name not in _ALWAYS and name != "metadata" for name in given):
        states.require(intent, "update")
    before = intent["status"]
    apply(op, intent, given)
    if before == states.NEEDS_ACTION and any(name in given for name in ("amount", "currency")):
        op.update(intent, {"status": states.NEEDS_CONFIRMATION, "next_action": None})
    return intent


def apply(op: Operation, intent: Record, given: Mapping[str, Any]) -> None:
    """Put what is given into the PaymentIntent, once it has been checked."""
    for name, what in _ABSENT.items():
        if given.get(name) is not None:
            raise NotEmulated(what, param=name)
    if given.get("mandate") is not None:
        raise Missing("mandate", given["mandate"], param="mandate")
    changes: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    if "amount_details" in given:
        changes["amount_details"] = {**intent["amount_details"], **(given["amount_details"] or {})}
    if "amount" in given:
        changes["amount"] = given["amount"]
    if "currency" in given:
        changes["currency"] = check_currency(given["currency"])
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(intent["metadata"], given["metadata"])
    if "customer" in given:
        customer = given["customer"]
        if customer is not None:
            op.get("customers", customer, param="customer")
        changes["customer"] = customer
    if "payment_method_options" in given:
        changes["payment_method_options"] = _options(
            intent["payment_method_options"], given["payment_method_options"]
        )
    if any(given.get(name) is not None for name in selection.WAYS):
        currency = changes.get("currency", intent["currency"])
        changes |= selection.select(op.version, given, currency)
    hidden = {name: given[name] for name in _REMEMBERED if name in given}
    if "amount" in changes or "currency" in changes:
        hidden["authenticated"] = None
    op.update(intent, changes, hidden=hidden)
    _take_method(op, intent, given)
    _check(op, intent)


def _options(before: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> dict[str, Any]:
    after = dict(before or {})
    for kind, options in (given or {}).items():
        after[kind] = {**(after.get(kind) or {}), **(options or {})}
    return after


def token_of(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The Shared Payment Token among the parameters, and which of them it is."""
    data = given.get("payment_method_data") or {}
    found = [(given[name], name) for name in _TOKEN_SPELLINGS if given.get(name) is not None]
    if data.get(_TOKEN) is not None:
        found.append((data[_TOKEN], f"payment_method_data[{_TOKEN}]"))
    if len(found) > 1:
        names = ", ".join(param for _, param in found)
        raise InvalidRequest(
            f"You may only specify one of these parameters: {names}.",
            code="parameters_exclusive",
            param=found[0][1],
        )
    return found[0] if found else None


def _take_method(op: Operation, intent: Record, given: Mapping[str, Any]) -> None:
    """The method that is given: by id, described, or a Shared Payment Token."""
    token, by_id = token_of(given), given.get("payment_method")
    data = None if token else given.get("payment_method_data")
    if by_id is not None and (token or data):
        raise InvalidRequest(
            "You may only specify one of these parameters: payment_method, "
            f"{token[1] if token else 'payment_method_data'}.",
            code="parameters_exclusive",
            param="payment_method",
        )
    method: Record | None = None
    if by_id is not None:
        method = payment_methods.resolve(op, by_id, param="payment_method")
    elif data:
        method = payment_methods.from_data(op, data, "payment_method_data")
    elif token is None:
        if "payment_method" in given and intent["status"] != states.NEEDS_METHOD:
            op.update(
                intent,
                {"payment_method": None, "status": states.NEEDS_METHOD, "next_action": None},
                hidden={"granted_token": None},
            )
        return
    if method is not None:
        payment_methods.refuse_used(method)
    op.update(
        intent,
        {
            "payment_method": None if method is None else method.id,
            "status": states.NEEDS_CONFIRMATION,
            "next_action": None,
        },
        hidden={
            "authenticated": None,
            "granted_token": token and token[0],
            "granted_token_param": token and token[1],
        },
    )


def _check(op: Operation, intent: Record) -> None:
    """What the values must be together."""
    method = op.find(payment_methods.TABLE, intent["payment_method"])
    on_chain = intent["payment_method_types"] == ["crypto"] or (
        method is not None and method["type"] == "crypto"
    )
    minimum = CRYPTO_MINIMUM if on_chain else None
    check_amount(intent["amount"], intent["currency"], minimum=minimum)
    fee = intent["application_fee_amount"]
    if fee is not None and fee > intent["amount"]:
        raise InvalidRequest(
            "The application fee cannot be larger than the amount.", param="application_fee_amount"
        )
    if intent.hidden.get("granted_token") is not None and intent["setup_future_usage"] is not None:
        raise InvalidRequest(
            "A shared payment token cannot be set up for future usage.", param="setup_future_usage"
        )
    if method is not None and method["customer"] not in (None, intent["customer"]):
        raise InvalidRequest(
            f"The payment method {method.id} belongs to the Customer {method['customer']}. Please "
            "include that Customer in the `customer` parameter.",
            param="payment_method",
        )
