"""Which policy each token follows: kept by the registry since fork T9 (facts 2.7)."""

from __future__ import annotations

from mock_rails.tempo.addresses import is_tip20
from mock_rails.tempo.native.contract import function, view
from mock_rails.tempo.native.storage import Mapping, Packed
from mock_rails.tempo.native.tip403.policies import Policies


class TokenPolicies(Policies):
    """Tokens created since T9 have theirs here; an older one keeps its own until migrated."""

    token_policies = Mapping(6, Packed(64, 8))
    """The policy id, and a mark that it is set: policy 0 is a policy too."""

    @view("tokenTransferPolicyId(address token) returns (bool isSet, uint64 policyId)")
    def token_transfer_policy(self, token: bytes) -> tuple[bool, int]:
        """A token's policy as the registry knows it."""
        policy, is_set = self.token_policies[token]
        return is_set == 1, policy

    @function("migrateTransferPolicyIds(address[] tokens) returns (uint256 migrated)")
    def migrate(self, tokens: tuple[bytes, ...]) -> int:
        """Take over the policies of older tokens; anyone may call it, since nothing else changes.

        What is not a token, or was migrated before, is passed over. Returns how many were taken.
        """
        # The token imports the registry it asks, so the registry can only look back when it runs.
        from mock_rails.tempo.native.tip20.ledger import Ledger

        migrated = 0
        for token in tokens:
            if not is_tip20(token) or not self.frame.scope.world.code(token):
                continue
            if self.token_policy(token) is None:
                self.set_token_policy(token, self.contract(Ledger, token).own_policy_id())
                migrated += 1
        return migrated

    def token_policy(self, token: bytes) -> int | None:
        """A token's policy id, or None while the token still keeps it itself."""
        policy, is_set = self.token_policies[token]
        return policy if is_set else None

    def set_token_policy(self, token: bytes, policy: int) -> None:
        """Write a token's policy id; the token has checked it."""
        self.token_policies[token] = (policy, 1)
