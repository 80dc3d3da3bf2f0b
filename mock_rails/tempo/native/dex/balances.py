"""Balances held at the exchange: where makers' proceeds and cancelled escrow go (facts 2.10).

What an account holds here is used before its wallet. The wallet is debited without an allowance,
as the exchange is on the implicit approval list (facts 2.1).
"""

from __future__ import annotations

from mock_rails.tempo.addresses import STORAGE_CREDITS
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.dex.orders import Orders
from mock_rails.tempo.native.storage import Mapping


class Balances(Orders):
    """What the exchange owes to accounts, escrow apart."""

    held = Mapping(12)
    """By account and token."""

    InsufficientBalance = Error("InsufficientBalance()")

    @view("balanceOf(address user, address token) returns (uint128)")
    def balance_of(self, user: bytes, token: bytes) -> int:
        """What an account holds here."""
        return int(self.held[user, token])

    @function("withdraw(address token, uint128 amount)")
    def withdraw(self, token: bytes, amount: int) -> None:
        """Move a balance to the caller's wallet."""
        available = self.held[self.sender, token]
        if available < amount:
            raise self.InsufficientBalance()
        self.held[self.sender, token] = available - amount
        self.pay(token, self.sender, amount)

    @view("storageCredits(address user) returns (uint64 credits)")
    def storage_credits(self, user: bytes) -> int:
        """How many new slots the user's next order gets for free.

        The credits for freed slots belong to the exchange as a whole (facts 4.5) and are burnt by
        whoever writes new ones first, so everybody sees the same number.
        """
        del user
        frame = self.frame
        return int(frame.scope.sload((STORAGE_CREDITS, 0, self.address), frame.meter))

    def credit(self, account: bytes, token: bytes, amount: int) -> None:
        """Add to what an account holds here."""
        self.held[account, token] += amount

    def collect(self, token: bytes, account: bytes, amount: int) -> None:
        """Take an amount from an account: from what it holds here, the rest from its wallet."""
        self.require_deposit(token, account)
        held = self.held[account, token]
        if held >= amount:
            self.held[account, token] = held - amount
            return
        self.held[account, token] = 0
        self.tip20(token).system_transfer_from(account, self.address, amount - held)

    def pay(self, token: bytes, account: bytes, amount: int) -> None:
        """Send tokens to a wallet."""
        self.require_tip20(token)
        self.tip20(token).transfer(account, amount)
