"""Which TIP-403 policy a token follows (facts 2.2, 2.7)."""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.tip20.ledger import Ledger
from mock_rails.tempo.native.tip20.roles import DEFAULT_ADMIN_ROLE, Roles


class TransferPolicy(Ledger, Roles):
    """The token's choice of a policy; the policy itself lives in the registry."""

    TransferPolicyUpdate = Event(
        "TransferPolicyUpdate(address indexed updater, uint64 indexed newPolicyId)"
    )

    InvalidTransferPolicyId = Error("InvalidTransferPolicyId()")

    @view("transferPolicyId() returns (uint64)")
    def transfer_policy_id(self) -> int:
        """The policy in force."""
        return self.policy_id()

    @function("changeTransferPolicyId(uint64 newPolicyId)")
    def change_transfer_policy_id(self, policy: int) -> None:
        """Follow another policy. Since T9 the registry keeps it, so this also migrates a token."""
        self.require_role(DEFAULT_ADMIN_ROLE)
        if not self.registry.policy_exists(policy):
            raise self.InvalidTransferPolicyId()
        self.registry.set_token_policy(self.address, policy)
        self.emit(self.TransferPolicyUpdate, self.sender, policy)
