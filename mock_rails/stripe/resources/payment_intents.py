"""The endpoints of PaymentIntents; what they do is in `mock_rails/stripe/intents` (stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import intents
from mock_rails.stripe.crypto.options import OPTIONS as CRYPTO
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.intents import selection, states
from mock_rails.stripe.parameters import (
    AnyObject,
    Anything,
    Boolean,
    Choice,
    Integer,
    ListOf,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.people import SHIPPING, Email
from mock_rails.stripe.resources import client_secrets
from mock_rails.stripe.resources.payment_methods import DATA, OTHER_TYPES
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

TABLE: Final = states.TABLE

_TAX: Final = Object({"total_tax_amount": Integer(0)}, nullable=True)
AMOUNT_DETAILS: Final = Object(
    {
        "discount_amount": Integer(1, nullable=True),
        "enforce_arithmetic_validation": Boolean(),
        "line_items": ListOf(
            Object(
                {
                    "discount_amount": Integer(1),
                    "payment_method_options": Anything(),
                    "product_code": Text(12),
                    "product_name": Text(1_024),
                    "quantity": Integer(1),
                    "quantity_precision": Integer(0),
                    "tax": _TAX,
                    "unit_cost": Integer(0),
                    "unit_of_measure": Text(12),
                },
                required=("product_name", "quantity", "unit_cost"),
            ),
            nullable=True,
        ),
        "shipping": Object(
            {
                "amount": Integer(0, nullable=True),
                "from_postal_code": Text(10, nullable=True),
                "to_postal_code": Text(10, nullable=True),
            },
            nullable=True,
        ),
        "tax": _TAX,
    },
    nullable=True,
)
PAYMENT_DETAILS: Final = Object(
    {
        "customer_reference": Text(25, nullable=True),
        "order_reference": Text(25, nullable=True),
    },
    nullable=True,
)
HOOKS: Final = Object(
    {"inputs": Object({"tax": Object({"calculation": Text(nullable=True)})})}, nullable=True
)
_DETAILS: Final[dict[str, Kind]] = {
    "amount_details": AMOUNT_DETAILS,
    "hooks": HOOKS,
    "payment_details": PAYMENT_DETAILS,
}
METHOD_DATA: Final = Object({**DATA, "shared_payment_granted_token": Text()})
_FUTURE: Final = Choice(("off_session", "on_session"), nullable=True)
METHOD_OPTIONS: Final = Object(
    {
        **{kind: AnyObject() for kind in OTHER_TYPES},
        "card": Object(
            {
                "capture_method": Choice(("manual",), nullable=True),
                "request_three_d_secure": Choice(("any", "automatic", "challenge")),
                "setup_future_usage": Choice(("none", "off_session", "on_session"), nullable=True),
                **dict.fromkeys(
                    (
                        "cvc_token",
                        "installments",
                        "mandate_options",
                        "moto",
                        "network",
                        "request_extended_authorization",
                        "request_incremental_authorization",
                        "request_multicapture",
                        "request_overcapture",
                        "require_cvc_recollection",
                        "statement_descriptor_suffix_kana",
                        "statement_descriptor_suffix_kanji",
                        "three_d_secure",
                    ),
                    Anything(),
                ),
            },
            nullable=True,
        ),
        "crypto": CRYPTO,
        "link": Object(
            {
                "capture_method": Choice(("manual",), nullable=True),
                "persistent_token": Text(),
                "setup_future_usage": Choice(("none", "off_session"), nullable=True),
            },
            nullable=True,
        ),
    },
    nullable=True,
)

_TYPES: Final = {
    name: kind for name, kind in selection.WAYS.items() if name != "automatic_payment_methods"
}
_SHARED: Final[dict[str, Kind]] = {
    **_TYPES,
    **_DETAILS,
    "capture_method": Choice(("automatic", "automatic_async", "manual")),
    "payment_method": Text(nullable=True),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": METHOD_OPTIONS,
    "receipt_email": Email(),
    "setup_future_usage": _FUTURE,
    "shared_payment_granted_token": Text(),
    "shared_payment_token": Text(),
    "shipping": SHIPPING,
}
_CHANGING: Final[dict[str, Kind]] = {
    **_SHARED,
    "amount": Integer(1),
    "application_fee_amount": Integer(0, nullable=True),
    "currency": Text(10),
    "customer": Text(nullable=True),
    "customer_account": Text(nullable=True),
    "description": Text(1_000, nullable=True),
    "metadata": Metadata(),
    "payment_method_configuration": Text(),
    "statement_descriptor": Text(22, nullable=True),
    "statement_descriptor_suffix": Text(22, nullable=True),
    "transfer_data": Anything(),
    "transfer_group": Text(nullable=True),
}
_CONFIRMING: Final[dict[str, Kind]] = {
    "confirmation_token": Text(),
    "error_on_requires_action": Boolean(),
    "mandate": Text(),
    "mandate_data": Anything(),
    "off_session": Boolean(),
    "radar_options": Object({"session": Text()}),
    "return_url": Text(nullable=True),
    "use_stripe_sdk": Boolean(),
}
CREATE: Final = Object(
    {
        **_CHANGING,
        **_CONFIRMING,
        **selection.WAYS,
        "confirm": Boolean(),
        "confirmation_method": Choice(("automatic", "manual")),
        "on_behalf_of": Text(),
    },
    required=("amount", "currency"),
)
UPDATE: Final = Object({**_CHANGING, "client_secret": Text()})
CONFIRM: Final = Object(
    {**_SHARED, **_CONFIRMING, "amount_to_confirm": Integer(1), "client_secret": Text()}
)
CAPTURE: Final = Object(
    {
        **_DETAILS,
        "amount_to_capture": Integer(1),
        "application_fee_amount": Integer(0),
        "final_capture": Boolean(),
        "metadata": Metadata(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_data": Anything(),
    }
)
CANCEL: Final = Object(
    {
        "cancellation_reason": Choice(
            ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
        ),
        "client_secret": Text(),
    }
)
LIST: Final = Object({**LIST_FIELDS, **CREATED, "customer": Text(), "customer_account": Text()})

_PUBLIC: Final = (
    "id",
    "object",
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "source",
    "status",
)
"""What a publishable key sees."""
_NOT_FOR_BUYERS: Final = ("amount_to_confirm", "error_on_requires_action", "off_session")


def create(call: Call) -> Record:
    """A new PaymentIntent."""
    return intents.create(call.operation, call.params)


def retrieve(call: Call) -> Record | dict[str, Any]:
    """One PaymentIntent."""
    return _shown(call, _find(call))


def update(call: Call) -> Record:
    """Change a PaymentIntent."""
    intent = _find(call)
    call.params.pop("client_secret", None)
    return intents.update(call.operation, intent, call.params)


def confirm(call: Call) -> Record | dict[str, Any]:
    """Try to charge a PaymentIntent."""
    intent = _find(call)
    if call.publishable:
        for name in _NOT_FOR_BUYERS:
            if name in call.params:
                raise InvalidRequest(
                    f"The parameter {name} needs a secret key.",
                    code="secret_key_required",
                    param=name,
                )
        if intent["confirmation_method"] == "manual":
            raise InvalidRequest(
                "This PaymentIntent's confirmation_method is manual: it is confirmed with a "
                "secret key.",
                code="secret_key_required",
            )
    return _shown(call, intents.confirm(call.operation, intent, call.params))


def capture(call: Call) -> Record:
    """Take what was set aside."""
    return intents.capture(call.operation, _find(call), call.params)


def cancel(call: Call) -> Record:
    """End a PaymentIntent without a payment."""
    return intents.cancel(call.operation, _find(call), call.params.get("cancellation_reason"))


def list_all(call: Call) -> Page:
    """The PaymentIntents, the newest first."""
    return listed(call, TABLE, same=("customer",))


def authenticate(call: Call) -> Record:
    """Pass or fail 3D Secure, in place of the buyer and their bank (facts: stripe 2.3)."""
    op = call.operation
    intent = op.state.find(TABLE, call.id)
    if intent is None:
        raise Missing("payment_intent", call.id, param="id")
    op = op.of(intent.account, livemode=intent["livemode"])
    return intents.authenticate(op, intent, passed=call.params["result"] == "succeed")


def _find(call: Call) -> Record:
    return client_secrets.found(call, TABLE, "PaymentIntent")


def _shown(call: Call, intent: Record) -> Record | dict[str, Any]:
    if not call.publishable:
        return intent
    return {name: intent[name] for name in _PUBLIC}


_PATH: Final = "/v1/payment_intents"

ENDPOINTS: Final = (
    Endpoint("POST", _PATH, create, CREATE),
    Endpoint("GET", _PATH, list_all, LIST),
    Endpoint(
        "GET",
        _PATH + "/{id}",
        retrieve,
        Object({"client_secret": Text()}),
        publishable=True,
    ),
    Endpoint("POST", _PATH + "/{id}", update, UPDATE),
    Endpoint("POST", _PATH + "/{id}/confirm", confirm, CONFIRM, publishable=True),
    Endpoint("POST", _PATH + "/{id}/capture", capture, CAPTURE),
    Endpoint("POST", _PATH + "/{id}/cancel", cancel, CANCEL),
    Endpoint(
        "POST",
        "/_sandbox/payment_intents/{id}/authenticate",
        authenticate,
        Object({"result": Choice(("succeed", "fail"))}, required=("result",)),
    ),
)
