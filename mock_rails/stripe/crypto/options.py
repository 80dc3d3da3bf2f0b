"""How a PaymentIntent wants its stablecoins: `payment_method_options[crypto]` (facts: stripe
1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.crypto.networks import NETWORKS
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Boolean, Choice, ListOf, Object, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record

PARAM: Final = "payment_method_options[crypto]"

_RECONCILIATION: Final = Object({"type": Choice(("exact", "accept_partial_funding"))})

OPTIONS: Final = Object(
    {
        "mode": Choice(("default", "deposit", "transaction_verification")),
        "setup_future_usage": Choice(("none",)),
        "amount_reconciliation": _RECONCILIATION,
        "deposit_options": Object(
            {
                "networks": ListOf(Choice(NETWORKS)),
                "static_address": Boolean(),
                "amount_reconciliation": _RECONCILIATION,
            }
        ),
        "transaction_verification_options": Object(
            {"network": Choice(NETWORKS), "transaction_hash": Text(200)}
        ),
    }
)
"""What `payment_method_options[crypto]` takes."""


def options_of(pi: Record, params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of this confirmation: those of the request before those of the PaymentIntent."""
    for given in (params, pi.fields):
        found = (given.get("payment_method_options") or {}).get("crypto")
        if found:
            return OPTIONS.parse(found, PARAM) or {}
    return {}


def required(options: Mapping[str, Any], group: str, name: str) -> Any:
    """An option that the mode cannot do without."""
    value = (options.get(group) or {}).get(name)
    if not value:
        param = f"{PARAM}[{group}][{name}]"
        raise InvalidRequest(
            f"Missing required param: {param}.", code="parameter_missing", param=param
        )
    return value


def accepts_parts(options: Mapping[str, Any]) -> bool:
    """Whether the amount may arrive in several deposits."""
    inside = (options.get("deposit_options") or {}).get("amount_reconciliation")
    chosen = options.get("amount_reconciliation") or inside or {}
    return chosen.get("type") == "accept_partial_funding"
