"""Which types of payment method a PaymentIntent takes (facts: stripe 0.1, 1.5).

There are four ways to say it, of which one is used: `payment_method_types` (in versions that have
it: `wire/gates.py`), `allowed_payment_method_types`, `excluded_payment_method_types` and
`automatic_payment_methods`. Where nothing is said, versions since 2023-08-16 choose automatically
and older ones take cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Boolean, Choice, ListOf, Object, Text
from mock_rails.stripe.resources.payment_methods import OTHER_TYPES, TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_rails.stripe.parameters import Kind
    from mock_rails.stripe.version import Version

AUTOMATIC_SINCE: Final = "2023-08-16"

_LIST: Final = ListOf(Text(100), nullable=True)
WAYS: Final[dict[str, Kind]] = {
    "payment_method_types": _LIST,
    "allowed_payment_method_types": _LIST,
    "excluded_payment_method_types": _LIST,
    "automatic_payment_methods": Object(
        {"enabled": Boolean(), "allow_redirects": Choice(("always", "never"))},
        required=("enabled",),
        nullable=True,
    ),
}
"""The parameters that choose types."""
_REDIRECTING: Final = frozenset(OTHER_TYPES) - {"us_bank_account", "acss_debit", "sepa_debit"}


def select(version: Version, given: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The fields of a PaymentIntent that say what it takes."""
    ways = [way for way in WAYS if given.get(way) is not None]
    if len(ways) > 1 and ways != ["excluded_payment_method_types", "automatic_payment_methods"]:
        raise InvalidRequest(
            f"You may only specify one of these parameters: {', '.join(ways)}.",
            code="parameters_exclusive",
            param=ways[0],
        )
    for way in ways[:1]:
        if way != "automatic_payment_methods":
            _check(given[way], way)
    allowed = given.get("allowed_payment_method_types")
    excluded = given.get("excluded_payment_method_types")
    fields: dict[str, Any] = {
        "allowed_payment_method_types": allowed,
        "excluded_payment_method_types": excluded,
        "automatic_payment_methods": None,
    }
    automatic = given.get("automatic_payment_methods")
    if given.get("payment_method_types"):
        return {**fields, "payment_method_types": list(given["payment_method_types"])}
    off = automatic is not None and not automatic.get("enabled")
    if off or (not ways and not version.since(AUTOMATIC_SINCE)):
        return {**fields, "payment_method_types": ["card"]}
    found = [
        kind
        for kind in _dashboard(currency)
        if (allowed is None or kind in allowed) and kind not in (excluded or ())
    ]
    if not found:
        raise InvalidRequest(
            "No valid payment method types for this Payment Intent. Please ensure that you have "
            f"activated payment methods compatible with {currency}.",
            param=ways[0] if ways else None,
        )
    redirects = (automatic or {}).get("allow_redirects", "always")
    fields["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
    return {**fields, "payment_method_types": found}


def may_redirect(intent: Mapping[str, Any]) -> bool:
    """Whether a buyer might be sent to another page and so must be told where to come back to."""
    automatic = intent["automatic_payment_methods"]
    if automatic is None or automatic["allow_redirects"] == "never":
        return False
    allowed = intent["allowed_payment_method_types"]
    return allowed is None or not _REDIRECTING.isdisjoint(allowed)


def _dashboard(currency: str) -> tuple[str, ...]:
    """What an account has switched on; stablecoin payments are in dollars only."""
    return TYPES if currency == "usd" else TYPES[:2]


def _check(kinds: Sequence[str], way: str) -> None:
    if not kinds:
        raise InvalidRequest(f"{way} must not be empty.", param=way)
    for place, kind in enumerate(kinds):
        if kind not in TYPES and kind not in OTHER_TYPES:
            raise InvalidRequest(
                f'The payment method type "{kind[:50]}" is invalid. Please ensure the provided '
                "type is activated in your dashboard and your account is enabled for it.",
                param=f"{way}[{place}]" if way != "payment_method_types" else way,
            )
