"""Making a PaymentIntent (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import clocks
from mock_rails.stripe.currencies import check_currency
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.intents import selection, states, updating
from mock_rails.stripe.intents.confirming import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

ASYNC_SINCE: Final = "2024-04-10"
"""Since when balance transactions come a moment after the charge, unless asked otherwise."""

_WITH_CONFIRM: Final = (
    "error_on_requires_action",
    "mandate",
    "mandate_data",
    "off_session",
    "return_url",
)
"""What concerns the confirmation, and is refused where nothing is confirmed."""

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    },
    "link": {"persistent_token": None},
    "crypto": {},
}
_BLANK: Final[dict[str, Any]] = dict.fromkeys(
    (
        "agent_details",
        "application",
        "application_fee_amount",
        "canceled_at",
        "cancellation_reason",
        "customer",
        "customer_account",
        "description",
        "hooks",
        "last_payment_error",
        "latest_charge",
        "managed_payments",
        "next_action",
        "on_behalf_of",
        "payment_details",
        "payment_method",
        "payment_method_configuration_details",
        "payment_record",
        "presentment_details",
        "processing",
        "receipt_email",
        "review",
        "setup_future_usage",
        "shipping",
        "source",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    )
)
"""What a PaymentIntent has nothing of when it is made."""


def create(op: Operation, given: Mapping[str, Any]) -> Record:
    """A new PaymentIntent; with `confirm`, an attempt to charge it as well. One whose customer
    lives on a test clock is made at that clock's time."""
    for name in _WITH_CONFIRM:
        if given.get(name) and not given.get("confirm"):
            raise InvalidRequest(
                f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless "
                "`confirm` is set to true.",
                param=name,
            )
    op = clocks.on_clock_of(op, op.find("customers", given.get("customer")))
    currency = check_currency(given["currency"])
    chosen = selection.select(op.version, given, currency)
    intent_id = op.new_id("pi")
    default = "automatic_async" if op.version.since(ASYNC_SINCE) else "automatic"
    intent = op.create(
        states.TABLE,
        intent_id,
        {
            **_BLANK,
            "object": "payment_intent",
            "amount": given["amount"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": default,
            "client_secret": op.new_id(f"{intent_id}_secret"),
            "confirmation_method": given.get("confirmation_method", "automatic"),
            "currency": currency,
            "metadata": {},
            "payment_method_options": {
                kind: _OPTIONS[kind] for kind in chosen["payment_method_types"] if kind in _OPTIONS
            },
            "status": states.NEEDS_METHOD,
            **chosen,
        },
    )
    later = {name: value for name, value in given.items() if name not in selection.WAYS}
    updating.apply(op, intent, later)
    op.emit("payment_intent.created", intent)
    if given.get("confirm"):
        attempt(op, intent, given)
    return intent
