"""Charges a stream by the unit against a session's deposit (facts: lightning 2.4).

Nothing is paid up front: showing the session costs nothing, and each unit is spent, durably, before
its bytes leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.methods.lightning_session import Session, Status, deduct, session_receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.lightning.book import SessionBook


class LightningMeter:
    """The meter of one answer."""

    def __init__(
        self,
        book: SessionBook,
        session: Session,
        *,
        amount_sat: int,
        challenge_id: str,
        clock: Clock,
        used: Callable[[Session], None],
    ) -> None:
        """`used` is told of the session after each charge: it is not idle."""
        self._book = book
        self._session = session
        self._amount_sat = amount_sat
        self._challenge_id = challenge_id
        self._clock = clock
        self._used = used
        self._units = 0
        self.total = 0
        """What this answer has cost so far, in satoshis."""

    async def charge(self, units: int = 1) -> None:
        """Persist the charge for what is about to be sent, or raise and charge nothing."""
        if units < 0:
            raise ValueError(f"a charge cannot be negative, got {units} units")
        price_sat, now_s = units * self._amount_sat, self._clock.now_s()

        def change(current: Session | None) -> Session:
            if current is not None:
                self._session = current  # what `need` speaks of, if this is refused
            return deduct(current, price_sat, units, now_s)

        after = await self._book.update(self._session.id, change)
        if after is not None:  # `change` never deletes
            self._session = after
            self._units += units
            self.total += price_sat
            self._used(after)

    async def wait(self, timeout_s: float) -> bool:
        """Wait until one more unit is covered; False if it was not in this time, and at once when
        the session is closed: no deposit will ever cover it."""
        covered = False

        def ready(current: Session | None) -> bool:
            nonlocal covered
            if current is None or current.status is Status.CLOSED:
                return True
            self._session = current
            covered = current.available_sat >= self._amount_sat
            return covered

        await self._book.wait_for(self._session.id, ready, timeout_s)
        return covered

    def need(self) -> dict[str, Any]:
        """The data of `payment-need-topup` and of `session-timeout`. What was spent is the whole
        session's, not this stream's, as in the SDKs."""
        return {
            "sessionId": self._session.id.hex(),
            "balanceSpent": self._session.spent_sat,
            "balanceRequired": self._amount_sat,
        }

    def receipt(self) -> dict[str, Any]:
        """The receipt as it stood at the last charge; what was spent is this stream's."""
        now_us = self._clock.now_us()
        receipt = session_receipt(self._session, self._challenge_id, now_us=now_us)
        return {**receipt, "spent": self.total, "units": self._units}
