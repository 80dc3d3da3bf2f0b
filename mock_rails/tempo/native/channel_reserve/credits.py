"""Whose storage credits the channel reserve holds (fork T7, facts 2.8 and 4.5).

A closed channel frees a slot, and the chain credits the reserve with it. The reserve passes the
credit on: only a payer who had a channel closed gets the price of a next channel's slot back.

The facts name `storageCredits(payer)` and give its gas (4.6: an open of T7 costs a cold load more
than one of T6, a close a load and a write, and an open on credit saves 238,600 of the 245,000 that
a slot costs, so it writes two counts). That the credits are the payers' follows from those.
"""

from __future__ import annotations

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import STORAGE_CREDITS
from mock_rails.tempo.native.contract import NativeContract, view
from mock_rails.tempo.native.storage import Mapping


class PayerCredits(NativeContract):
    """The reserve's own account of its credits."""

    credits = Mapping(1)

    @view("storageCredits(address payer) returns (uint64 credits)")
    def storage_credits(self, payer: bytes) -> int:
        """How many of a payer's next channels get their slot for nothing."""
        return int(self.credits[payer])

    def reserve_credits(self) -> int:
        """All the credits the chain has given this contract."""
        return int(self.frame.scope.world.load((STORAGE_CREDITS, 0, self.address)))

    def count_opened(self, payer: bytes, channel_id: bytes) -> None:
        """Pay for the slot just created with a credit of the payer's, if there is one."""
        owned = self.storage_credits(payer)
        if owned:
            # The chain's count of this contract's credits changes with the payer's.
            self.frame.meter.charge(gas.STORE_RESET)
            self._write(payer, owned, owned - 1)
        else:
            self._count_created(-1)
        scope = self.frame.scope
        scope.set(scope.opened_channels, channel_id, owned > 0)

    def count_closed(self, payer: bytes, channel_id: bytes, credits_before: int) -> None:
        """Pass on the credit for the slot just cleared, before which the reserve had so many.

        A slot that this very transaction created was never paid for, so that is taken back instead.
        """
        owned = self.storage_credits(payer)
        paid_with_credit = self.frame.scope.opened_channels.get(channel_id)
        if paid_with_credit is None:
            gained = self.reserve_credits() - credits_before
        else:
            gained = int(paid_with_credit)
            if not paid_with_credit:
                self._count_created(1)
        if gained:
            self._write(payer, owned, owned + gained)

    def _count_created(self, change: int) -> None:
        """Correct the number of new slots that the chain will pay for with credits."""
        scope = self.frame.scope
        scope.set(scope.created, self.address, scope.created.get(self.address, 0) + change)

    def _write(self, payer: bytes, before: int, after: int) -> None:
        """The protocol's own bookkeeping: priced as a warm write, but never as new state."""
        frame = self.frame
        frame.meter.charge(gas.WARM_LOAD + (gas.STORE_RESET if before else gas.STORE_SET))
        frame.scope.world.store(PayerCredits.credits.key(self.address, payer), after)
