"""Blocks, transactions, receipts and logs as the JSON that Ethereum and Tempo clients read.

Dictionaries are built by hand: a receipt is part of a payment's answer (facts 5.4 to 5.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.merkle import logs_bloom
from mock_rails.tempo.tx.json_values import to_data
from mock_rails.tempo.tx.tx_json import submission_to_json

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block, Receipt
    from mock_rails.tempo.scope import Log
    from mock_rails.tempo.tx.model import Submission

EMPTY_UNCLES: Final = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
EMPTY_TRIE: Final = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
ZERO_HASH: Final = "0x" + "00" * 32

GENERAL_LANE_GAS: Final = 30_000_000
"""The part of a block that is not reserved for payments (facts 4.4)."""


def log_json(log: Log, receipt: Receipt, index: int) -> dict[str, Any]:
    """A log with its place; `index` counts from the start of the block."""
    block = receipt.block
    return {
        "address": "0x" + log.address.hex(),
        "topics": ["0x" + topic.hex() for topic in log.topics],
        "data": "0x" + log.data.hex(),
        "blockHash": "0x" + block.hash.hex(),
        "blockNumber": hex(block.number),
        "blockTimestamp": hex(block.timestamp_s),
        "transactionHash": "0x" + receipt.submission.hash.hex(),
        "transactionIndex": hex(receipt.index),
        "logIndex": hex(index),
        "removed": False,
    }


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """The receipt. `feePayer` is always there; `feeToken` only when a fee was paid (facts 5.6)."""
    submission, block, outcome = receipt.submission, receipt.block, receipt.outcome
    to, created = submission.tx.calls[0].to, outcome.contract_address
    answer = {
        "type": hex(submission.tx.type),
        "status": "0x1" if outcome.status else "0x0",
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "logs": [
            log_json(log, receipt, index)
            for index, log in enumerate(outcome.logs, receipt.first_log_index)
        ],
        "logsBloom": "0x" + logs_bloom(outcome.logs).hex(),
        "transactionHash": "0x" + submission.hash.hex(),
        "transactionIndex": hex(receipt.index),
        "blockHash": "0x" + block.hash.hex(),
        "blockNumber": hex(block.number),
        "gasUsed": hex(outcome.gas_used),
        "effectiveGasPrice": hex(outcome.effective_gas_price),
        "from": "0x" + submission.sender.hex(),
        "to": None if to is None else "0x" + to.hex(),
        "contractAddress": None if created is None else "0x" + created.hex(),
        "feePayer": "0x" + submission.fee_payer.hex(),
    }
    if outcome.fee_token is not None:
        answer["feeToken"] = "0x" + outcome.fee_token.hex()
    return answer


def transaction_json(submission: Submission, receipt: Receipt | None) -> dict[str, Any]:
    """The transaction with its place in a block, or with nulls there while it is pooled."""
    if receipt is None:
        nowhere = {"blockHash": None, "blockNumber": None, "transactionIndex": None}
        return submission_to_json(submission) | nowhere
    block, price = receipt.block, receipt.outcome.effective_gas_price
    return submission_to_json(submission, effective_gas_price=price) | {
        "blockHash": "0x" + block.hash.hex(),
        "blockNumber": hex(block.number),
        "blockTimestamp": hex(block.timestamp_s),
        "transactionIndex": hex(receipt.index),
    }


def header_json(block: Block) -> dict[str, Any]:
    """The header, as `newHeads` carries it. Roots and blooms are made here, when asked for."""
    return {
        "number": hex(block.number),
        "hash": to_data(block.hash),
        "parentHash": to_data(block.parent_hash),
        "nonce": "0x0000000000000042" if block.number == 0 else "0x0000000000000000",
        "mixHash": ZERO_HASH,
        "sha3Uncles": EMPTY_UNCLES,
        "logsBloom": to_data(block.logs_bloom),
        "transactionsRoot": to_data(block.transactions_root),
        "stateRoot": to_data(block.state_root),
        "receiptsRoot": to_data(block.receipts_root),
        "miner": to_data(block.beneficiary),
        "difficulty": "0x0",
        "extraData": to_data(b"tempo-genesis") if block.number == 0 else "0x",
        "gasLimit": hex(block.gas_limit),
        "gasUsed": hex(block.gas_used),
        "timestamp": hex(block.timestamp_s),
        "timestampMillis": hex(block.timestamp_ms),
        "timestampMillisPart": hex(block.timestamp_ms % 1000),
        "mainBlockGeneralGasLimit": hex(GENERAL_LANE_GAS),
        "sharedGasLimit": "0x0",
        "baseFeePerGas": hex(block.base_fee),
        "withdrawalsRoot": EMPTY_TRIE,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": ZERO_HASH,
    }


def block_json(block: Block, *, full: bool) -> dict[str, Any]:
    """The block with its transactions' hashes, or with the whole transactions."""
    if full:
        transactions: list[Any] = [
            transaction_json(receipt.submission, receipt) for receipt in block.receipts
        ]
    else:
        transactions = [to_data(receipt.submission.hash) for receipt in block.receipts]
    return header_json(block) | {
        "totalDifficulty": "0x0",
        "size": hex(_HEADER_SIZE + sum(len(one.submission.raw) for one in block.receipts)),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


_HEADER_SIZE: Final = 600
"""About what a Tempo header takes in RLP; no client recomputes a block's size."""
