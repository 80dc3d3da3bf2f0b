"""Transactions that were sent: their data, receipts, and the pool of those that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import receipt_json, transaction_json
from mock_rails.tempo.rpc.tags import find_block
from mock_rails.tempo.tx.json_values import to_data

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block, Receipt
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.tx.model import Submission


class Transactions:
    """Reads of transactions. What is unknown, or pruned, is null."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("eth_getTransactionReceipt")
    def receipt(self, params: Params) -> dict[str, Any] | None:
        """The receipt; null until the transaction is in a block."""
        receipt = self.chain.receipt(params.hash(0))
        return None if receipt is None else receipt_json(receipt)

    @method("eth_getTransactionByHash")
    def by_hash(self, params: Params) -> dict[str, Any] | None:
        """The transaction, mined or waiting."""
        tx_hash = params.hash(0)
        receipt = self.chain.receipt(tx_hash)
        if receipt is not None:
            return transaction_json(receipt.submission, receipt)
        waiting = self.chain.pool.get(tx_hash)
        return None if waiting is None else transaction_json(waiting, None)

    @method("eth_getRawTransactionByHash")
    def raw_by_hash(self, params: Params) -> str | None:
        """The transaction's canonical bytes."""
        tx_hash = params.hash(0)
        receipt = self.chain.receipt(tx_hash)
        found = receipt.submission if receipt is not None else self.chain.pool.get(tx_hash)
        return None if found is None else to_data(found.raw)

    @method("eth_getTransactionByBlockNumberAndIndex")
    def by_number_and_index(self, params: Params) -> dict[str, Any] | None:
        """The transaction at a place in a block, by number or tag."""
        return _full(self._at(find_block(self.chain, params.required(0, "block")), params))

    @method("eth_getTransactionByBlockHashAndIndex")
    def by_block_hash_and_index(self, params: Params) -> dict[str, Any] | None:
        """The transaction at a place in a block, by the block's hash."""
        return _full(self._at(self.chain.history.by_hash(params.hash(0)), params))

    @method("eth_getRawTransactionByBlockNumberAndIndex")
    def raw_by_number_and_index(self, params: Params) -> str | None:
        """The canonical bytes at a place in a block, by number or tag."""
        return _raw(self._at(find_block(self.chain, params.required(0, "block")), params))

    @method("eth_getRawTransactionByBlockHashAndIndex")
    def raw_by_block_hash_and_index(self, params: Params) -> str | None:
        """The canonical bytes at a place in a block, by the block's hash."""
        return _raw(self._at(self.chain.history.by_hash(params.hash(0)), params))

    @staticmethod
    def _at(block: Block | None, params: Params) -> Receipt | None:
        index = params.quantity(1, "index")
        if block is None or index >= len(block.receipts):
            return None
        return block.receipts[index]

    # -- the pool ---------------------------------------------------------------------------------

    @method("txpool_status")
    def pool_status(self, params: Params) -> dict[str, str]:
        """How many transactions wait for a block, and how many for a nonce before theirs."""
        pending, queued = self._pool()
        return {"pending": hex(len(pending)), "queued": hex(len(queued))}

    @method("txpool_content")
    def pool_content(self, params: Params) -> dict[str, Any]:
        """The waiting transactions by sender and nonce."""
        pending, queued = self._pool()
        return {"pending": _by_sender(pending), "queued": _by_sender(queued)}

    @method("eth_pendingTransactions")
    def pending(self, params: Params) -> list[dict[str, Any]]:
        """The waiting transactions, in the order of arrival."""
        return [transaction_json(one, None) for one in self.chain.pool]

    def _pool(self) -> tuple[list[Submission], list[Submission]]:
        pending: list[Submission] = []
        queued: list[Submission] = []
        for one in self.chain.pool:
            tx = one.tx
            due = tx.nonce_key != 0 or tx.nonce < self.chain.nonce(one.sender, pending=True)
            (pending if due else queued).append(one)
        return pending, queued


def _full(receipt: Receipt | None) -> dict[str, Any] | None:
    return None if receipt is None else transaction_json(receipt.submission, receipt)


def _raw(receipt: Receipt | None) -> str | None:
    return None if receipt is None else to_data(receipt.submission.raw)


def _by_sender(submissions: list[Submission]) -> dict[str, dict[str, Any]]:
    answer: dict[str, dict[str, Any]] = {}
    for one in submissions:
        # Nonces of different keys may be equal, so only key 0 is listed under its bare number.
        tx = one.tx
        place = str(tx.nonce) if tx.nonce_key == 0 else f"{tx.nonce_key:#x}:{tx.nonce}"
        if tx.is_expiring:
            place = to_data(one.hash)
        answer.setdefault(to_data(one.sender), {})[place] = transaction_json(one, None)
    return answer
