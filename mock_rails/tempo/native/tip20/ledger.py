"""The heart of TIP-20: who owns what, and the order of checks under which it moves (facts 3).

Each concern of the token is a class of its own; they share this ledger and `token.py` joins them.
"""

from __future__ import annotations

from typing import Final

from mock_rails.tempo import gas
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import (
    ACCOUNT_KEYCHAIN,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
    is_tip20,
    is_virtual,
)
from mock_rails.tempo.native.contract import Error, NativeContract
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.native.storage import BOOL, Mapping, Packed, Value
from mock_rails.tempo.native.tip403 import Tip403Registry
from mock_rails.tempo.native.tip403.policies import ALLOW_ALL

MAX_UINT256: Final = (1 << 256) - 1
MAX_SUPPLY: Final = (1 << 128) - 1


class Ledger(NativeContract):
    """Balances, supply, and the gates a transfer passes."""

    title = "TIP20 token error"

    quote_and_policy = Value(7, Packed(160, 64))
    """The next quote token in the low 20 bytes; above it the policy of a token older than T9."""

    total_supply = Value(8)
    balances = Mapping(9)
    allowances = Mapping(10)
    paused_flag = Value(12, BOOL)
    supply_cap = Value(13)

    Transfer = Event("Transfer(address indexed from, address indexed to, uint256 amount)")
    TransferWithMemo = Event(
        "TransferWithMemo(address indexed from, address indexed to, uint256 amount,"
        " bytes32 indexed memo)"
    )

    Uninitialized = Error("Uninitialized()")
    ContractPaused = Error("ContractPaused()")
    InvalidRecipient = Error("InvalidRecipient()")
    VirtualAddressUnregistered = Error("VirtualAddressUnregistered()")
    PolicyForbids = Error("PolicyForbids()")
    InsufficientBalance = Error(
        "InsufficientBalance(uint256 available, uint256 required, address token)"
    )
    InsufficientAllowance = Error("InsufficientAllowance()")

    def enter(self) -> None:
        """Every function first checks that the token was created."""
        self.frame.meter.charge(gas.WARM_LOAD)
        if not self.frame.scope.world.code(self.address):
            raise self.Uninitialized()

    # -- the gates --------------------------------------------------------------------------------

    def resolve(self, recipient: bytes) -> bytes:
        """Whom a recipient stands for. No virtual address is registered here, so none can be paid.

        The registry of virtual addresses asks for a proof of work and is not emulated (facts 2.12).
        """
        if is_virtual(recipient):
            raise self.VirtualAddressUnregistered()
        return recipient

    def require_unpaused(self) -> None:
        """Pausing stops transfers, mints, burns and fee debits."""
        if self.paused_flag:
            raise self.ContractPaused()

    def require_recipient(self, recipient: bytes) -> None:
        """Money sent to nobody or to a token would be lost."""
        if recipient == ZERO_ADDRESS or is_tip20(recipient):
            raise self.InvalidRecipient()

    @property
    def registry(self) -> Tip403Registry:
        """The registry of transfer policies."""
        return self.contract(Tip403Registry, TIP403_REGISTRY)

    def policy_id(self) -> int:
        """The TIP-403 policy in force: kept by the registry since T9, before that by the token."""
        registered = self.registry.token_policy(self.address)
        return self.own_policy_id() if registered is None else registered

    def own_policy_id(self) -> int:
        """The policy of a token that was not migrated to the registry."""
        policy: int = self.quote_and_policy[1]
        return policy

    def require_policy(self, sender: bytes, recipient: bytes) -> None:
        """The sender may send, then the recipient may receive, or `PolicyForbids`."""
        policy = self.policy_id()
        if policy == ALLOW_ALL:
            return
        registry = self.registry
        if not registry.authorized_sender(policy, sender):
            raise self.PolicyForbids()
        if not registry.authorized_recipient(policy, recipient):
            raise self.PolicyForbids()

    def require_receive_policy(self, sender: bytes, recipient: bytes) -> None:
        """The recipient's own policy about what it is sent (fork T6).

        On Tempo a refused payment is kept by the ReceivePolicyGuard; without one it reverts.
        """
        if not self.registry.accepts(self.address, sender, recipient):
            raise self.PolicyForbids()

    def charge_access_key(self, account: bytes, amount: int) -> None:
        """Count the amount against the spending limit of the access key that signed, if one did.

        Limits act only on what the account itself does at the top level (facts 2.6).
        """
        scope = self.frame.scope
        self.frame.meter.charge(gas.TRANSIENT)
        if scope.key_id is not None and account == scope.origin:
            self.contract(AccountKeychain, ACCOUNT_KEYCHAIN).spend(account, self.address, amount)

    # -- moving -----------------------------------------------------------------------------------

    def move(self, sender: bytes, recipient: bytes, amount: int) -> None:
        """Move balance and log it; the gates have been passed."""
        self.debit(sender, amount)
        self.credit(recipient, amount)
        self.emit(self.Transfer, sender, recipient, amount)

    def debit(self, account: bytes, amount: int) -> None:
        """Take from a balance."""
        available = self.balances[account]
        if available < amount:
            raise self.InsufficientBalance(available, amount, self.address)
        self.balances[account] = available - amount

    def credit(self, account: bytes, amount: int) -> None:
        """Add to a balance; the supply cap keeps every balance under 2^128."""
        self.balances[account] += amount

    def spend_allowance(self, owner: bytes, spender: bytes, amount: int) -> None:
        """Use up an allowance; an unlimited one stays unlimited."""
        allowance = self.allowances[owner, spender]
        if allowance < amount:
            raise self.InsufficientAllowance()
        if allowance != MAX_UINT256:
            self.allowances[owner, spender] = allowance - amount

    def system_transfer_from(self, sender: bytes, recipient: bytes, amount: int) -> None:
        """A transfer by a precompile on the implicit approval list: allowances do not apply.

        Pause, policies, balances and access-key limits do (facts 2.1).
        """
        self.enter()
        recipient = self.resolve(recipient)
        self.require_unpaused()
        self.require_recipient(recipient)
        self.require_policy(sender, recipient)
        self.charge_access_key(sender, amount)
        self.require_receive_policy(sender, recipient)
        self.move(sender, recipient, amount)
