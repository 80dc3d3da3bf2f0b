"""The half of the backend that changes nothing: accounts, blocks, transactions, calls."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from eth_tester.backends.base import BaseChainBackend
from eth_tester.exceptions import BlockNotFound, TransactionNotFound, ValidationError

from mock_rails.tempo.eth_tester_backend import incoming, shapes
from mock_rails.tempo.eth_tester_backend.failures import failed_calls, refusals
from mock_rails.tempo.eth_tester_backend.pending import pending_block
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.blocks import FEE_HISTORY_LIMIT, Blocks
from mock_rails.tempo.rpc.chain_reads import BALANCE, ChainReads
from mock_rails.tempo.rpc.params import Params
from mock_rails.tempo.rpc.tags import state_at
from mock_rails.tempo.simulation import require_success
from mock_rails.tempo.tx.json_values import to_data, to_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.tx.model import Submission

BlockId = int | str
"""A block number, or one of eth-tester's words for a block."""

_HEAD: Final = frozenset({"latest", "safe", "finalized"})
_PENDING: Final = "pending"


class Reading(BaseChainBackend):  # type: ignore[misc]  # eth-tester ships no types
    """What can be asked of `chain`, at any of its blocks and at the one that would come next."""

    chain: Chain

    # -- accounts ---------------------------------------------------------------------------------

    def get_nonce(self, account: bytes, block_number: BlockId = "latest") -> int:
        """The protocol nonce after a block."""
        with self._at(block_number) as block, state_at(self.chain, block) as world:
            return world.nonce(account)

    def get_balance(self, account: bytes, block_number: BlockId = "latest") -> int:
        """The same great sum for everyone, as `eth_getBalance` answers (facts 5.4)."""
        with self._at(block_number):
            return int(BALANCE, 16)

    def get_code(self, account: bytes, block_number: BlockId = "latest") -> bytes:
        """The code after a block; native contracts have the single byte 0xef."""
        with self._at(block_number) as block, state_at(self.chain, block) as world:
            return world.code(account)

    def get_storage(self, account: bytes, slot: int, block_number: BlockId = "latest") -> int:
        """A storage word after a block, as `eth_getStorageAt` answers."""
        with self._at(block_number) as block:
            params = Params([to_data(account), to_quantity(slot), to_quantity(block.number)])
            return int(ChainReads(self.chain).storage(params), 16)

    # -- blocks and transactions ------------------------------------------------------------------

    def get_block_by_number(
        self, block_number: BlockId, full_transaction: bool = True
    ) -> dict[str, Any]:
        """A block by number or word; the pending one is what would be sealed now."""
        with self._at(block_number) as block:
            pending = block_number == _PENDING
            return shapes.block_dict(block, full=full_transaction, pending=pending)

    def get_block_by_hash(self, block_hash: bytes, full_transaction: bool = True) -> dict[str, Any]:
        """A sealed block by hash."""
        block = self.chain.history.by_hash(block_hash)
        if block is None:
            raise BlockNotFound(f"No block found for block hash: {to_data(block_hash)}")
        return shapes.block_dict(block, full=full_transaction)

    def get_transaction_by_hash(self, transaction_hash: bytes) -> dict[str, Any]:
        """A transaction, mined or sent."""
        receipt = self.chain.receipt(transaction_hash)
        if receipt is not None:
            return shapes.transaction_dict(receipt.submission, receipt)
        return shapes.transaction_dict(self._waiting(transaction_hash), None)

    def get_transaction_receipt(self, transaction_hash: bytes) -> dict[str, Any]:
        """A receipt; that of a transaction that was sent has no block yet."""
        receipt = self.chain.receipt(transaction_hash)
        if receipt is not None:
            return shapes.receipt_dict(receipt)
        waiting = self._waiting(transaction_hash)
        with pending_block(self.chain.engine) as sealed:
            for one in sealed.block.receipts:
                if one.submission is waiting:
                    return shapes.receipt_dict(one, pending=True)
        raise _unknown_transaction(transaction_hash)

    def get_fee_history(
        self,
        block_count: int = 1,
        newest_block: BlockId = "latest",
        reward_percentiles: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Base fees, fullness and tips of a run of blocks, as `eth_feeHistory` has them."""
        if not 1 <= block_count <= FEE_HISTORY_LIMIT:
            raise ValidationError(f"block_count must be between 1 and {FEE_HISTORY_LIMIT}")
        with self._at(newest_block) as block:
            asked = [to_quantity(block_count), to_quantity(block.number), list(reward_percentiles)]
            answer = Blocks(self.chain).fee_history(Params(asked))
        return {
            "oldest_block": int(answer["oldestBlock"], 16),
            "base_fee_per_gas": [int(fee, 16) for fee in answer["baseFeePerGas"]],
            "gas_used_ratio": answer["gasUsedRatio"],
            "reward": [[int(tip, 16) for tip in tips] for tips in answer.get("reward", [])],
        }

    # -- calls ------------------------------------------------------------------------------------

    def estimate_gas(self, transaction: Mapping[str, Any], block_number: BlockId = "latest") -> int:
        """The least gas limit with which a transaction works."""
        with self._at(block_number) as block:
            simulation = requests.to_simulation(self.chain, incoming.to_request(transaction))
            with failed_calls():
                return self.chain.simulator.estimate(
                    simulation.submission, priced=simulation.priced, at=block
                )

    def call(self, transaction: Mapping[str, Any], block_number: BlockId = "latest") -> bytes:
        """Run a call on the state after a block, and keep nothing of it."""
        with self._at(block_number) as block:
            submission, priced = requests.to_simulation(
                self.chain, incoming.to_request(transaction)
            )
            with failed_calls():
                outcome = self.chain.simulator.call(submission, priced=priced, at=block)
                return require_success(outcome, submission)

    # -- inside -----------------------------------------------------------------------------------

    def _waiting(self, transaction_hash: bytes) -> Submission:
        waiting = self.chain.pool.get(transaction_hash)
        if waiting is None:
            raise _unknown_transaction(transaction_hash)
        return waiting

    @contextmanager
    def _at(self, block_number: BlockId) -> Iterator[Block]:
        """The block of a number or word; the pending one is the head for as long as it is used."""
        with refusals():
            if block_number == _PENDING:
                with pending_block(self.chain.engine) as sealed:
                    yield sealed.block
            else:
                yield self._sealed(block_number)

    def _sealed(self, block_number: BlockId) -> Block:
        if block_number in _HEAD:
            return self.chain.head
        number = 0 if block_number == "earliest" else block_number
        block = self.chain.history.by_number(number) if isinstance(number, int) else None
        if block is None:
            raise BlockNotFound(f"No block found for block number: {block_number}")
        return block


def _unknown_transaction(transaction_hash: bytes) -> TransactionNotFound:
    return TransactionNotFound(
        f"No transaction found for transaction hash: {to_data(transaction_hash)}"
    )
