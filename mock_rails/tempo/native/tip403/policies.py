"""TIP-403 policies: what one is, who may change it, and whom it lets pass (facts 2.7).

A simple policy is a whitelist or a blacklist of accounts. A compound one names a simple policy for
each part an account can play in a transfer: sender, recipient, recipient of a mint.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, NativeContract, view
from mock_rails.tempo.native.storage import BOOL, Mapping, Packed, Value

DENY_ALL: Final = 0
ALLOW_ALL: Final = 1
FIRST_POLICY: Final = 2
"""The built-in policies come first; they have no record and cost nothing to ask."""

WHITELIST: Final = 0
BLACKLIST: Final = 1
COMPOUND: Final = 2


class Policy(NamedTuple):
    """A policy's record. A compound policy, like a built-in one, has no admin."""

    type: int
    admin: bytes


class Parts(NamedTuple):
    """The simple policies a compound one is made of."""

    sender: int
    recipient: int
    mint_recipient: int


_BUILT_IN: Final = {DENY_ALL: Policy(WHITELIST, bytes(20)), ALLOW_ALL: Policy(BLACKLIST, bytes(20))}


class _PolicyRecord:
    """Type and admin share a word."""

    def load(self, raw: int) -> Policy:
        return Policy(raw & 0xFF, (raw >> 8).to_bytes(20))

    def store(self, value: Policy) -> int:
        return value.type | int.from_bytes(value.admin) << 8


class Policies(NativeContract):
    """Reading policies; the other concerns of the registry build on it."""

    title = "TIP403 registry error"

    counter = Value(0)
    records = Mapping(1, _PolicyRecord())
    members = Mapping(2, BOOL)
    parts = Mapping(3, Packed(64, 64, 64))

    PolicyCreated = Event(
        "PolicyCreated(uint64 indexed policyId, address indexed updater, uint8 policyType)"
    )
    PolicyAdminUpdated = Event(
        "PolicyAdminUpdated(uint64 indexed policyId, address indexed updater,"
        " address indexed admin)"
    )

    Unauthorized = Error("Unauthorized()")
    PolicyNotFound = Error("PolicyNotFound()")
    PolicyNotSimple = Error("PolicyNotSimple()")
    InvalidPolicyType = Error("InvalidPolicyType()")
    IncompatiblePolicyType = Error("IncompatiblePolicyType()")
    VirtualAddressNotAllowed = Error("VirtualAddressNotAllowed()")

    # -- what exists ------------------------------------------------------------------------------

    @view("policyIdCounter() returns (uint64)")
    def next_policy_id(self) -> int:
        """The id the next policy gets."""
        return max(int(self.counter), FIRST_POLICY)

    @view("policyExists(uint64 policyId) returns (bool)")
    def policy_exists(self, policy: int) -> bool:
        """Whether a policy has this id."""
        return policy < FIRST_POLICY or policy < self.next_policy_id()

    @view("policyData(uint64 policyId) returns (uint8 policyType, address admin)")
    def policy(self, policy: int) -> Policy:
        """A policy's type and admin."""
        if policy in _BUILT_IN:
            return _BUILT_IN[policy]
        record: Policy = self.records[policy]
        # Only a whitelist without an admin looks like an empty record: the counter settles which.
        if record == _BUILT_IN[DENY_ALL] and not self.policy_exists(policy):
            raise self.PolicyNotFound()
        return record

    @view(
        "compoundPolicyData(uint64 policyId) returns"
        " (uint64 senderPolicyId, uint64 recipientPolicyId, uint64 mintRecipientPolicyId)"
    )
    def compound(self, policy: int) -> Parts:
        """The parts of a compound policy."""
        if self.policy(policy).type != COMPOUND:
            raise self.IncompatiblePolicyType()
        return Parts(*self.parts[policy])

    # -- who may pass -----------------------------------------------------------------------------

    @view("isAuthorized(uint64 policyId, address user) returns (bool)")
    def authorized(self, policy: int, account: bytes) -> bool:
        """Whether an account may both send and receive."""
        return self._authorized_as(policy, account, "sender", "recipient")

    @view("isAuthorizedSender(uint64 policyId, address user) returns (bool)")
    def authorized_sender(self, policy: int, account: bytes) -> bool:
        """Whether an account may send."""
        return self._authorized_as(policy, account, "sender")

    @view("isAuthorizedRecipient(uint64 policyId, address user) returns (bool)")
    def authorized_recipient(self, policy: int, account: bytes) -> bool:
        """Whether an account may be sent to."""
        return self._authorized_as(policy, account, "recipient")

    @view("isAuthorizedMintRecipient(uint64 policyId, address user) returns (bool)")
    def authorized_mint_recipient(self, policy: int, account: bytes) -> bool:
        """Whether an account may be minted to."""
        return self._authorized_as(policy, account, "mint_recipient")

    def _authorized_as(self, policy: int, account: bytes, *roles: str) -> bool:
        if policy in _BUILT_IN:
            return policy == ALLOW_ALL
        kind = self.policy(policy).type
        if kind != COMPOUND:
            return self._lists(policy, kind, account)
        parts = Parts(*self.parts[policy])
        return all(self._admits(getattr(parts, role), account) for role in roles)

    def _admits(self, policy: int, account: bytes) -> bool:
        """The verdict of one part of a compound policy, which is itself simple."""
        if policy in _BUILT_IN:
            return policy == ALLOW_ALL
        return self._lists(policy, self.policy(policy).type, account)

    def _lists(self, policy: int, kind: int, account: bytes) -> bool:
        """On a whitelist one must be listed, on a blacklist one must not be."""
        listed: bool = self.members[policy, account]
        return listed == (kind == WHITELIST)
