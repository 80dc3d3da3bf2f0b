"""Card tokens: their wire (facts: stripe 1.1). What they are good for is in `card_tokens.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import card_details
from mock_rails.stripe.card_tokens import TABLE
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.parameters import Anything, Object, Text
from mock_rails.stripe.resources import payment_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

_OTHERS: Final = ("account", "bank_account", "customer", "cvc_update", "person", "pii")
"""What Stripe makes tokens of besides."""
_PARTS: Final = {
    "address_city": "city",
    "address_country": "country",
    "address_line1": "line1",
    "address_line2": "line2",
    "address_state": "state",
    "address_zip": "postal_code",
}
"""How the older API calls the parts of an address."""
_TEXT: Final[Kind] = Text(nullable=True)
CARD: Final = Object(
    {
        **{name: kind for name, kind in payment_methods.CARD.fields.items() if name != "token"},
        "currency": Text(10),
        "name": _TEXT,
        **dict.fromkeys(_PARTS, _TEXT),
    }
)
CREATE: Final = Object({"card": CARD, **dict.fromkeys(_OTHERS, Anything())})
_BRANDS: Final = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def create(call: Call) -> Record:
    """A token of a card's number."""
    op, given = call.operation, call.params
    for name in _OTHERS:
        if name in given:
            raise NotEmulated(f"tokens of {name}", param=name)
    if "card" not in given:
        raise InvalidRequest(
            "You must supply a card to make a token of.", code="parameter_missing", param="card"
        )
    written = given["card"]
    card, _ = card_details.read(op, written, "card")
    billing: dict[str, Any] = {
        "address": {part: written.get(name) for name, part in _PARTS.items()},
        "name": written.get("name"),
    }
    year = card_details.whole_year(written["exp_year"])
    return op.create(
        TABLE,
        op.new_id("tok"),
        {
            "object": "token",
            "card": {
                **{name: written.get(name) for name in _PARTS},
                "id": op.new_id("card"),
                "object": "card",
                "address_line1_check": _unchecked(written, "address_line1"),
                "address_zip_check": _unchecked(written, "address_zip"),
                "brand": _BRANDS[card.brand],
                "country": "US",
                "cvc_check": _unchecked(written, "cvc"),
                "dynamic_last4": None,
                "exp_month": written["exp_month"],
                "exp_year": year,
                "fingerprint": payment_methods.fingerprint(op, card),
                "funding": card.funding,
                "last4": card.last4,
                "metadata": {},
                "name": written.get("name"),
                "networks": {"preferred": None},
                "regulated_status": "unregulated",
                "tokenization_method": None,
                "wallet": None,
            },
            "client_ip": None,
            "type": "card",
            "used": False,
        },
        {"number": card.number, "billing_details": billing},
    )


def _unchecked(written: Mapping[str, Any], name: str) -> str | None:
    return "unchecked" if written.get(name) else None


def retrieve(call: Call) -> Record:
    """One token."""
    return call.operation.get(TABLE, call.id, param="token")


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/tokens", create, CREATE, publishable=True),
    Endpoint("GET", "/v1/tokens/{id}", retrieve, publishable=True),
)
