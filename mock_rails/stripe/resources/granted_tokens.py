"""Shared Payment Tokens as the seller sees them, and the test helper that stands in for an agent
(facts: stripe 1.3, 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import tokens
from mock_rails.stripe.currencies import check_currency
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, UnknownParameter
from mock_rails.stripe.parameters import Choice, Integer, Metadata, Object, Text
from mock_rails.stripe.resources import business_profiles, payment_methods
from mock_rails.stripe.test_mode import require_test_mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

LONGEST_S: Final = 90 * 86_400
"""How far in the future a token may expire."""

LIMITS: Final = Object(
    {
        "currency": Text(3),
        "max_amount": Integer(minimum=1),
        "expires_at": Integer(),
        "recurring": Object(
            {
                "interval": Choice(("hour", "day", "week", "month", "year")),
                "interval_count": Integer(minimum=1, maximum=1_000),
            },
            required=("interval",),
        ),
        "recurring_interval": Choice(("week", "month", "year")),
    },
    required=("currency", "max_amount"),
    exclusive=(("recurring", "recurring_interval"),),
)
"""What both sides' creation takes as `usage_limits`."""

_LEGACY: Final[tuple[str, ...]] = ("seller_details", "metadata")
"""What MPP code and documentation still send, and Stripe's newest versions do not know."""

CREATE: Final = Object(
    {
        "payment_method": Text(),
        "usage_limits": LIMITS,
        "customer": Text(),
        "shared_metadata": Metadata(),
        "seller_details": Object({"network_id": Text(), "external_id": Text()}),
        "metadata": Metadata(),
    },
    required=("payment_method", "usage_limits"),
)


def create(call: Call) -> Record:
    """Grant a token as an agent would: to the account of `seller_details[network_id]`, where that
    is known, or to the caller's own."""
    op, given = call.operation, call.params
    require_test_mode(op)
    legacy = {name: given[name] for name in _LEGACY if name in given}
    if legacy and op.settings.strict_tokens:
        raise UnknownParameter(next(iter(legacy)))
    limits = usage_limits(op, given["usage_limits"])
    method = payment_methods.resolve(op, given["payment_method"], param="payment_method")
    _check_customer(op, method, given.get("customer"))
    profile = legacy.get("seller_details", {}).get("network_id")
    seller = business_profiles.account_of(op, profile) if profile is not None else None
    return tokens.grant(
        op,
        method,
        seller=seller or op.account,
        limits=limits,
        shared_metadata=Metadata.merged({}, given.get("shared_metadata", {})),
        recorded=legacy,
    )


def retrieve(call: Call) -> Record:
    """One token that was granted to this account."""
    return call.operation.get(tokens.GRANTED, call.id, param="id")


def revoke(call: Call) -> Record:
    """Take a token back as its agent would."""
    require_test_mode(call.operation)
    return tokens.revoke(call.operation, call.id, table=tokens.GRANTED)


def usage_limits(op: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """The limits as the object shows them: the expiry filled in, both spellings of recurrence."""
    expires_at = given.get("expires_at", op.at_s + op.settings.token_lifetime_s)
    param = "usage_limits[expires_at]"
    if expires_at <= op.at_s:
        raise InvalidRequest("The expiry must be in the future.", param=param)
    if expires_at > op.at_s + LONGEST_S:
        raise InvalidRequest("The expiry must be at most 90 days in the future.", param=param)
    recurring, interval = given.get("recurring"), given.get("recurring_interval")
    if interval is not None:
        recurring = {"interval": interval, "interval_count": 1}
    elif recurring is not None:
        recurring = {"interval_count": 1, **recurring}
    return {
        "currency": check_currency(given["currency"], "usage_limits[currency]"),
        "expires_at": expires_at,
        "max_amount": given["max_amount"],
        "recurring": recurring,
        "recurring_interval": interval,
    }


def _check_customer(op: Operation, method: Record, customer: str | None) -> None:
    if customer is None:
        return
    op.get("customers", customer, param="customer")
    if method.fields.get("customer") not in (None, customer):
        raise InvalidRequest(
            f"The payment method {method.id} does not belong to the customer {customer}.",
            param="customer",
        )


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/test_helpers/shared_payment/granted_tokens", create, CREATE),
    Endpoint("POST", "/v1/test_helpers/shared_payment/granted_tokens/{id}/revoke", revoke),
    Endpoint("GET", "/v1/shared_payment/granted_tokens/{id}", retrieve),
)
