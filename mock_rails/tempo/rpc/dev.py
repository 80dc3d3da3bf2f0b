"""Development methods: time, mining, snapshots and impersonation (facts 5.10).

The reference node has none of them. Names and meanings are anvil's, with hardhat's aliases; times
are in seconds. Moving time moves the clock of the whole sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__
from mock_rails.core.clock import US_PER_S
from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.tx.json_values import invalid, read_quantity, to_data

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.filters import Filters
    from mock_rails.tempo.rpc.params import Params

MINE_LIMIT: Final = 100_000
_MS_PER_S: Final = 1_000


class Development:
    """What a test does to a chain that nobody could do to a real one."""

    def __init__(self, chain: Chain, filters: Filters) -> None:
        self.chain = chain
        self._filters = filters

    # -- snapshots --------------------------------------------------------------------------------

    @method("evm_snapshot", "anvil_snapshot")
    def snapshot(self, params: Params) -> str:
        """Remember this moment."""
        return hex(self.chain.take_snapshot())

    @method("evm_revert", "anvil_revert")
    def revert(self, params: Params) -> bool:
        """Go back to a remembered moment; it and all later ones are forgotten."""
        done = self.chain.revert_to(params.quantity(0, "snapshot id"))
        self._filters.rewind(self.chain.head.number)
        return done

    @method("anvil_reset", "hardhat_reset")
    def reset(self, params: Params) -> None:
        """Back to genesis. There is nothing to fork from, so options are refused."""
        if params.optional_object(0, "options"):
            raise InvalidParams("invalid params: this chain cannot fork another one")
        self.chain.reset()
        self._filters.rewind(self.chain.head.number)

    @method("anvil_rollback")
    def rollback(self, params: Params) -> None:
        """Undo the newest blocks: one, or the given number."""
        depth = params.optional_quantity(0, "depth")
        self.chain.rewind(self.chain.head.number - (1 if depth is None else depth))
        self._filters.rewind(self.chain.head.number)

    # -- mining -----------------------------------------------------------------------------------

    @method("evm_mine")
    def mine_one(self, params: Params) -> str:
        """Seal a block, at a given time if one is given; or several, as anvil's options say."""
        value, count = params.given(0), 1
        if isinstance(value, dict):
            count = _counted(read_quantity(value.get("blocks", 1), "blocks", bits=64))
            value = value.get("timestamp")
        if value is not None:
            self._set_next_timestamp(read_quantity(value, "timestamp", bits=64))
        self._mine(count, 0)
        return "0x0"

    @method("anvil_mine", "hardhat_mine")
    def mine(self, params: Params) -> None:
        """Seal a number of blocks, some seconds of sandbox time apart."""
        count = params.optional_quantity(0, "blocks")
        self._mine(1 if count is None else count, params.optional_quantity(1, "interval") or 0)

    @method("evm_setAutomine", "anvil_setAutoMine", "hardhat_setAutomine")
    def set_automine(self, params: Params) -> bool:
        """Seal a block for every transaction, or only when told."""
        params.required(0, "enabled")
        self.chain.set_automine(params.flag(0, "enabled"))
        return True

    @method("anvil_getAutomine", "hardhat_getAutomine")
    def automine(self, params: Params) -> bool:
        """Whether every transaction gets a block at once."""
        return self.chain.automine

    @method("evm_setIntervalMining", "anvil_setIntervalMining")
    async def set_interval(self, params: Params) -> bool:
        """Seal a block every so many seconds; 0 ends it."""
        seconds = params.quantity(0, "seconds", bits=32)
        self.chain.set_block_time(seconds * _MS_PER_S)
        return True

    @method("anvil_getIntervalMining")
    def interval(self, params: Params) -> int | None:
        """Seconds between blocks; null without a cadence."""
        block_time_ms = self.chain.block_time_ms
        return None if block_time_ms is None else block_time_ms // _MS_PER_S

    @method("anvil_dropTransaction", "hardhat_dropTransaction")
    def drop(self, params: Params) -> str | None:
        """Forget a waiting transaction; its hash if it was there."""
        found = self.chain.pool.get(params.hash(0))
        if found is None:
            return None
        self.chain.pool.remove(found)
        return to_data(found.hash)

    @method("anvil_dropAllTransactions")
    def drop_all(self, params: Params) -> None:
        """Forget every waiting transaction."""
        self.chain.drop_pool()

    # -- time -------------------------------------------------------------------------------------

    @method("evm_increaseTime", "anvil_increaseTime")
    def increase_time(self, params: Params) -> str:
        """Move the clock forward; answers how many seconds."""
        seconds = params.quantity(0, "seconds", bits=40)
        self.chain.context.clock.advance(seconds)
        return hex(seconds)

    @method("evm_setTime", "anvil_setTime")
    def set_time(self, params: Params) -> str:
        """Set the clock to a time in the future; answers how many seconds it moved."""
        clock = self.chain.context.clock
        before = clock.now_s()
        clock.set_us(params.quantity(0, "timestamp", bits=40) * US_PER_S)
        return hex(clock.now_s() - before)

    @method("evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp")
    def set_next_timestamp(self, params: Params) -> None:
        """The time of the next block; if it is ahead, the clock moves there as well."""
        self._set_next_timestamp(params.quantity(0, "timestamp", bits=40))

    # -- impersonation ----------------------------------------------------------------------------

    @method("anvil_impersonateAccount", "hardhat_impersonateAccount")
    def impersonate(self, params: Params) -> bool:
        """Let eth_sendTransaction send for an account without its key."""
        self.chain.impersonated.add(params.address(0))
        return True

    @method("anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount")
    def stop_impersonating(self, params: Params) -> bool:
        """No longer; whether it was so."""
        address = params.address(0)
        known = address in self.chain.impersonated
        self.chain.impersonated.discard(address)
        return known

    @method("anvil_autoImpersonateAccount")
    def impersonate_all(self, params: Params) -> bool:
        """Let eth_sendTransaction send for every account, or stop that."""
        params.required(0, "enabled")
        self.chain.impersonate_all = params.flag(0, "enabled")
        return True

    # -- about ------------------------------------------------------------------------------------

    @method("anvil_nodeInfo", "anvil_metadata", "hardhat_metadata")
    def info(self, params: Params) -> dict[str, Any]:
        """What this node is and where it stands."""
        head = self.chain.head
        return {
            "clientVersion": f"mpp-sandbox-tempo/v{__version__}",
            "network": "tempo",
            "chainId": self.chain.chain_id,
            "hardFork": "T12",
            "currentBlockNumber": hex(head.number),
            "latestBlockNumber": head.number,
            "latestBlockHash": to_data(head.hash),
            "currentBlockTimestamp": head.timestamp_s,
            "automine": self.chain.automine,
            "blockTimeMs": self.chain.block_time_ms,
        }

    # -- inside -----------------------------------------------------------------------------------

    def _mine(self, count: int, interval_s: int) -> None:
        self.chain.mine(_counted(count), interval_s)

    def _set_next_timestamp(self, timestamp_s: int) -> None:
        head_s, clock = self.chain.head.timestamp_s, self.chain.context.clock
        if timestamp_s < head_s:
            raise InvalidParams(
                f"invalid params: timestamp {timestamp_s} is before the newest block's, {head_s}"
            )
        if timestamp_s > clock.now_s():
            clock.set_us(timestamp_s * US_PER_S)
        self.chain.engine.next_timestamp_s = timestamp_s


def _counted(blocks: int) -> int:
    """A number of blocks that may be mined in one go."""
    if blocks > MINE_LIMIT:
        raise invalid("blocks", f"at most {MINE_LIMIT}", blocks)
    return blocks
