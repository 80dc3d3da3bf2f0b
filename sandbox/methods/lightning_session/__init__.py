"""lightning/session: a deposit paid once, spent by the unit, the rest refunded (facts: 2).

The protocol as pure functions: what travels (`request`, `payload`, `receipt`), the payer's invoice
for the refund (`return_invoice`), and what a session is and may become (`session`, `rules`). Who
calls applies a rule inside one atomic update of the store, so that no two can spend the same
satoshi. Spec: facts, lightning 2.1-2.6.
"""

from sandbox.methods.lightning_session.payload import (
    Bearer,
    Close,
    Open,
    Payload,
    TopUp,
    parse_payload,
)
from sandbox.methods.lightning_session.receipt import close_receipt, session_receipt
from sandbox.methods.lightning_session.request import SessionRequest, parse_request, stable_parts
from sandbox.methods.lightning_session.return_invoice import RETURN_EXPIRY_S, check_return_invoice
from sandbox.methods.lightning_session.rules import (
    add_deposit,
    check_bearer,
    close_session,
    deduct,
    open_session,
    refund_ended,
    touch,
)
from sandbox.methods.lightning_session.session import Refund, Session, SessionCodec, Status

__all__ = [
    "RETURN_EXPIRY_S",
    "Bearer",
    "Close",
    "Open",
    "Payload",
    "Refund",
    "Session",
    "SessionCodec",
    "SessionRequest",
    "Status",
    "TopUp",
    "add_deposit",
    "check_bearer",
    "check_return_invoice",
    "close_receipt",
    "close_session",
    "deduct",
    "open_session",
    "parse_payload",
    "parse_request",
    "refund_ended",
    "session_receipt",
    "stable_parts",
    "touch",
]
