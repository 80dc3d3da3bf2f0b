"""The states of a PaymentIntent and what may be done in each (facts: stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from mock_rails.stripe.model import Record

TABLE: Final = "payment_intents"

NEEDS_METHOD: Final = "requires_payment_method"
NEEDS_CONFIRMATION: Final = "requires_confirmation"
NEEDS_ACTION: Final = "requires_action"
PROCESSING: Final = "processing"
NEEDS_CAPTURE: Final = "requires_capture"
SUCCEEDED: Final = "succeeded"
CANCELED: Final = "canceled"

CONFIRMABLE: Final = (NEEDS_METHOD, NEEDS_CONFIRMATION, NEEDS_ACTION)

TRANSITIONS: Final = {
    NEEDS_METHOD: {
        NEEDS_CONFIRMATION, NEEDS_ACTION, PROCESSING, NEEDS_CAPTURE, SUCCEEDED, CANCELED,
    },
    NEEDS_CONFIRMATION: {
        NEEDS_METHOD, NEEDS_ACTION, PROCESSING, NEEDS_CAPTURE, SUCCEEDED, CANCELED,
    },
    NEEDS_ACTION: {
        NEEDS_METHOD, NEEDS_CONFIRMATION, PROCESSING, NEEDS_CAPTURE, SUCCEEDED, CANCELED,
    },
    PROCESSING: {NEEDS_METHOD, SUCCEEDED},
    NEEDS_CAPTURE: {SUCCEEDED, CANCELED},
    SUCCEEDED: set(),
    CANCELED: set(),
}  # fmt: skip
"""From each state the others that it can become."""

_MAY: Final = {
    "confirm": ("confirmed", CONFIRMABLE),
    "capture": ("captured", (NEEDS_CAPTURE,)),
    "cancel": ("canceled", (*CONFIRMABLE, NEEDS_CAPTURE)),
    "update": ("updated", CONFIRMABLE),
    "authenticate": ("authenticated", (NEEDS_ACTION,)),
}


def require(intent: Record, deed: str) -> None:
    """Refuse a deed that the PaymentIntent's state forbids; the error holds the PaymentIntent."""
    done, states = _MAY[deed]
    if intent["status"] in states:
        return
    if intent["status"] == SUCCEEDED and deed == "capture":
        words = "because it has already been captured."
    elif intent["status"] == SUCCEEDED and deed == "confirm":
        words = (
            "because it has already succeeded after being previously confirmed. Create a new "
            "PaymentIntent to charge again."
        )
    else:
        listed = ", ".join(states)
        words = (
            f"because it has a status of {intent['status']}. Only a PaymentIntent with one of the "
            f"following statuses may be {done}: {listed}."
        )
    raise unexpected(intent, f"This PaymentIntent could not be {done} {words}")


def unexpected(intent: Record, message: str) -> InvalidRequest:
    """The error of what the state forbids."""
    return InvalidRequest(
        message, code="payment_intent_unexpected_state", payment_intent=intent.fields
    )
