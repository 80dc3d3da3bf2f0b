"""The refusal that charged nothing: whoever takes the payment could not be asked.

Methods raise it where an outcome is definite although nobody answered; the gate makes a 503 of it,
and a client sends the same credential again (facts: protocol 1.5).
"""

from __future__ import annotations

from mpp.errors import InternalPaymentError, PaymentError


class PaymentUncheckedError(PaymentError):
    """The payment could not be looked at, so nothing was charged: the same credential may come
    again."""

    status = 503
    type = InternalPaymentError.type
    title = InternalPaymentError.title
    hint = "Nothing was charged here. Send the same credential again in a moment."

    def __init__(self, words: str = "The payment could not be checked.") -> None:
        super().__init__(words)
