"""What may become of a session: pure steps, each for one atomic update of the store (facts: 2.5).

`None` is a session that nobody has opened. A step that is not allowed raises and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.methods.lightning_charge.problems import UnknownChallengeError
from sandbox.methods.lightning_charge.rules import check_preimage
from sandbox.methods.lightning_session.problems import (
    InsufficientBalanceError,
    SessionClosedError,
    SessionNotFoundError,
)
from sandbox.methods.lightning_session.session import Refund, Session, Status


def check_bearer(session: Session | None, preimage: bytes) -> Session:
    """The session, if it is open and the preimage is that of its first deposit."""
    if session is None:
        raise SessionNotFoundError
    check_preimage(preimage, session.id)
    return _opened(session)


def open_session(before: Session | None, opening: Session, price_sat: int, units: int) -> Session:
    """A new session that pays `price_sat` at once. A deposit opens one session: to show it again
    changes nothing, above all not what was spent (facts 2.6.2)."""
    if before is not None:
        raise UnknownChallengeError
    return deduct(opening, price_sat, units, opening.opened_s) if price_sat else opening


def deduct(session: Session | None, price_sat: int, units: int, now_s: int) -> Session:
    """Spend the price of some units, if it is covered."""
    session = _opened(session)
    if session.available_sat < price_sat:
        raise InsufficientBalanceError(
            f"{session.available_sat} of {session.deposit_sat} sat are left, and {price_sat} sat"
            " are asked for"
        )
    return replace(
        session,
        spent_sat=session.spent_sat + price_sat,
        units=session.units + units,
        used_s=now_s,
    )


def touch(session: Session | None, now_s: int) -> Session:
    """It was used: it is idle from now on."""
    session = _opened(session)
    return session if session.used_s >= now_s else replace(session, used_s=now_s)


def add_deposit(
    session: Session | None, payment_hash: bytes, amount_sat: int, now_s: int
) -> Session:
    """Credit a further deposit, once."""
    session = _opened(session)
    if payment_hash in session.deposits:
        raise UnknownChallengeError
    return replace(
        session,
        deposit_sat=session.deposit_sat + amount_sat,
        top_ups=(*session.top_ups, payment_hash),
        used_s=now_s,
    )


def close_session(session: Session | None, now_s: int) -> Session:
    """Closed, before anything is sent back: from here on nothing is spent, so what is left is
    known, and whoever makes this step is the only one to send it."""
    session = _opened(session)
    left_sat = session.available_sat
    return replace(
        session,
        status=Status.CLOSED,
        refund_sat=left_sat,
        refund=Refund.PENDING if left_sat else Refund.SKIPPED,
        used_s=now_s,
    )


def refund_ended(session: Session | None, refund: Refund) -> Session:
    """What became of the refund of a closed session; once it is known, it stays."""
    if session is None:
        raise SessionNotFoundError
    return replace(session, refund=refund) if session.refund is Refund.PENDING else session


def _opened(session: Session | None) -> Session:
    if session is None:
        raise SessionNotFoundError
    if session.status is Status.CLOSED:
        raise SessionClosedError
    return session
