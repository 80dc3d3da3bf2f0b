"""open, bearer, topUp and close: the rules, applied to the store (facts: lightning 2.2, 2.6).

Each is at most one atomic update of the session's record, so that racing requests never spend the
same satoshi. What can be checked without the store is checked before a deposit is claimed: a
refused open leaves its deposit, for the client to mend what was wrong and show it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.methods.lightning_charge import check_preimage
from sandbox.methods.lightning_charge.problems import UnknownChallengeError
from sandbox.methods.lightning_session import (
    Session,
    add_deposit,
    check_bearer,
    check_return_invoice,
    deduct,
    open_session,
    touch,
)
from sandbox.methods.lightning_session.problems import (
    ChallengeExpiredError,
    InsufficientBalanceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock
    from sandbox.methods.lightning_session import Bearer, Close, Open, SessionRequest, TopUp
    from sandbox.server.lightning.book import SessionBook
    from sandbox.server.lightning.closing import Closer

    Change = Callable[[Session | None], Session | None]


class Actions:
    """A session server's answers to the four things a client says."""

    def __init__(self, book: SessionBook, closer: Closer, clock: Clock) -> None:
        self._book = book
        self._closer = closer
        self._clock = clock

    async def open(
        self, asked: SessionRequest, payload: Open, price_sat: int, units: int
    ) -> Session:
        """Open a session with this challenge's deposit, and spend `price_sat` of it."""
        end_s, now_s = self._checked(asked, payload.preimage), self._clock.now_s()
        assert asked.deposit is not None
        network = asked.deposit.network
        returning = check_return_invoice(payload.return_invoice, network=network, now_s=now_s)
        if asked.deposit_sat < asked.amount_sat:
            raise InsufficientBalanceError
        opening = Session(
            id=asked.payment_hash,
            deposit_sat=asked.deposit_sat,
            return_invoice=payload.return_invoice,
            opened_s=now_s,
            used_s=now_s,
        )
        await self._book.claim_return(
            returning.payment_hash, opening.id, end_s=returning.expires_at_s
        )
        await self._book.claim(opening.id, opening.id, end_s=end_s)
        return await self._update(
            opening.id, lambda before: open_session(before, opening, price_sat, units)
        )

    async def bearer(self, payload: Bearer, price_sat: int, units: int) -> Session:
        """Look at the session that the preimage belongs to, and spend `price_sat` of it: nothing
        for a stream, whose units are charged as they are sent."""
        session = check_bearer(await self._book.get(payload.session_id), payload.preimage)
        now_s = self._clock.now_s()
        if price_sat:
            return await self._update(
                session.id, lambda before: deduct(before, price_sat, units, now_s)
            )
        if session.used_s < now_s:
            return await self._update(session.id, lambda before: touch(before, now_s))
        return session

    async def top_up(self, asked: SessionRequest, payload: TopUp) -> Session:
        """Credit this challenge's deposit to a session, which need not be of the same route."""
        end_s, now_s = self._checked(asked, payload.preimage), self._clock.now_s()
        session_id, payment_hash = payload.session_id, asked.payment_hash
        touch(await self._book.get(session_id), now_s)  # open, or nothing is claimed for it
        await self._book.claim(payment_hash, session_id, end_s=end_s)
        return await self._update(
            session_id,
            lambda before: add_deposit(before, payment_hash, asked.deposit_sat, now_s),
        )

    async def close(self, payload: Close) -> Session:
        """Close the session and send back what is left."""
        session = check_bearer(await self._book.get(payload.session_id), payload.preimage)
        return await self._closer.close(session.id)

    def _checked(self, asked: SessionRequest, preimage: bytes) -> int:
        """When the deposit's invoice ends, if it has not and the preimage is its own. A challenge
        without a deposit has nothing to open or to top up with."""
        if asked.deposit is None:
            raise UnknownChallengeError
        end_s = asked.deposit.expires_at_s
        if self._clock.now_s() >= end_s:
            raise ChallengeExpiredError
        check_preimage(preimage, asked.payment_hash)
        return end_s

    async def _update(self, session_id: bytes, change: Change) -> Session:
        after = await self._book.update(session_id, change)
        assert after is not None  # no rule deletes
        self._closer.used(after)
        return after
