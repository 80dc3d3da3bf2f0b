"""Closing sessions: by their payer, or because they are idle; the rest goes back once (facts: 2.5).

    open -> closed, refund pending -> one payment to the return invoice -> succeeded, or failed

The session is closed first, in one atomic step, and whoever made that step sends the rest. So there
is one refund, however many ask for it; and one attempt, whatever comes of it. If nobody saw what
came of it, or the process died before, it is looked up by the invoice's hash. The fee is the
server's, up to a limit: LND takes no limit for "free routes only", and no refund over a hop would
ever arrive (2.6.4).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mpp.errors import PaymentError

from mock_rails.lightning.bolt11 import Bolt11Error, decode
from sandbox.lightning.node import (
    NEVER_BEGUN,
    UNREACHABLE,
    NodeError,
    Paid,
    PaymentFailed,
    PaymentOutcomeUnknown,
)
from sandbox.methods.lightning_session import (
    Refund,
    Session,
    Status,
    close_session,
    refund_ended,
)

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.lightning.node import LightningNode
    from sandbox.server.lightning.book import SessionBook
    from sandbox.server.session.background import Background

REFUND_TIMEOUT_S: Final = 30
PERCENT: Final = 100
_SWEEP_S: Final = 60
"""How often sessions are looked for that other processes opened."""
_BREATH: Final = 64


@dataclass(frozen=True, slots=True)
class FeeLimit:
    """What a refund may cost on top of it. Prices are so small that a share alone rounds to
    nothing (facts 5.1)."""

    least_sat: int = 2
    percent: int = 5

    def of(self, amount_sat: int) -> int:
        """The limit for one amount, in satoshis."""
        return max(self.least_sat, amount_sat * self.percent // PERCENT)


class _InUse(Exception):
    """The session was used meanwhile, by another process."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class Closer:
    """Closes sessions, and knows which are open and which refunds nobody saw the end of."""

    def __init__(
        self,
        book: SessionBook,
        node: LightningNode,
        clock: Clock,
        background: Background,
        *,
        idle_timeout_s: int,
        fee_limit: FeeLimit,
        timeout_s: int = REFUND_TIMEOUT_S,
    ) -> None:
        self._book = book
        self._node = node
        self._clock = clock
        self._background = background
        self._idle_timeout_s = idle_timeout_s
        self._fee_limit = fee_limit
        self._timeout_s = timeout_s
        self._used: dict[bytes, int] = {}
        """Open sessions that this process has seen, and when they were last used."""
        self._swept_s = clock.now_s()
        self._unresolved: set[bytes] = set()
        """Closed sessions whose refund may be under way, or was never begun."""

    def used(self, session: Session) -> None:
        """The session is not idle."""
        self._used[session.id] = session.used_s

    async def close(self, session_id: bytes) -> Session:
        """Close a session and send back what is left. Raises if it is not open."""
        now_s = self._clock.now_s()
        after = await self._book.update(session_id, lambda one: close_session(one, now_s))
        assert after is not None
        return await self._closed(after, "closed")

    async def sweep(self) -> None:
        """Go through all records: earlier processes left sessions and refunds, and others beside
        this one open some."""
        self._swept_s = self._clock.now_s()
        seen = 0
        async for session in self._book.scan():
            if session.status is Status.OPEN:
                self.used(session)
            elif session.refund is Refund.PENDING:
                self._unresolved.add(session.id)
            seen += 1
            if seen % _BREATH == 0:
                await self._clock.yield_to_loop()

    async def look(self) -> None:
        """Close what is idle, and look up the refunds that are open."""
        if not 0 <= self._clock.now_s() - self._swept_s < _SWEEP_S:  # a clock may be set back
            await self.sweep()
        for session_id in tuple(self._unresolved):
            await self._look_up(session_id)
        due_s = self._clock.now_s() - self._idle_timeout_s
        for session_id in [one for one, used_s in self._used.items() if used_s <= due_s]:
            await self._close_if_idle(session_id)

    async def close_all(self) -> list[Session]:
        """Close all open sessions, whoever opened them."""
        await self.sweep()
        closed = []
        for session_id in tuple(self._used):
            try:
                closed.append(await self.close(session_id))
            except PaymentError:  # somebody was faster
                self._used.pop(session_id, None)
        return closed

    # -- inside -----------------------------------------------------------------------------------

    async def _close_if_idle(self, session_id: bytes) -> None:
        now_s = self._clock.now_s()

        def change(session: Session | None) -> Session:
            if session is not None and session.used_s > now_s - self._idle_timeout_s:
                raise _InUse(session)
            return close_session(session, now_s)

        try:
            after = await self._book.update(session_id, change)
        except _InUse as in_use:
            self.used(in_use.session)
        except PaymentError:  # it is closed
            self._used.pop(session_id, None)
        else:
            assert after is not None
            await self._closed(after, "idle")

    async def _closed(self, session: Session, why: str) -> Session:
        """After the one step that closed it: send the rest back, even if who asked has left."""
        self._used.pop(session.id, None)
        self._background.note(
            f"lightning.{why}",
            sessionId=session.id,
            spent=session.spent_sat,
            refundSats=session.refund_sat,
        )
        if session.refund is not Refund.PENDING:
            return session
        self._unresolved.add(session.id)
        sending = self._background.start(("refund", session.id), lambda: self._refund(session))
        await asyncio.shield(sending)
        return await self._book.get(session.id) or session

    async def _refund(self, session: Session) -> None:
        """The one attempt."""
        try:
            await self._node.pay(
                session.return_invoice,
                amount_sat=session.refund_sat,
                fee_limit_sat=self._fee_limit.of(session.refund_sat),
                timeout_s=self._timeout_s,
            )
        except PaymentFailed as failed:
            if failed.reason == UNREACHABLE:  # no attempt yet: it is made when the node is back
                self._background.note("lightning.refund.waits", sessionId=session.id)
            else:
                await self._ended(session, Refund.FAILED, failed.reason)
        except PaymentOutcomeUnknown:
            self._background.note("lightning.refund.unknown", sessionId=session.id)
        else:
            await self._ended(session, Refund.SUCCEEDED)

    async def _look_up(self, session_id: bytes) -> None:
        """What came of a refund; one that was never begun is sent now."""
        if self._background.runs(("refund", session_id)):
            return
        session = await self._book.get(session_id)
        if session is None or session.refund is not Refund.PENDING:
            self._unresolved.discard(session_id)
            return
        try:
            found = await self._node.find_payment(decode(session.return_invoice).payment_hash)
        except (NodeError, Bolt11Error):
            return
        if isinstance(found, Paid):
            await self._ended(session, Refund.SUCCEEDED)
        elif found is not None and found.reason == NEVER_BEGUN:
            await self._background.start(("refund", session_id), lambda: self._refund(session))
        elif found is not None:
            await self._ended(session, Refund.FAILED, found.reason)

    async def _ended(self, session: Session, refund: Refund, reason: str | None = None) -> None:
        await self._book.update(session.id, lambda one: refund_ended(one, refund))
        self._unresolved.discard(session.id)
        self._background.note(
            f"lightning.refund.{refund.value}",
            sessionId=session.id,
            refundSats=session.refund_sat,
            reason=reason,
        )
