"""PaymentMethods: cards, Link and crypto wallets that can be charged (facts: stripe 1.6, 2.1-2.3).

A card is a test card, known by `pm_card_visa`, `tok_visa` or its number. A `pm_card_*` id stands
for a new PaymentMethod each time it is used.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import card_details, cards
from mock_rails.stripe.card_details import CardRefused
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.parameters import (
    Anything,
    Choice,
    Integer,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.people import BILLING, NO_BILLING
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.cards import TestCard
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

TABLE: Final = "payment_methods"
TYPES: Final = ("card", "link", "crypto")
"""The types that can be made and charged here."""
OTHER_TYPES: Final = (
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "alma", "amazon_pay", "au_becs_debit",
    "bacs_debit", "bancontact", "billie", "blik", "boleto", "cashapp", "customer_balance", "eps",
    "fpx", "giropay", "grabpay", "ideal", "interac_present", "kakao_pay", "klarna", "konbini",
    "kr_card", "mb_way", "mobilepay", "multibanco", "naver_pay", "nz_bank_account", "oxxo", "p24",
    "pay_by_bank", "payco", "paynow", "paypal", "pix", "promptpay", "revolut_pay", "samsung_pay",
    "satispay", "sepa_debit", "sofort", "swish", "twint", "us_bank_account", "wechat_pay", "zip",
)  # fmt: skip
"""Types that Stripe has besides; a PaymentIntent may name them, none can be made."""

_NEWER_TYPES: Final = ("bizum", "custom", "paypay", "payto", "scalapay", "sequra", "sunbit", "upi")
_TEST_METHOD: Final = re.compile(r"pm_[A-Za-z]{1,30}_[A-Za-z]{1,50}")
"""What Stripe calls its test payment methods, as `pm_usBankAccount_success`; no id has two `_`."""

CARD: Final = Object(
    {
        "number": Text(30),
        "exp_month": Integer(),
        "exp_year": Integer(),
        "cvc": Text(10),
        "token": Text(),
        "networks": Anything(),
    }
)
DATA: Final[dict[str, Any]] = {
    "type": Text(),
    "card": CARD,
    "link": Object({}),
    "crypto": Object({}),
    "billing_details": BILLING,
    "metadata": Metadata(),
    "allow_redisplay": Choice(("always", "limited", "unspecified")),
    "radar_options": Anything(),
}
"""What describes a new PaymentMethod, here and in `payment_method_data`."""

CREATE: Final = Object(
    {**DATA, "customer": Text(), "payment_method": Text()}, absent=(*OTHER_TYPES, *_NEWER_TYPES)
)
UPDATE: Final = Object(
    {
        "billing_details": BILLING,
        "metadata": Metadata(),
        "allow_redisplay": DATA["allow_redisplay"],
        "card": Object({"exp_month": Integer(1, 12), "exp_year": Integer(2000, 2100)}),
    },
    absent=("us_bank_account",),
)


# -- what other parts of the rail use ------------------------------------------------------------


def resolve(op: Operation, pm_id: str, *, param: str | None) -> Record:
    """The PaymentMethod of that id; for a `pm_card_*` id a new one."""
    card = cards.by_id(pm_id)
    if card is not None:
        return of_card(op, card)
    if _TEST_METHOD.fullmatch(pm_id) and not pm_id.startswith("pm_card_"):
        raise NotEmulated(f"the test payment method {pm_id}", param=param)
    return op.get(TABLE, pm_id, param=param)


def card_of(method: Record) -> TestCard | None:
    """The test card behind a PaymentMethod; None for Link and crypto."""
    number = method.hidden.get("card")
    return None if number is None else cards.by_number(number)


def clone(op: Operation, method: Record, *, granted_token: str | None = None) -> Record:
    """A new PaymentMethod that is charged like another one, belongs to nobody, and names the
    Shared Payment Token by which it came (1.5)."""
    fields = {
        name: value
        for name, value in method.fields.items()
        if name not in ("id", "created", "livemode")
    }
    if granted_token is not None:
        fields["shared_payment_granted_token"] = granted_token
    hidden = {"card": method.hidden["card"]} if "card" in method.hidden else {}
    return op.create(TABLE, op.new_id("pm"), {**fields, "customer": None, "metadata": {}}, hidden)


def of_card(op: Operation, card: TestCard, given: Mapping[str, Any] | None = None) -> Record:
    """A new PaymentMethod of a test card."""
    given = given or {}
    details = given.get("card", {})
    this_year = datetime.fromtimestamp(op.at_s, UTC).year
    shown = {
        "brand": card.brand,
        "checks": dict(cards.UNCHECKED if "number" not in details else card.checks),
        "country": "US",
        "display_brand": _DISPLAY.get(card.brand, card.brand),
        "exp_month": details.get("exp_month", 12),
        "exp_year": card_details.whole_year(details.get("exp_year", this_year + 1)),
        "fingerprint": fingerprint(op, card),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand != "unionpay"},
        "wallet": None,
    }
    return _make(op, "card", {"card": shown}, given, {"card": card.number})


def fingerprint(op: Operation, card: TestCard) -> str:
    """What an account sees of a number: the same whenever it comes, and no way back."""
    return sha256(f"{op.account}/{card.number}".encode()).hexdigest()[:16]


def from_data(op: Operation, given: Mapping[str, Any], param: str = "") -> Record:
    """A new PaymentMethod as `payment_method_data`, or the parameters of creation, describe it."""
    kind = given.get("type")
    where = f"{param}[type]" if param else "type"
    if kind is None:
        raise InvalidRequest(
            f"Missing required param: {where}.", code="parameter_missing", param=where
        )
    if kind in OTHER_TYPES:
        raise NotEmulated(f"payment methods of the type {kind}", param=where)
    if kind not in TYPES:
        raise InvalidRequest(
            f"Invalid {where}: must be one of {', '.join((*TYPES, *OTHER_TYPES))}; got {kind[:50]}",
            param=where,
        )
    if kind == "card":
        inside = f"{param}[card]" if param else "card"
        card, written = card_details.read(op, given.get("card"), inside)
        billing = {
            **written.get("billing_details", {}), **(given.get("billing_details") or {})
        }  # fmt: skip
        return of_card(op, card, {**given, **written, "billing_details": billing})
    if kind == "link":
        email = (given.get("billing_details") or {}).get("email")
        return _make(op, "link", {"link": {"email": email, "persistent_token": None}}, given)
    return _make(op, "crypto", {"crypto": {}}, given)


def attach(op: Operation, method: Record, customer: Record) -> Record:
    """Save a PaymentMethod to a customer, once the bank has agreed."""
    belongs_to = method["customer"]
    if belongs_to == customer.id:
        return method
    if belongs_to is not None:
        raise InvalidRequest(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    refuse_used(method)
    card = card_of(method)
    if card is not None and not card.attaches and card.decline is not None:
        raise card.decline.error(CardRefused)
    return save(op, method, customer)


def save(op: Operation, method: Record, customer: Record) -> Record:
    """Give a PaymentMethod that the bank has agreed to to a customer."""
    card = card_of(method)
    shown = {} if card is None else {"card": {**method["card"], "checks": dict(card.checks)}}
    op.update(method, {"customer": customer.id, **shown})
    op.emit("payment_method.attached", method)
    return method


def refuse_used(method: Record, param: str | None = "payment_method") -> None:
    """Refuse one that was charged or detached without belonging to a customer: it is spent. One
    that a Shared Payment Token brought is charged with its token only, within its limits."""
    if method.fields.get("shared_payment_granted_token") is not None:
        raise InvalidRequest(
            f"The PaymentMethod {method.id} was made for a shared payment token and cannot be used "
            "without it.",
            param=param,
        )
    if method["customer"] is None and method.hidden.get("spent"):
        raise InvalidRequest(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, or was detached from a Customer, and may not be used again. To use a "
            "PaymentMethod multiple times, you must attach it to a Customer first.",
            param=param,
        )


_DISPLAY: Final = {"amex": "american_express", "diners": "diners_club"}


def _make(
    op: Operation,
    kind: str,
    details: Mapping[str, Any],
    given: Mapping[str, Any],
    hidden: Mapping[str, Any] | None = None,
) -> Record:
    return op.create(
        TABLE,
        op.new_id("pm"),
        {
            "object": "payment_method",
            "allow_redisplay": given.get("allow_redisplay", "unspecified"),
            "billing_details": _billing(NO_BILLING, given.get("billing_details")),
            "customer": None,
            "customer_account": None,
            "metadata": Metadata.merged({}, given.get("metadata", {})),
            "type": kind,
            **details,
        },
        hidden,
    )


def _billing(before: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    after = {**before, **(given or {})}
    return {**after, "address": after["address"] or NO_BILLING["address"]}


# -- endpoints -----------------------------------------------------------------------------------


def create(call: Call) -> Record:
    """A new PaymentMethod."""
    for name in ("customer", "payment_method"):
        if name in call.params:
            raise NotEmulated("the sharing of payment methods between accounts", param=name)
    return from_data(call.operation, call.params)


def retrieve(call: Call) -> Record:
    """One PaymentMethod."""
    return call.operation.get(TABLE, call.id, param="payment_method")


def update(call: Call) -> Record:
    """Change what may be changed of one that belongs to a customer."""
    op, given = call.operation, call.params
    method = op.get(TABLE, call.id, param="payment_method")
    if method["customer"] is None:
        raise InvalidRequest(
            "You must save this PaymentMethod to a customer before you can update it.",
            code="payment_method_unexpected_state",
        )
    if "card" in given and method["type"] != "card":
        raise InvalidRequest("This PaymentMethod is not a card.", param="card")
    changes: dict[str, Any] = {}
    if "billing_details" in given:
        changes["billing_details"] = _billing(method["billing_details"], given["billing_details"])
    if "card" in given:
        changes["card"] = {**method["card"], **given["card"]}
    if "allow_redisplay" in given:
        changes["allow_redisplay"] = given["allow_redisplay"]
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(method["metadata"], given["metadata"])
    previous = {name: method[name] for name in changes if method[name] != changes[name]}
    op.update(method, changes)
    op.emit("payment_method.updated", method, previous=previous)
    return method


def attach_to(call: Call) -> Record:
    """Save a PaymentMethod to a customer."""
    op = call.operation
    customer = op.get("customers", call.params["customer"], param="customer")
    return attach(op, resolve(op, call.id, param="payment_method"), customer)


def detach(call: Call) -> Record:
    """Take a PaymentMethod away from its customer, for good."""
    op = call.operation
    method = op.get(TABLE, call.id, param="payment_method")
    owner = method["customer"]
    if owner is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible.",
            code="payment_method_unexpected_state",
        )
    detach_from(op, method)
    return method


def detach_from(op: Operation, method: Record) -> None:
    """The same as part of other work: the customer is deleted."""
    owner = op.find("customers", method["customer"])
    op.update(method, {"customer": None}, hidden={"spent": True})
    if owner is not None:
        settings = owner["invoice_settings"]
        if settings["default_payment_method"] == method.id:
            op.update(owner, {"invoice_settings": {**settings, "default_payment_method": None}})
    previous = {"customer": None if owner is None else owner.id}
    op.emit("payment_method.detached", method, previous=previous)


def list_all(call: Call) -> Page:
    """The PaymentMethods of a customer, the newest first."""
    customer = call.params.get("customer")
    if customer is not None:
        call.operation.get("customers", customer, param="customer")
    return of_customer(call, customer)


def of_customer(call: Call, customer: str | None) -> Page:
    """The page of a customer's PaymentMethods that the call asks for."""
    return listed(
        call,
        TABLE,
        lambda one: one["customer"] is not None and bool(one["customer"] == customer),
        same=("type", "allow_redisplay"),
    )


LIST_TAKES: Final = Object(
    {
        **LIST_FIELDS,
        "type": Choice((*TYPES, *OTHER_TYPES)),
        "allow_redisplay": DATA["allow_redisplay"],
    }
)

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/payment_methods", create, CREATE, publishable=True),
    Endpoint(
        "GET",
        "/v1/payment_methods",
        list_all,
        Object({**LIST_TAKES.fields, "customer": Text(), "customer_account": Text()}),
    ),
    Endpoint("GET", "/v1/payment_methods/{id}", retrieve),
    Endpoint("POST", "/v1/payment_methods/{id}", update, UPDATE),
    Endpoint(
        "POST",
        "/v1/payment_methods/{id}/attach",
        attach_to,
        Object({"customer": Text()}, required=("customer",), absent=("customer_account",)),
    ),
    Endpoint("POST", "/v1/payment_methods/{id}/detach", detach),
)
