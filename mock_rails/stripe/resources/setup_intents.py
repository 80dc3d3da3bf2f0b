"""SetupIntents: saving a payment method before anything is charged (facts: stripe 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks
from mock_rails.stripe.cards import Decline
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing, NotEmulated
from mock_rails.stripe.intents import authorizing, selection
from mock_rails.stripe.parameters import (
    Anything,
    Boolean,
    Choice,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.resources import client_secrets, payment_methods
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.parameters import Kind

TABLE: Final = "setup_intents"

_NEEDS_METHOD: Final = "requires_payment_method"
_NEEDS_CONFIRMATION: Final = "requires_confirmation"
_NEEDS_ACTION: Final = "requires_action"
_OPEN: Final = (_NEEDS_METHOD, _NEEDS_CONFIRMATION, _NEEDS_ACTION)

_ABSENT: Final = {
    "attach_to_self": "payment methods of the account itself",
    "confirmation_token": "confirmation tokens",
    "customer_account": "accounts as customers",
    "payment_method_configuration": "payment method configurations",
    "flow_directions": "outbound payments",
    "on_behalf_of": "setting up for connected accounts",
    "single_use": "single-use mandates",
}
_TYPES: Final = {
    name: kind for name, kind in selection.WAYS.items() if name != "automatic_payment_methods"
}
_SHARED: Final[dict[str, Kind]] = {
    **dict.fromkeys(_ABSENT, Anything()),
    **_TYPES,
    "payment_method": Text(),
    "payment_method_data": Object(payment_methods.DATA),
    "payment_method_options": Object(
        {
            "card": Object(
                {"request_three_d_secure": Choice(("any", "automatic", "challenge"))},
            )
        }
    ),
}
_CHANGING: Final[dict[str, Kind]] = {
    **_SHARED,
    "customer": Text(),
    "description": Text(1_000, nullable=True),
    "metadata": Metadata(),
}
_CONFIRMING: Final[dict[str, Kind]] = {
    "mandate_data": Anything(),
    "return_url": Text(),
    "use_stripe_sdk": Boolean(),
}
CREATE: Final = Object(
    {
        **_CHANGING,
        **_CONFIRMING,
        **selection.WAYS,
        "confirm": Boolean(),
        "usage": Choice(("off_session", "on_session")),
    }
)
UPDATE: Final = Object(_CHANGING)
CONFIRM: Final = Object({**_SHARED, **_CONFIRMING, "client_secret": Text()})
CANCEL: Final = Object(
    {"cancellation_reason": Choice(("abandoned", "duplicate", "requested_by_customer"))}
)


# -- what it does --------------------------------------------------------------------------------


def create(call: Call) -> Record:
    """A new SetupIntent; with `confirm`, an attempt to save the method as well."""
    op, given = call.operation, call.params
    op = clocks.on_clock_of(op, op.find("customers", given.get("customer")))
    setup_id = op.new_id("seti")
    setup = op.create(
        TABLE,
        setup_id,
        {
            "object": "setup_intent",
            "application": None,
            "attach_to_self": False,
            "cancellation_reason": None,
            "client_secret": op.new_id(f"{setup_id}_secret"),
            "customer": None,
            "customer_account": None,
            "description": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "managed_payments": None,
            "mandate": None,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "single_use_mandate": None,
            "status": _NEEDS_METHOD,
            "usage": given.get("usage", "off_session"),
            **selection.select(op.version, given, "usd"),
        },
    )
    _apply(op, setup, given)
    op.emit("setup_intent.created", setup)
    if given.get("confirm"):
        _attempt(op, setup)
    return setup


def retrieve(call: Call) -> Record:
    """One SetupIntent."""
    return _find(call)


def update(call: Call) -> Record:
    """Change one that is not finished."""
    setup = _find(call)
    _require_open(setup, "updated")
    _apply(call.operation, setup, call.params)
    return setup


def confirm(call: Call) -> Record:
    """Try to save the method."""
    setup = _find(call)
    _require_open(setup, "confirmed")
    op = clocks.on_clock_of(call.operation, call.operation.find("customers", setup["customer"]))
    _apply(op, setup, call.params)
    _attempt(op, setup)
    return setup


def cancel(call: Call) -> Record:
    """End it without a saved method."""
    setup = _find(call)
    _require_open(setup, "canceled")
    reason = call.params.get("cancellation_reason")
    call.operation.update(
        setup, {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    )
    call.operation.emit("setup_intent.canceled", setup)
    return setup


def list_all(call: Call) -> Page:
    """The SetupIntents, the newest first."""
    return listed(call, TABLE, same=("customer", "payment_method"))


def authenticate(call: Call) -> Record:
    """Pass or fail 3D Secure, in place of the buyer and their bank (facts: stripe 2.3)."""
    op = call.operation
    setup = op.state.find(TABLE, call.id)
    if setup is None:
        raise Missing("setup_intent", call.id, param="id")
    if setup["status"] != _NEEDS_ACTION:
        raise _unexpected(setup, f"This SetupIntent waits for nobody: it is {setup['status']}.")
    op = op.of(setup.account, livemode=setup["livemode"])
    method = op.get(payment_methods.TABLE, setup["payment_method"])
    if call.params["result"] == "succeed":
        _succeed(op, setup, method)
    else:
        _fail(op, setup, method, _NOT_AUTHENTICATED)
    return setup


_NOT_AUTHENTICATED: Final = Decline(
    code="setup_intent_authentication_failure",
    message="The latest attempt to set up the payment method has failed because authentication "
    "failed.",
)


# -- inside --------------------------------------------------------------------------------------


def _find(call: Call) -> Record:
    return client_secrets.found(call, TABLE, "SetupIntent")


def _unexpected(setup: Record, message: str) -> InvalidRequest:
    return InvalidRequest(message, code="setup_intent_unexpected_state", setup_intent=setup.fields)


def _require_open(setup: Record, done: str) -> None:
    if setup["status"] not in _OPEN:
        raise _unexpected(
            setup,
            f"This SetupIntent could not be {done} because it has a status of {setup['status']}.",
        )


def _apply(op: Operation, setup: Record, given: Mapping[str, Any]) -> None:
    for name, what in _ABSENT.items():
        if given.get(name) not in (None, "", "false", False):
            raise NotEmulated(what, param=name)
    changes: dict[str, Any] = {}
    if "description" in given:
        changes["description"] = given["description"]
    if "customer" in given:
        changes["customer"] = op.get("customers", given["customer"], param="customer").id
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(setup["metadata"], given["metadata"])
    options = (given.get("payment_method_options") or {}).get("card")
    if options:
        changes["payment_method_options"] = {"card": options}
    if "payment_method" in given and "payment_method_data" in given:
        raise InvalidRequest(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
            code="parameters_exclusive",
            param="payment_method",
        )
    method = None
    if "payment_method" in given:
        method = payment_methods.resolve(op, given["payment_method"], param="payment_method")
    elif given.get("payment_method_data"):
        method = payment_methods.from_data(op, given["payment_method_data"], "payment_method_data")
    if method is not None:
        payment_methods.refuse_used(method)
        owner = changes.get("customer", setup["customer"])
        if method["customer"] not in (None, owner):
            raise InvalidRequest(
                f"The payment method {method.id} belongs to the Customer {method['customer']}. "
                "Please include that Customer in the `customer` parameter.",
                param="payment_method",
            )
        if method["type"] not in setup["payment_method_types"]:
            raise InvalidRequest(
                f"The PaymentMethod provided ({method['type']}) is not allowed for this "
                "SetupIntent.",
                param="payment_method",
            )
        changes |= {
            "payment_method": method.id,
            "status": _NEEDS_CONFIRMATION,
            "next_action": None,
        }
    remembered = {name: given[name] for name in ("return_url", "use_stripe_sdk") if name in given}
    op.update(setup, changes, hidden=remembered)


def _attempt(op: Operation, setup: Record) -> None:
    if setup["payment_method"] is None:
        raise _unexpected(
            setup,
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the "
            "SetupIntent with a payment method and then confirm it again.",
        )
    if selection.may_redirect(setup.fields) and setup.hidden.get("return_url") is None:
        raise InvalidRequest(
            "This SetupIntent is configured to accept payment methods that might redirect your "
            "customer: you must provide a `return_url`, or set "
            "`automatic_payment_methods[allow_redirects]` to `never`.",
            param="return_url",
            setup_intent=setup.fields,
        )
    method = op.get(payment_methods.TABLE, setup["payment_method"], param="payment_method")
    card = payment_methods.card_of(method)
    if card is not None and card.decline is not None and not card.attaches:
        _fail(op, setup, method, card.decline)
        raise card.decline.error(setup_intent=setup.fields, payment_method=method.fields)
    options = setup["payment_method_options"]["card"]
    if card is not None and (
        card.challenge in ("always", "first")
        or (card.challenge and options.get("request_three_d_secure") != "automatic")
    ):
        action = authorizing.next_action(setup, "setup_intent")
        op.update(setup, {"status": _NEEDS_ACTION, "next_action": action})
        op.emit("setup_intent.requires_action", setup)
        return
    _succeed(op, setup, method)


def _succeed(op: Operation, setup: Record, method: Record) -> None:
    op.update(method, hidden={"set_up": True})
    customer = op.find("customers", setup["customer"])
    if customer is not None and method["customer"] is None:
        payment_methods.save(op, method, customer)
    op.update(setup, {"status": "succeeded", "next_action": None, "last_setup_error": None})
    op.emit("setup_intent.succeeded", setup)


def _fail(op: Operation, setup: Record, method: Record, decline: Decline) -> None:
    error = decline.error(payment_method=method.fields).envelope()
    op.update(
        setup,
        {
            "status": _NEEDS_METHOD,
            "payment_method": None,
            "next_action": None,
            "last_setup_error": error,
        },
    )
    op.emit("setup_intent.setup_failed", setup)


_PATH: Final = "/v1/setup_intents"

ENDPOINTS: Final = (
    Endpoint("POST", _PATH, create, CREATE),
    Endpoint(
        "GET",
        _PATH,
        list_all,
        Object(
            {**LIST_FIELDS, **CREATED, "customer": Text(), "payment_method": Text()},
            absent=("attach_to_self", "customer_account"),
        ),
    ),
    Endpoint("GET", _PATH + "/{id}", retrieve, Object({"client_secret": Text()}), publishable=True),
    Endpoint("POST", _PATH + "/{id}", update, UPDATE),
    Endpoint("POST", _PATH + "/{id}/confirm", confirm, CONFIRM, publishable=True),
    Endpoint("POST", _PATH + "/{id}/cancel", cancel, CANCEL),
    Endpoint(
        "POST",
        "/_sandbox/setup_intents/{id}/authenticate",
        authenticate,
        Object({"result": Choice(("succeed", "fail"))}, required=("result",)),
    ),
)
