"""The sessions that a merchant knows, and who may claim which deposit (facts: lightning 2.5, 2.6).

A deposit is one payment and counts once, be it shown as `open` or as `topUp`: the action stands in
the payload, which the challenge does not cover. So one set of marks names the session that each
deposit belongs to. A mark is put before the session is changed, and says for whom: who died in
between finds it is its own, and goes on; the session's record knows which deposits it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.methods.lightning_charge.problems import UnknownChallengeError
from sandbox.methods.lightning_session import Session, SessionCodec, Status
from sandbox.methods.lightning_session.problems import InvalidReturnInvoiceError
from sandbox.server.stores.watched import WatchedRecords

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.server.stores import Store

KEPT_LONGER_S: Final = 3_600
"""A mark outlives its challenge, so that no clock that is moved a little revives a deposit."""


class SessionBook(WatchedRecords[Session]):
    """All sessions of one merchant, by their ids."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store.records("lightning-sessions", SessionCodec()), clock)
        self._deposits = store.replays()

    async def claim(self, payment_hash: bytes, session_id: bytes, *, end_s: int) -> None:
        """Let a deposit be this session's, or raise `UnknownChallengeError` if it is another's.
        `end_s` is when its challenge ends. A mark is never taken away; if its session was closed
        without the deposit, which it can never take then, the next mark says whose it is now."""
        key, owner = _mark(payment_hash), session_id.hex()
        until_s = end_s + KEPT_LONGER_S
        while not await self._deposits.put_if_absent(key, owner, expires_at_s=until_s):
            found = await self._deposits.get(key)
            if found == owner:
                return
            if not found or not await self._went_without(bytes.fromhex(found), payment_hash):
                raise UnknownChallengeError
            key = _mark(payment_hash, f"deposit-after:{found}")

    async def _went_without(self, session_id: bytes, payment_hash: bytes) -> bool:
        """Whether a session was closed and has not had this deposit."""
        session = await self.get(session_id)
        return (
            session is not None
            and session.status is Status.CLOSED
            and payment_hash not in session.deposits
        )

    async def claim_return(self, payment_hash: bytes, session_id: bytes, *, end_s: int) -> None:
        """Let an invoice take this session's rest, or raise `InvalidReturnInvoiceError` if it is to
        take another's: a node pays an invoice once, and the second rest would be said to be paid.
        `end_s` is when it expires, and nothing can be paid to it any more."""
        key, owner = _mark(payment_hash, "return"), session_id.hex()
        if await self._deposits.put_if_absent(key, owner, expires_at_s=end_s + KEPT_LONGER_S):
            return
        if await self._deposits.get(key) != owner:
            raise InvalidReturnInvoiceError("it is another session's")

    async def consume(self, payment_hash: bytes, *, end_s: int) -> None:
        """Take a payment that is no deposit, once, or raise `UnknownChallengeError`."""
        until_s = end_s + KEPT_LONGER_S
        if not await self._deposits.put_if_absent(_mark(payment_hash), "", expires_at_s=until_s):
            raise UnknownChallengeError


def _mark(payment_hash: bytes, what: str = "deposit") -> str:
    return f"mpp:lightning:{what}:{payment_hash.hex()}"
