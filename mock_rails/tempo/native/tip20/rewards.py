"""TIP-20 rewards, frozen: fork T7 stopped them and T8 took them out of the accounting (facts 3).

The functions stay, so that what calls them goes on working; they change nothing and answer zero.
"""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.native.contract import Error, NativeContract, function, view


class Rewards(NativeContract):
    """Nobody has opted in, and nobody can."""

    RewardDistributed = Event("RewardDistributed(address indexed funder, uint256 amount)")
    RewardRecipientSet = Event(
        "RewardRecipientSet(address indexed holder, address indexed recipient)"
    )

    InvalidAmount = Error("InvalidAmount()")
    NoOptedInSupply = Error("NoOptedInSupply()")

    @function("distributeReward(uint256 amount)")
    def distribute_reward(self, amount: int) -> None:
        """Distribute nothing."""

    @function("setRewardRecipient(address recipient)")
    def set_reward_recipient(self, recipient: bytes) -> None:
        """Opt nobody in."""

    @function("claimRewards() returns (uint256)")
    def claim_rewards(self) -> int:
        """Pay out nothing."""
        return 0

    @view("optedInSupply() returns (uint128)")
    def opted_in_supply(self) -> int:
        """What earns rewards: nothing."""
        return 0

    @view("globalRewardPerToken() returns (uint256)")
    def global_reward_per_token(self) -> int:
        """What was ever distributed: nothing."""
        return 0

    @view(
        "userRewardInfo(address account) returns"
        " ((address rewardRecipient, uint256 rewardPerToken, uint256 rewardBalance))"
    )
    def user_reward_info(self, account: bytes) -> tuple[bytes, int, int]:
        """An account's part in it: none."""
        return ZERO_ADDRESS, 0, 0

    @view("getPendingRewards(address account) returns (uint128)")
    def pending_rewards(self, account: bytes) -> int:
        """What an account could claim: nothing."""
        return 0
