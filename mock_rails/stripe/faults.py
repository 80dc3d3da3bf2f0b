"""Where Stripe can be made to fail, and how (facts: stripe 6, must 11)."""

from __future__ import annotations

from typing import Final

from mock_rails.core.faults import FaultAction, FaultPoint

REQUEST: Final = "stripe.request"
CARD: Final = "stripe.card"
WEBHOOK: Final = "stripe.webhook"

FAULT_POINTS: Final = (
    FaultPoint(
        REQUEST,
        "A request has arrived.",
        (
            FaultAction(
                "error",
                "answer this status and code; nothing is done",
                ("status", "code", "message", "type", "should_retry"),
                whole=("status",),
            ),
            FaultAction("rate_limit", "answer 429; nothing is done", ("reason",)),
            FaultAction("delay", "answer late by wall time", ("ms",), whole=("ms",)),
            FaultAction("drop", "break the connection; nothing is done"),
            FaultAction("commit_then_drop", "do it, then break the connection before the answer"),
            FaultAction(
                "commit_then_error",
                "do it, then answer this status",
                ("status",),
                whole=("status",),
            ),
            FaultAction(
                "hold",
                "take so long that a second try meets a running first (409)",
                ("ms",),
                whole=("ms",),
            ),
            FaultAction("truncate", "do it, then send half of the answer"),
            FaultAction("garble", "do it, then answer what is not JSON"),
        ),
        context=(
            "verb",
            "path",
            "route",
            "key",
            "account",
            "idempotency_key",
            "challenge_id",
        ),
    ),
    FaultPoint(
        CARD,
        "A card is about to be charged.",
        (
            FaultAction("decline", "the card says no", ("code", "decline_code")),
            FaultAction("requires_action", "the bank wants to see the buyer (3D Secure)"),
        ),
        context=("payment_intent", "amount", "currency", "last4"),
    ),
    FaultPoint(
        WEBHOOK,
        "An event is about to be sent to a webhook endpoint.",
        (
            FaultAction("lose", "never send it"),
            FaultAction("duplicate", "send it twice or more", ("times",), whole=("times",)),
            FaultAction("delay", "send it later by sandbox time", ("s",), whole=("s",)),
            FaultAction("swap", "send it after the endpoint's next event, or in a minute"),
        ),
        context=("endpoint", "type", "url"),
    ),
)
