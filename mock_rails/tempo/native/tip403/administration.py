"""Creating TIP-403 policies and changing who is on their lists (facts 2.7)."""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import ZERO_ADDRESS, is_virtual
from mock_rails.tempo.native.contract import function
from mock_rails.tempo.native.tip403.policies import (
    BLACKLIST,
    COMPOUND,
    WHITELIST,
    Parts,
    Policies,
    Policy,
)


class Administration(Policies):
    """Anyone may create a policy; only its admin may change it."""

    WhitelistUpdated = Event(
        "WhitelistUpdated(uint64 indexed policyId, address indexed updater,"
        " address indexed account, bool allowed)"
    )
    BlacklistUpdated = Event(
        "BlacklistUpdated(uint64 indexed policyId, address indexed updater,"
        " address indexed account, bool restricted)"
    )
    CompoundPolicyCreated = Event(
        "CompoundPolicyCreated(uint64 indexed policyId, address indexed creator,"
        " uint64 senderPolicyId, uint64 recipientPolicyId, uint64 mintRecipientPolicyId)"
    )

    @function("createPolicy(address admin, uint8 policyType) returns (uint64)")
    def create_policy(self, admin: bytes, policy_type: int) -> int:
        """Create an empty whitelist or blacklist."""
        return self.create_policy_with_accounts(admin, policy_type, ())

    @function(
        "createPolicyWithAccounts(address admin, uint8 policyType, address[] accounts)"
        " returns (uint64)"
    )
    def create_policy_with_accounts(
        self, admin: bytes, policy_type: int, accounts: tuple[bytes, ...]
    ) -> int:
        """Create a list that starts with these accounts; they are logged before the policy is."""
        if policy_type not in (WHITELIST, BLACKLIST):
            raise self.IncompatiblePolicyType()
        policy = self._new_id()
        self.records[policy] = Policy(policy_type, admin)
        for account in accounts:
            self._list(policy, policy_type, account, True)
        self.emit(self.PolicyCreated, policy, self.sender, policy_type)
        self.emit(self.PolicyAdminUpdated, policy, self.sender, admin)
        return policy

    @function(
        "createCompoundPolicy(uint64 senderPolicyId, uint64 recipientPolicyId,"
        " uint64 mintRecipientPolicyId) returns (uint64)"
    )
    def create_compound_policy(self, sender: int, recipient: int, mint_recipient: int) -> int:
        """Combine three simple policies; nobody can change the combination afterwards."""
        parts = Parts(sender, recipient, mint_recipient)
        for part in parts:
            if not self.policy_exists(part):
                raise self.PolicyNotFound()
            if self.policy(part).type == COMPOUND:
                raise self.PolicyNotSimple()
        policy = self._new_id()
        self.records[policy] = Policy(COMPOUND, ZERO_ADDRESS)
        self.parts[policy] = parts
        self.emit(self.CompoundPolicyCreated, policy, self.sender, *parts)
        return policy

    @function("setPolicyAdmin(uint64 policyId, address admin)")
    def set_policy_admin(self, policy: int, admin: bytes) -> None:
        """Hand a policy over."""
        record = self._own(policy)
        self.records[policy] = Policy(record.type, admin)
        self.emit(self.PolicyAdminUpdated, policy, self.sender, admin)

    @function("modifyPolicyWhitelist(uint64 policyId, address account, bool allowed)")
    def modify_whitelist(self, policy: int, account: bytes, allowed: bool) -> None:
        """Put an account on a whitelist or take it off."""
        self._modify(policy, WHITELIST, account, allowed)

    @function("modifyPolicyBlacklist(uint64 policyId, address account, bool restricted)")
    def modify_blacklist(self, policy: int, account: bytes, restricted: bool) -> None:
        """Put an account on a blacklist or take it off."""
        self._modify(policy, BLACKLIST, account, restricted)

    def _modify(self, policy: int, policy_type: int, account: bytes, listed: bool) -> None:
        self._require_real(account)
        if self._own(policy).type != policy_type:
            raise self.IncompatiblePolicyType()
        self._list(policy, policy_type, account, listed)

    def _list(self, policy: int, policy_type: int, account: bytes, listed: bool) -> None:
        self._require_real(account)
        self.members[policy, account] = listed
        event = self.WhitelistUpdated if policy_type == WHITELIST else self.BlacklistUpdated
        self.emit(event, policy, self.sender, account, listed)

    def _own(self, policy: int) -> Policy:
        """The policy's record, if the caller is its admin."""
        record = self.policy(policy)
        # Policies that nobody owns carry the zero address, which a simulated call can come from.
        if record.admin == ZERO_ADDRESS or record.admin != self.sender:
            raise self.Unauthorized()
        return record

    def _require_real(self, account: bytes) -> None:
        """A virtual address stands for its master: to list one would be to list nobody."""
        if is_virtual(account):
            raise self.VirtualAddressNotAllowed()

    def _new_id(self) -> int:
        policy = self.next_policy_id()
        self.counter = policy + 1
        return policy
