"""Shared Payment Tokens as the agent that issues them sees them (facts: stripe 1.3, 1.4).

A card whose bank always wants to see the buyer makes a token that requires an action first. Stripe
has a browser for that; here `POST /_sandbox/shared_payment/issued_tokens/{id}/authenticate` is the
buyer who passes.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import balance, fees, ledger, tokens
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.parameters import Boolean, Choice, Metadata, Object, Text
from mock_rails.stripe.resources import business_profiles, payment_methods
from mock_rails.stripe.resources.granted_tokens import LIMITS, usage_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

CREATE: Final = Object(
    {
        "payment_method": Text(),
        "seller_details": Object(
            {"network_business_profile": Text(), "external_id": Text()},
            required=("network_business_profile",),
        ),
        "usage_limits": LIMITS,
        "shared_metadata": Metadata(),
        "return_url": Text(),
        "setup_future_usage": Choice(("on_session",)),
        "use_stripe_sdk": Boolean(),
    },
    required=("payment_method", "seller_details", "usage_limits"),
)

_PRICE: Final = "shared_payment_token"
_PROFILE: Final = "seller_details[network_business_profile]"


def create(call: Call) -> Record:
    """Issue a token to a seller."""
    op, given = call.operation, call.params
    profile = given["seller_details"]["network_business_profile"]
    seller = _seller(op, profile)
    limits = usage_limits(op, given["usage_limits"])
    method = payment_methods.resolve(op, given["payment_method"], param="payment_method")
    metadata = Metadata.merged({}, given.get("shared_metadata", {}))
    agent = business_profiles.profile_of(op, op.account)
    granted = tokens.grant(
        op,
        method,
        seller=seller,
        limits=limits,
        shared_metadata=metadata,
        agent={"network_business_profile": agent},
    )
    action = _next_action(granted.id, method, given)
    status = "active" if action is None else "requires_action"
    issued = op.create(
        tokens.ISSUED,
        granted.id,
        {
            "object": "shared_payment.issued_token",
            "deactivated_at": None,
            "deactivated_reason": None,
            "next_action": action,
            "payment_method": method.id,
            "return_url": given.get("return_url"),
            "risk_details": None,
            "seller_details": {
                "network_business_profile": profile,
                "external_id": given["seller_details"].get("external_id"),
            },
            "setup_future_usage": given.get("setup_future_usage"),
            "shared_metadata": metadata,
            "status": status,
            "usage_details": granted["usage_details"],
            "usage_limits": limits,
            "use_stripe_sdk": given.get("use_stripe_sdk"),
        },
    )
    _charge_fee(op)
    op.emit(f"shared_payment.issued_token.{status}", issued)
    return issued


def retrieve(call: Call) -> Record:
    """One token that this account has issued."""
    return call.operation.get(tokens.ISSUED, call.id, param="id")


def revoke(call: Call) -> Record:
    """Take a token back."""
    return tokens.revoke(call.operation, call.id, table=tokens.ISSUED)


def authenticate(call: Call) -> Record:
    """Be the buyer who passes the bank's challenge: the token can be used from now on."""
    op = call.operation
    issued = op.state.find(tokens.ISSUED, call.id)
    if issued is None:
        raise Missing("shared_payment_issued_token", call.id, param="id")
    if issued["status"] != "requires_action":
        raise InvalidRequest(f"The token {issued.id} is {issued['status']}.", param="id")
    op.update(issued, {"status": "active", "next_action": None})
    tokens.authenticated(op, issued.id)
    tokens.emit_as(op, issued, "shared_payment.issued_token.active")
    return issued


def _charge_fee(op: Operation) -> None:
    """What an agent pays for each token, whatever becomes of it (3; one source only)."""
    cost = fees.fee(op, (_PRICE,), 0, "usd")
    if cost:
        balance.transact(
            op,
            kind=("stripe_fee", "fee"),
            amount=-cost,
            currency="usd",
            source=None,
            against=ledger.STRIPE_FEES,
            description="Shared Payment Token fee",
        )


def _seller(op: Operation, profile: str) -> str:
    """The account that the token is for; with several accounts, another one than the agent's."""
    business_profiles.check_mode(op, profile, param=_PROFILE)
    seller = business_profiles.account_of(op, profile)
    if seller is None:
        raise InvalidRequest(
            f"No such business profile: '{profile[:100]}'", code="resource_missing", param=_PROFILE
        )
    if seller == op.account and business_profiles.has_several(op):
        raise InvalidRequest(
            "A shared payment token cannot be issued to one's own business profile.",
            param=_PROFILE,
        )
    return seller


def _next_action(token_id: str, method: Record, given: Mapping[str, Any]) -> dict[str, Any] | None:
    card = payment_methods.card_of(method)
    if card is None or card.challenge != "always":
        return None
    return_url = given.get("return_url")
    if return_url is not None and not given.get("use_stripe_sdk"):
        url = f"https://hooks.stripe.com/shared_payment/issued_tokens/{token_id}/authenticate"
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    value = b64encode(token_id.encode()).decode()
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"value": value}}


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/shared_payment/issued_tokens", create, CREATE),
    Endpoint("GET", "/v1/shared_payment/issued_tokens/{id}", retrieve),
    Endpoint("POST", "/v1/shared_payment/issued_tokens/{id}/revoke", revoke),
    Endpoint("POST", "/_sandbox/shared_payment/issued_tokens/{id}/authenticate", authenticate),
)
