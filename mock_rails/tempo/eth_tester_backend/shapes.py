"""Blocks, transactions and receipts as the dictionaries that eth-tester checks and passes on.

Its validators know exactly the members of Ethereum's types 0 to 4 and refuse any other. A 0x76 is
therefore shown as what it resembles most, a dynamic fee transaction (type 2) of its first call, and
a receipt's `feePayer` and `feeToken` are left out: `TempoBackend.chain` has all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.rpc.formats import header_json
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
)
from mock_rails.tempo.tx.signatures import KeychainSignature, Secp256k1Signature

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block, Receipt
    from mock_rails.tempo.scope import Log
    from mock_rails.tempo.tx.model import Submission

_EXTRA_DATA_BYTES: Final = 32

_HASHES: Final = {
    "parent_hash": "parentHash",
    "nonce": "nonce",
    "sha3_uncles": "sha3Uncles",
    "mix_hash": "mixHash",
    "transactions_root": "transactionsRoot",
    "state_root": "stateRoot",
    "receipts_root": "receiptsRoot",
    "withdrawals_root": "withdrawalsRoot",
    "parent_beacon_block_root": "parentBeaconBlockRoot",
}


def block_dict(block: Block, *, full: bool, pending: bool = False) -> dict[str, Any]:
    """The block with its transactions' hashes, or with the whole transactions."""
    header = header_json(block)
    transactions: list[Any] = [
        transaction_dict(one.submission, None if pending else one) if full else one.submission.hash
        for one in block.receipts
    ]
    return {name: bytes.fromhex(header[key][2:]) for name, key in _HASHES.items()} | {
        "number": block.number,
        "hash": block.hash,
        "logs_bloom": int.from_bytes(block.logs_bloom),
        "coinbase": block.beneficiary,
        "difficulty": 0,
        "total_difficulty": 0,
        "size": sum(len(one.submission.raw) for one in block.receipts),
        "extra_data": bytes.fromhex(header["extraData"][2:]).rjust(_EXTRA_DATA_BYTES, b"\0"),
        "gas_limit": block.gas_limit,
        "gas_used": block.gas_used,
        "timestamp": block.timestamp_s,
        "base_fee_per_gas": block.base_fee,
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
        "blob_gas_used": 0,
        "excess_blob_gas": 0,
    }


def transaction_dict(submission: Submission, receipt: Receipt | None) -> dict[str, Any]:
    """The transaction with its place in a block; without a receipt it has none yet."""
    tx, kind = submission.tx, shown_type(submission)
    to, value, data = tx.calls[0]
    price = tx.max_fee_per_gas if receipt is None else receipt.outcome.effective_gas_price
    shape: dict[str, Any] = {
        "type": kind,
        "hash": submission.hash,
        "nonce": tx.nonce,
        **_place(receipt),
        "from": submission.sender,
        "to": to or b"",
        "value": value,
        "gas": tx.gas_limit,
        "gas_price": price,
        "data": data,
    }
    y_parity, r, s = scalars(submission)
    if kind == TYPE_LEGACY:
        v = 27 + y_parity if tx.chain_id is None else 35 + 2 * tx.chain_id + y_parity
        return shape | {"v": v, "r": r, "s": s}
    shape |= {"v": y_parity, "y_parity": y_parity, "r": r, "s": s}
    shape |= {"chain_id": tx.chain_id, "access_list": tx.access_list}
    if kind != TYPE_ACCESS_LIST:
        shape["max_fee_per_gas"] = tx.max_fee_per_gas
        shape["max_priority_fee_per_gas"] = tx.max_priority_fee_per_gas
    if kind == TYPE_SET_CODE:
        shape["authorization_list"] = _authorizations(submission)
    return shape


def receipt_dict(receipt: Receipt, *, pending: bool = False) -> dict[str, Any]:
    """The receipt; a pending one has no block, index or number."""
    submission, outcome = receipt.submission, receipt.outcome
    return {
        "transaction_hash": submission.hash,
        **_place(None if pending else receipt),
        "cumulative_gas_used": receipt.cumulative_gas_used,
        "effective_gas_price": outcome.effective_gas_price,
        "from": submission.sender,
        "to": submission.tx.to or b"",
        "gas_used": outcome.gas_used,
        "contract_address": outcome.contract_address,
        "logs": [
            _log_dict(log, receipt, index, pending=pending)
            for index, log in enumerate(outcome.logs, receipt.first_log_index)
        ],
        # Since Byzantium a receipt has its status where it used to have a root.
        "state_root": b"\x01" if outcome.status else b"",
        "status": int(outcome.status),
        "type": shown_type(submission),
    }


def shown_type(submission: Submission) -> int:
    """The transaction's type, in so far as eth-tester knows it."""
    kind = submission.tx.type
    return TYPE_DYNAMIC_FEE if kind == TYPE_TEMPO else kind


def scalars(submission: Submission) -> tuple[int, int, int]:
    """y parity, r and s of whatever signed; the parity means nothing but for secp256k1."""
    signature = submission.signature
    if isinstance(signature, KeychainSignature):
        signature = signature.inner
    if signature is None:
        return 0, 0, 0
    parity = signature.y_parity if isinstance(signature, Secp256k1Signature) else 0
    return parity, signature.r, signature.s


def _place(receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None:
        return {"block_hash": None, "block_number": None, "transaction_index": None}
    block = receipt.block
    return {
        "block_hash": block.hash,
        "block_number": block.number,
        "transaction_index": receipt.index,
    }


def _log_dict(log: Log, receipt: Receipt, index: int, *, pending: bool) -> dict[str, Any]:
    return {
        "type": "pending" if pending else "mined",
        "log_index": index,
        "transaction_hash": receipt.submission.hash,
        **_place(None if pending else receipt),
        "address": log.address,
        "data": log.data,
        "topics": list(log.topics),
    }


def _authorizations(submission: Submission) -> list[dict[str, Any]]:
    shown = []
    for one in submission.tx.authorizations:
        if isinstance(one.signature, bytes):
            raise TypeError("a type 4 authorization has its signature as scalars")
        y_parity, r, s = one.signature
        shown.append(
            {
                "chain_id": one.chain_id,
                "address": one.address,
                "nonce": one.nonce,
                "y_parity": y_parity,
                "r": r,
                "s": s,
            }
        )
    return shown
