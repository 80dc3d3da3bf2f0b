"""Blocks and receipts: plain objects, made once and indexed by hash.

Nothing that only an explorer reads is computed when a block is sealed: roots and blooms are made on
request. The block hash commits to the parent, the clock, and every transaction with its outcome; it
is not Tempo's header hash, which no client recomputes (facts 5.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.merkle import EMPTY_ROOT, logs_bloom, ordered_root

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Log
    from mock_rails.tempo.tx.model import Submission

GENESIS_PARENT: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What executing a transaction did, before it has a place in a block."""

    status: bool
    gas_used: int
    effective_gas_price: int
    logs: tuple[Log, ...]
    fee_token: bytes | None
    contract_address: bytes | None = None
    output: bytes = b""
    error: str | None = None


@dataclass(eq=False)
class Header:
    """A block without its transactions."""

    number: int
    parent_hash: bytes
    timestamp_ms: int
    base_fee: int
    gas_limit: int
    beneficiary: bytes = ZERO_ADDRESS
    hash: bytes = b""

    @property
    def timestamp_s(self) -> int:
        """Unix seconds."""
        return self.timestamp_ms // 1000


@dataclass(slots=True, eq=False)
class Receipt:
    """An executed transaction in its block.

    It knows its block by the header: holding the block, which holds it, would leave every forgotten
    block to the cycle collector, whose pauses grow with the history.
    """

    submission: Submission
    block: Header
    index: int
    outcome: Outcome
    cumulative_gas_used: int
    first_log_index: int
    undo_mark: int
    """The world's position just before this transaction, for tracing it again."""

    @property
    def status(self) -> bool:
        """Whether its calls succeeded."""
        return self.outcome.status

    @property
    def logs(self) -> tuple[Log, ...]:
        """Its events, the fee's last."""
        return self.outcome.logs


@dataclass(eq=False)
class Block(Header):
    """A sealed block. `undo_mark` is the world's position after it."""

    receipts: list[Receipt] = field(default_factory=list)
    gas_used: int = 0
    undo_mark: int = 0

    def __post_init__(self) -> None:
        """Make the header that its receipts will hold."""
        self.header = Header(
            self.number,
            self.parent_hash,
            self.timestamp_ms,
            self.base_fee,
            self.gas_limit,
            self.beneficiary,
        )

    def seal(self, undo_mark: int) -> None:
        """Fix the block's identity."""
        self.undo_mark = undo_mark
        self.gas_used = self.receipts[-1].cumulative_gas_used if self.receipts else 0
        parts = [
            self.parent_hash,
            b"".join(
                value.to_bytes(8)
                for value in (self.number, self.timestamp_ms, self.base_fee, self.gas_used)
            ),
        ]
        for receipt in self.receipts:
            outcome = receipt.outcome
            parts.append(receipt.submission.hash)
            parts.append(bytes([outcome.status]) + outcome.gas_used.to_bytes(8))
        self.hash = self.header.hash = keccak256(b"".join(parts))

    @cached_property
    def state_root(self) -> bytes:
        """A label, not a trie root: no client on this chain verifies state proofs."""
        return keccak256(b"state" + self.hash)

    @cached_property
    def transactions_root(self) -> bytes:
        """The Merkle-Patricia root over the raw transactions."""
        if not self.receipts:
            return EMPTY_ROOT
        return ordered_root([receipt.submission.raw for receipt in self.receipts])

    @cached_property
    def receipts_root(self) -> bytes:
        """The Merkle-Patricia root over status, gas, bloom and logs of each receipt."""
        if not self.receipts:
            return EMPTY_ROOT
        from mock_rails.tempo.tx import rlp

        encoded = []
        for receipt in self.receipts:
            logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
            body = rlp.encode(
                [int(receipt.status), receipt.cumulative_gas_used, logs_bloom(receipt.logs), logs]
            )
            kind = receipt.submission.tx.type
            encoded.append(body if kind == 0 else bytes([kind]) + body)
        return ordered_root(encoded)

    @cached_property
    def logs_bloom(self) -> bytes:
        """The bloom of all logs."""
        return logs_bloom([log for receipt in self.receipts for log in receipt.logs])
