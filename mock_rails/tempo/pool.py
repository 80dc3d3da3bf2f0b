"""Transactions that wait for a block.

A transaction whose nonce is not yet due waits for the ones before it, so clients that send several
at once need not mind in which order they arrive. The pool is bounded, in all and for each nonce
sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mock_rails.tempo.tx.model import Submission

MAX_TRANSACTIONS: Final = 20_000
MAX_NONCE_GAP: Final = 1_024
_REPLACEMENT_PERCENT: Final = 110


class Pool:
    """Waiting transactions by hash, and by their place in a nonce sequence."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Submission] = {}
        self._placed: dict[tuple[bytes, int, int], Submission] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Submission]:
        """All that wait, in the order of arrival."""
        return iter(tuple(self._waiting.values()))

    def get(self, tx_hash: bytes) -> Submission | None:
        """A waiting transaction."""
        return self._waiting.get(tx_hash)

    def add(self, submission: Submission, next_nonce: int) -> Submission | None:
        """Let a transaction wait; returns the one it replaced.

        A second transaction with the same nonce must pay a tenth more (EIP-1559's usual rule).
        """
        tx = submission.tx
        if submission.hash in self._waiting:
            raise InvalidTransaction("already known")
        if len(self._waiting) >= MAX_TRANSACTIONS:
            raise InvalidTransaction(f"txpool is full: {MAX_TRANSACTIONS} transactions wait")
        replaced = None
        if tx.nonce_key != EXPIRING_NONCE_KEY:
            if tx.nonce > next_nonce + MAX_NONCE_GAP:
                raise InvalidTransaction(
                    f"nonce too high: next nonce {next_nonce}, tx nonce {tx.nonce}"
                )
            replaced = self._placed.get(_place(submission))
            if replaced is not None:
                if tx.max_fee_per_gas * 100 < replaced.tx.max_fee_per_gas * _REPLACEMENT_PERCENT:
                    raise InvalidTransaction("replacement transaction underpriced")
                self.remove(replaced)
            self._placed[_place(submission)] = submission
        self._waiting[submission.hash] = submission
        return replaced

    def remove(self, submission: Submission) -> None:
        """Forget a transaction, if it is here."""
        self._waiting.pop(submission.hash, None)
        if self._placed.get(_place(submission)) is submission:
            del self._placed[_place(submission)]

    def clear(self) -> tuple[Submission, ...]:
        """Forget all; returns what was waiting."""
        dropped = tuple(self._waiting.values())
        self._waiting.clear()
        self._placed.clear()
        return dropped

    def due(self, next_nonce: Callable[[bytes, int], int]) -> Iterator[Submission]:
        """What can run now, in the order of arrival, each nonce sequence in its own order.

        The consumer executes and removes each one before it takes the next.
        """
        for submission in tuple(self._waiting.values()):
            current: Submission | None = submission
            while current is not None and current.hash in self._waiting:
                tx = current.tx
                if tx.nonce_key != EXPIRING_NONCE_KEY and tx.nonce > next_nonce(
                    current.sender, tx.nonce_key
                ):
                    break
                yield current
                current = self._placed.get((current.sender, tx.nonce_key, tx.nonce + 1))

    def pending_nonce(self, account: bytes, nonce_key: int, next_nonce: int) -> int:
        """The next nonce of a sequence, counting what waits without a gap."""
        while (account, nonce_key, next_nonce) in self._placed:
            next_nonce += 1
        return next_nonce


def _place(submission: Submission) -> tuple[bytes, int, int]:
    return submission.sender, submission.tx.nonce_key, submission.tx.nonce
