"""Blocks and the history of fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import block_json, header_json, receipt_json
from mock_rails.tempo.rpc.tags import find_block, need_block
from mock_rails.tempo.tx.json_values import invalid, read_array

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params

FEE_HISTORY_LIMIT: Final = 1_024
_PERCENTILE_LIMIT: Final = 100


class Blocks:
    """Reads of whole blocks. An unknown block is null, not an error, as everywhere in Ethereum."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("eth_blockNumber")
    def number(self, params: Params) -> str:
        """The newest block's number."""
        return hex(self.chain.head.number)

    @method("eth_getBlockByNumber")
    def by_number(self, params: Params) -> dict[str, Any] | None:
        """A block by number or tag."""
        block = find_block(self.chain, params.required(0, "block"))
        return _shown(block, params)

    @method("eth_getBlockByHash")
    def by_hash(self, params: Params) -> dict[str, Any] | None:
        """A block by hash."""
        return _shown(self.chain.history.by_hash(params.hash(0)), params)

    @method("eth_getHeaderByNumber")
    def header_by_number(self, params: Params) -> dict[str, Any] | None:
        """A block's header by number or tag."""
        return _header(find_block(self.chain, params.required(0, "block")))

    @method("eth_getHeaderByHash")
    def header_by_hash(self, params: Params) -> dict[str, Any] | None:
        """A block's header by hash."""
        return _header(self.chain.history.by_hash(params.hash(0)))

    @method("eth_getBlockReceipts")
    def receipts(self, params: Params) -> list[dict[str, Any]] | None:
        """All receipts of a block, in order."""
        block = find_block(self.chain, params.required(0, "block"))
        return None if block is None else [receipt_json(one) for one in block.receipts]

    @method("eth_getBlockTransactionCountByNumber")
    def count_by_number(self, params: Params) -> str | None:
        """How many transactions a block has, by number or tag."""
        return _count(find_block(self.chain, params.required(0, "block")))

    @method("eth_getBlockTransactionCountByHash")
    def count_by_hash(self, params: Params) -> str | None:
        """How many transactions a block has, by hash."""
        return _count(self.chain.history.by_hash(params.hash(0)))

    @method("eth_getUncleCountByBlockNumber")
    def uncles_by_number(self, params: Params) -> str | None:
        """None: there are no uncles."""
        block = find_block(self.chain, params.required(0, "block"))
        return None if block is None else "0x0"

    @method("eth_getUncleCountByBlockHash")
    def uncles_by_hash(self, params: Params) -> str | None:
        """None: there are no uncles."""
        return None if self.chain.history.by_hash(params.hash(0)) is None else "0x0"

    @method("eth_getUncleByBlockNumberAndIndex", "eth_getUncleByBlockHashAndIndex")
    def uncle(self, params: Params) -> None:
        """There is never one."""
        params.quantity(1, "index")

    @method("eth_feeHistory")
    def fee_history(self, params: Params) -> dict[str, Any]:
        """Base fees, fullness and tips of a run of blocks, oldest first, and the next base fee."""
        wanted = params.quantity(0, "blockCount")
        newest = need_block(self.chain, params.given(1))
        percentiles = _percentiles(params.given(2))
        first = max(newest.number - min(wanted, FEE_HISTORY_LIMIT) + 1, 0)
        blocks = [
            block
            for block in map(self.chain.history.by_number, range(first, newest.number + 1))
            if block is not None
        ]
        following = self.chain.history.by_number(newest.number + 1)
        next_fee = self.chain.engine.next_base_fee() if following is None else following.base_fee
        answer: dict[str, Any] = {
            "oldestBlock": hex(blocks[0].number if blocks else newest.number),
            "baseFeePerGas": [hex(block.base_fee) for block in blocks] + [hex(next_fee)],
            "gasUsedRatio": [_fullness(block) for block in blocks],
            "baseFeePerBlobGas": ["0x0"] * (len(blocks) + 1),
            "blobGasUsedRatio": [0] * len(blocks),
        }
        if percentiles:
            answer["reward"] = [_tips(block, percentiles) for block in blocks]
        return answer


def _fullness(block: Block) -> float:
    return block.gas_used / block.gas_limit  # not money: JSON-RPC wants a fraction here


def _shown(block: Block | None, params: Params) -> dict[str, Any] | None:
    full = params.flag(1, "full transactions")
    return None if block is None else block_json(block, full=full)


def _header(block: Block | None) -> dict[str, Any] | None:
    return None if block is None else header_json(block)


def _count(block: Block | None) -> str | None:
    return None if block is None else hex(len(block.receipts))


def _percentiles(value: Any) -> list[float]:
    if value is None:
        return []
    name = "rewardPercentiles"
    percentiles = read_array(value, name)
    if len(percentiles) > _PERCENTILE_LIMIT:
        raise invalid(name, f"at most {_PERCENTILE_LIMIT} numbers", len(percentiles))
    for one in percentiles:
        if isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one <= 100:
            raise invalid(name, "numbers between 0 and 100", one)
    if sorted(percentiles) != percentiles:
        raise invalid(name, "numbers in ascending order", percentiles)
    return percentiles


def _tips(block: Block, percentiles: list[float]) -> list[str]:
    """The tip at each percentile of the block's gas, cheapest transactions first."""
    tips = sorted(
        (receipt.outcome.effective_gas_price - block.base_fee, receipt.outcome.gas_used)
        for receipt in block.receipts
    )
    if not tips:
        return ["0x0"] * len(percentiles)
    answer, at, reached = [], 0, tips[0][1]
    for percentile in percentiles:
        while reached * 100 < percentile * block.gas_used and at < len(tips) - 1:
            at += 1
            reached += tips[at][1]
        answer.append(hex(max(tips[at][0], 0)))
    return answer
