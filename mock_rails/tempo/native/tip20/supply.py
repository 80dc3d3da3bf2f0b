"""Minting and burning under the supply cap (facts 2.2, order of checks in facts 3)."""

from __future__ import annotations

from typing import Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import (
    CHANNEL_RESERVE,
    FEE_MANAGER,
    RECEIVE_POLICY_GUARD,
    STABLECOIN_DEX,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.tip20.ledger import MAX_SUPPLY, MAX_UINT256, Ledger
from mock_rails.tempo.native.tip20.roles import (
    BURN_BLOCKED_ROLE,
    DEFAULT_ADMIN_ROLE,
    ISSUER_ROLE,
    Roles,
)
from mock_rails.tempo.native.tip403.policies import ALLOW_ALL

OVERFLOW: Final = 0x11
"""Solidity's code for a checked addition that does not fit a word; the node answers it too."""

PROTECTED: Final = frozenset({FEE_MANAGER, STABLECOIN_DEX, CHANNEL_RESERVE, RECEIVE_POLICY_GUARD})
"""They hold other people's money, which blocking the holder must not destroy."""


class Supply(Ledger, Roles):
    """What the issuer does."""

    Mint = Event("Mint(address indexed to, uint256 amount)")
    Burn = Event("Burn(address indexed from, uint256 amount)")
    BurnBlocked = Event("BurnBlocked(address indexed from, uint256 amount)")
    SupplyCapUpdate = Event(
        "SupplyCapUpdate(address indexed updater, uint256 indexed newSupplyCap)"
    )

    SupplyCapExceeded = Error("SupplyCapExceeded()")
    InvalidSupplyCap = Error("InvalidSupplyCap()")
    ProtectedAddress = Error("ProtectedAddress()")
    Panic = Error("Panic(uint256)")

    @view("supplyCap() returns (uint256)")
    def get_supply_cap(self) -> int:
        """The most that may exist."""
        return int(self.supply_cap)

    @function("mint(address to, uint256 amount)")
    def mint(self, recipient: bytes, amount: int) -> None:
        """Create money for an account."""
        recipient = self._mint(recipient, amount)
        self.emit(self.Mint, recipient, amount)

    @function("mintWithMemo(address to, uint256 amount, bytes32 memo)")
    def mint_with_memo(self, recipient: bytes, amount: int, memo: bytes) -> None:
        """`mint` with a memo, which is logged between the transfer and the mint."""
        recipient = self._mint(recipient, amount)
        self.emit(self.TransferWithMemo, ZERO_ADDRESS, recipient, amount, memo)
        self.emit(self.Mint, recipient, amount)

    @function("burn(uint256 amount)")
    def burn(self, amount: int) -> None:
        """Destroy the issuer's own money."""
        self._burn(amount)
        self.emit(self.Burn, self.sender, amount)

    @function("burnWithMemo(uint256 amount, bytes32 memo)")
    def burn_with_memo(self, amount: int, memo: bytes) -> None:
        """`burn` with a memo, which is logged between the transfer and the burn."""
        self._burn(amount)
        self.emit(self.TransferWithMemo, self.sender, ZERO_ADDRESS, amount, memo)
        self.emit(self.Burn, self.sender, amount)

    @function("burnBlocked(address from, uint256 amount)")
    def burn_blocked(self, account: bytes, amount: int) -> None:
        """Destroy what an account holds that the token's policy no longer lets send."""
        self.require_unpaused()
        self.require_role(BURN_BLOCKED_ROLE)
        if account == self.address or account in PROTECTED:
            raise self.ProtectedAddress()
        if self.registry.authorized_sender(self.policy_id(), account):
            raise self.PolicyForbids()
        self._destroy(account, amount)
        self.emit(self.BurnBlocked, account, amount)

    @function("setSupplyCap(uint256 newSupplyCap)")
    def set_supply_cap(self, cap: int) -> None:
        """Limit the supply, though never below what exists."""
        self.require_role(DEFAULT_ADMIN_ROLE)
        if cap < self.total_supply:
            raise self.InvalidSupplyCap()
        if cap > MAX_SUPPLY:
            raise self.SupplyCapExceeded()
        self.supply_cap = cap
        self.emit(self.SupplyCapUpdate, self.sender, cap)

    def _mint(self, recipient: bytes, amount: int) -> bytes:
        recipient = self.resolve(recipient)
        self.require_role(ISSUER_ROLE)
        self.require_unpaused()
        self.require_recipient(recipient)
        policy = self.policy_id()
        if policy != ALLOW_ALL and not self.registry.authorized_mint_recipient(policy, recipient):
            raise self.PolicyForbids()
        supply = self.total_supply + amount
        if supply > MAX_UINT256:
            raise self.Panic(OVERFLOW)
        if supply > self.supply_cap:
            raise self.SupplyCapExceeded()
        self.require_receive_policy(self.sender, recipient)
        self.total_supply = supply
        self.credit(recipient, amount)
        self.emit(self.Transfer, ZERO_ADDRESS, recipient, amount)
        return recipient

    def _burn(self, amount: int) -> None:
        self.require_unpaused()
        self.require_role(ISSUER_ROLE)
        self._destroy(self.sender, amount)

    def _destroy(self, account: bytes, amount: int) -> None:
        self.debit(account, amount)
        self.total_supply -= amount
        self.emit(self.Transfer, account, ZERO_ADDRESS, amount)
