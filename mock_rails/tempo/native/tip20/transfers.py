"""TIP-20 transfers, with and without a memo, and approvals (facts 2.2, check order in facts 3)."""

from __future__ import annotations

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import function, view
from mock_rails.tempo.native.tip20.ledger import Ledger


class Transfers(Ledger):
    """What every payment uses."""

    Approval = Event("Approval(address indexed owner, address indexed spender, uint256 amount)")

    @view("balanceOf(address account) returns (uint256)")
    def balance_of(self, account: bytes) -> int:
        """What an account holds."""
        return int(self.balances[account])

    @view("totalSupply() returns (uint256)")
    def get_total_supply(self) -> int:
        """What all accounts hold."""
        return int(self.total_supply)

    @view("allowance(address owner, address spender) returns (uint256)")
    def get_allowance(self, owner: bytes, spender: bytes) -> int:
        """What a spender may still take."""
        return int(self.allowances[owner, spender])

    @function("transfer(address to, uint256 amount) returns (bool)")
    def transfer(self, recipient: bytes, amount: int) -> bool:
        """Pay from the caller."""
        self._transfer(recipient, amount)
        return True

    @function("transferWithMemo(address to, uint256 amount, bytes32 memo)")
    def transfer_with_memo(self, recipient: bytes, amount: int, memo: bytes) -> None:
        """Pay from the caller and tie a memo to it: SDKs bind it to a challenge."""
        self._transfer(recipient, amount)
        self.emit(self.TransferWithMemo, self.sender, recipient, amount, memo)

    @function("transferFrom(address from, address to, uint256 amount) returns (bool)")
    def transfer_from(self, owner: bytes, recipient: bytes, amount: int) -> bool:
        """Pay from an account that approved the caller."""
        self._transfer_from(owner, recipient, amount)
        return True

    @function(
        "transferFromWithMemo(address from, address to, uint256 amount, bytes32 memo)"
        " returns (bool)"
    )
    def transfer_from_with_memo(
        self, owner: bytes, recipient: bytes, amount: int, memo: bytes
    ) -> bool:
        """`transferFrom` with a memo."""
        self._transfer_from(owner, recipient, amount)
        self.emit(self.TransferWithMemo, owner, recipient, amount, memo)
        return True

    @function("approve(address spender, uint256 amount) returns (bool)")
    def approve(self, spender: bytes, amount: int) -> bool:
        """Let a spender take up to an amount; an access key pays for the increase only."""
        current = self.allowances[self.sender, spender]
        if amount > current:
            self.charge_access_key(self.sender, amount - current)
        else:
            self.frame.meter.charge(gas.TRANSIENT)  # the key is looked for all the same
        self.set_allowance(self.sender, spender, amount)
        return True

    def set_allowance(self, owner: bytes, spender: bytes, amount: int) -> None:
        """Write an allowance and log it."""
        self.allowances[owner, spender] = amount
        self.emit(self.Approval, owner, spender, amount)

    def _transfer(self, recipient: bytes, amount: int) -> None:
        sender = self.sender
        recipient = self.resolve(recipient)
        self.require_unpaused()
        self.require_recipient(recipient)
        self.require_policy(sender, recipient)
        self.charge_access_key(sender, amount)
        self.require_receive_policy(sender, recipient)
        self.move(sender, recipient, amount)

    def _transfer_from(self, owner: bytes, recipient: bytes, amount: int) -> None:
        recipient = self.resolve(recipient)
        self.require_unpaused()
        self.require_recipient(recipient)
        self.require_policy(owner, recipient)
        self.spend_allowance(owner, self.sender, amount)
        self.require_receive_policy(owner, recipient)
        self.move(owner, recipient, amount)
