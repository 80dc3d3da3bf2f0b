"""What an earlier run had reserved for vouchers, held against the book of channels.

The book says more than a reservation: `claimed` is what requests have used, so that much is counted
as spent; what is signed beyond it is spare, and pays for the next request. A channel's end decides
the rest: what the payee has captured was spent, and no more can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.client.session.channel import ChannelState
from sandbox.client.session.purse import OPENING, uncounted
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.client.ledger import Ledger, Reservation
    from sandbox.client.session.account import Account


def take_over(ledger: Ledger, accounts: Iterable[Account], *, method: str) -> None:
    """Give each usable channel what was reserved for it; what belongs to none waits for its end."""
    by_session: dict[str | None, list[Reservation]] = {}
    for one in ledger.left_over(method):
        session = one.payment.session
        if session is not None and session.startswith(f"{OPENING} "):
            ledger.release(one)  # the opening's own name is written down before it is sent
        else:
            by_session.setdefault(session, []).append(one)
    for account in accounts:
        found = by_session.get(to_hex(account.record.id), [])
        if not found or not account.is_usable:
            continue
        owed = uncounted(ledger, account.record.id, account.record.claimed)
        for one in found:
            if owed > 0:
                owed -= one.payment.amount
                ledger.commit(one)
            else:
                ledger.take_over(one)
                account.purse.keep(one)
        account.fit_purse()


def settle_closed(ledger: Ledger, accounts: Iterable[Account]) -> None:
    """Count what is unknown of closed channels as spent as far as the payee captured it."""
    closed = {
        to_hex(one.record.id): one.record
        for one in accounts
        if one.record.state is ChannelState.CLOSED
    }
    for one in ledger.unknown:
        record = closed.get(one.payment.session or "")
        if record is not None:
            left = uncounted(ledger, record.id, record.captured)
            ledger.commit(one, min(one.payment.amount, left))
