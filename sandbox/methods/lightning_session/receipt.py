"""A session's receipts: what an answer came to, what went back at the end (facts: 2.2, 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.methods.lightning_charge.receipt import charge_receipt
from sandbox.methods.lightning_session.session import Refund

if TYPE_CHECKING:
    from sandbox.methods.lightning_session.session import Session


def session_receipt(session: Session, challenge_id: str, *, now_us: int) -> dict[str, Any]:
    """A receipt whose reference is the session's id."""
    return charge_receipt(session.id, challenge_id, now_us=now_us)


def closing(session: Session) -> dict[str, Any]:
    """How much goes back and what became of it. While nobody knows, it says `failed`, which is the
    draft's only word for "not yet": clients must live with it (facts 2.6.5)."""
    refund = Refund.FAILED if session.refund is Refund.PENDING else session.refund
    return {
        "refundSats": session.refund_sat,
        "refundStatus": (refund or Refund.SKIPPED).value,
    }


def close_receipt(session: Session, challenge_id: str, *, now_us: int) -> dict[str, Any]:
    """The receipt of a close; no other says what was refunded."""
    return {**session_receipt(session, challenge_id, now_us=now_us), **closing(session)}
