"""Receive policies: which senders and tokens an account itself accepts (TIP-1028, facts 2.7).

On Tempo a refused payment goes to the ReceivePolicyGuard, from where it can be reclaimed. The guard
is not emulated: here a refused payment reverts (see `Ledger.require_receive_policy`).
"""

from __future__ import annotations

from typing import Any, Final

from mock_rails.tempo import addresses
from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.storage import ADDRESS, Mapping, Packed
from mock_rails.tempo.native.tip403.policies import COMPOUND, Policies

ACCEPTED: Final = 0
BLOCKED_BY_TOKEN_FILTER: Final = 1
BLOCKED_BY_SENDER_POLICY: Final = 2

_SYSTEM: Final = frozenset(
    {
        addresses.ACCOUNT_KEYCHAIN,
        addresses.ADDRESS_REGISTRY,
        addresses.CHANNEL_RESERVE,
        addresses.FEE_MANAGER,
        addresses.NONCE_MANAGER,
        addresses.RECEIVE_POLICY_GUARD,
        addresses.SIGNATURE_VERIFIER,
        addresses.STABLECOIN_DEX,
        addresses.STORAGE_CREDITS,
        addresses.TIP20_FACTORY,
        addresses.TIP403_REGISTRY,
    }
)
"""No one could sign for these, so what they were to recover would be lost."""


class ReceivePolicies(Policies):
    """One policy on senders and one on tokens, an account's own choice."""

    receive_policies = Mapping(4, Packed(64, 64, 8))
    """Sender policy, token filter, and a mark that the account has set them."""

    recovery_authorities = Mapping(5, ADDRESS)

    ReceivePolicyUpdated = Event(
        "ReceivePolicyUpdated(address indexed account, uint64 senderPolicyId,"
        " uint64 tokenFilterId, address recoveryAuthority)"
    )

    InvalidReceivePolicyType = Error("InvalidReceivePolicyType()")
    InvalidRecoveryAuthority = Error("InvalidRecoveryAuthority()")

    @function(
        "setReceivePolicy(uint64 senderPolicyId, uint64 tokenFilterId, address recoveryAuthority)"
    )
    def set_receive_policy(self, senders: int, tokens: int, recovery_authority: bytes) -> None:
        """Choose which senders and tokens the caller accepts; both must be simple policies."""
        if is_unrecoverable(recovery_authority):
            raise self.InvalidRecoveryAuthority()
        for policy in (senders, tokens):
            if self.policy(policy).type == COMPOUND:
                raise self.InvalidReceivePolicyType()
        account = self.sender
        self.receive_policies[account] = (senders, tokens, 1)
        self.recovery_authorities[account] = recovery_authority
        self.emit(self.ReceivePolicyUpdated, account, senders, tokens, recovery_authority)

    @view(
        "receivePolicy(address account) returns (bool hasReceivePolicy, uint64 senderPolicyId,"
        " uint8 senderPolicyType, uint64 tokenFilterId, uint8 tokenFilterType,"
        " address recoveryAuthority)"
    )
    def receive_policy(self, account: bytes) -> tuple[Any, ...]:
        """What an account chose; all zero when it chose nothing."""
        senders, tokens, chosen = self.receive_policies[account]
        if not chosen:
            return False, 0, 0, 0, 0, addresses.ZERO_ADDRESS
        types = self.policy(senders).type, self.policy(tokens).type
        return True, senders, types[0], tokens, types[1], self.recovery_authorities[account]

    @view(
        "validateReceivePolicy(address token, address sender, address receiver)"
        " returns (bool authorized, uint8 blockedReason)"
    )
    def validate_receive_policy(
        self, token: bytes, sender: bytes, receiver: bytes
    ) -> tuple[bool, int]:
        """Whether a payment would be accepted, and if not, by which of the two it is refused."""
        senders, tokens, chosen = self.receive_policies[receiver]
        if not chosen:
            return True, ACCEPTED
        if not self.authorized(tokens, token):
            return False, BLOCKED_BY_TOKEN_FILTER
        if not self.authorized(senders, sender):
            return False, BLOCKED_BY_SENDER_POLICY
        return True, ACCEPTED

    def accepts(self, token: bytes, sender: bytes, receiver: bytes) -> bool:
        """Whether the receiver's policy lets a payment in."""
        return self.validate_receive_policy(token, sender, receiver)[0]


def is_unrecoverable(authority: bytes) -> bool:
    """Whether nobody could ever act as this recovery authority; zero stands for the sender."""
    return addresses.is_tip20(authority) or addresses.is_virtual(authority) or authority in _SYSTEM
