"""Charges a streamed answer by the unit, against the channel that its credential named.

One unit is paid up front by GET and by open, and held here; the rest is spent as it is sent, each
unit persisted before its bytes leave (facts: protocol 2.5, 2.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.methods.tempo_session import Channel, SessionReceipt, Status, spend
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.methods.tempo_session.problems import ChannelClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_rails.core.clock import Clock
    from sandbox.server.session.book import ChannelBook


class SessionMeter:
    """The meter of one answer."""

    def __init__(
        self,
        book: ChannelBook,
        channel: Channel,
        *,
        amount: int,
        challenge_id: str,
        clock: Clock,
        prepaid: int,
        charged: Callable[[Channel], None],
    ) -> None:
        self._book = book
        self._channel = channel
        self._amount = amount
        self._challenge_id = challenge_id
        self._clock = clock
        self._prepaid = prepaid
        self._charged = charged
        self.total = prepaid * amount
        """What the answer has cost so far, with what was paid up front, in base units."""

    async def charge(self, units: int = 1) -> None:
        """Persist the charge for what is about to be sent, or raise and charge nothing."""
        if units < 0:
            raise ValueError(f"a charge cannot be negative, got {units} units")
        due = units - min(units, self._prepaid)
        if due:
            amount = due * self._amount

            def change(current: Channel | None) -> Channel:
                if current is None:
                    raise ChannelClosedError("channel not found")
                self._channel = current  # what `need` speaks of, if this is refused
                return spend(current, amount, due)

            after = await self._book.update(self._channel.id, change)
            if after is not None:  # `change` never deletes
                self._channel = after
                self.total += amount
                self._charged(after)
        self._prepaid -= units - due

    async def wait(self, timeout_s: float) -> bool:
        """Wait until one more unit is covered; False if it was not in this time.

        False at once when the channel is ending: no voucher will ever cover it.
        """
        if self._prepaid:
            return True
        covered = False

        def ready(current: Channel | None) -> bool:
            nonlocal covered
            if current is None or current.status is not Status.OPEN or current.close_requested_at_s:
                return True
            self._channel = current
            covered = current.available >= self._amount
            return covered

        await self._book.wait_for(self._channel.id, ready, timeout_s)
        return covered

    def need(self) -> dict[str, Any]:
        """The data of a `payment-need-voucher` event."""
        channel = self._channel
        return {
            "channelId": to_hex(channel.id),
            "requiredCumulative": str(channel.spent + self._amount),
            "acceptedCumulative": str(channel.accepted),
            "deposit": str(channel.deposit),
        }

    def receipt(self) -> dict[str, Any]:
        """The session receipt as it stood at the last charge."""
        now_us = self._clock.now_us()
        return SessionReceipt.of(self._channel, self._challenge_id, now_us=now_us).to_json()
