"""The sealed blocks that are still kept, and what is found in them.

Blocks, receipts, logs and the world's undo log are pruned together past a settable depth, counted
in blocks and in transactions, so that memory grows neither with the length of the chain nor with
what its blocks hold. Pruning happens in strides: its cost per block is constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mock_rails.tempo.blocks import Block, Receipt
    from mock_rails.tempo.scope import Log

DEFAULT_DEPTH: Final = 4_096
"""Blocks kept by default, and as many transactions: about twenty megabytes."""

_STRIDES: Final = 8


class History:
    """A run of blocks, oldest first, indexed by number, hash and transaction."""

    def __init__(self, genesis: Block, depth: int = DEFAULT_DEPTH) -> None:
        self.depth = depth
        self._blocks = [genesis]
        self._by_hash = {genesis.hash: genesis}
        self._receipts: dict[bytes, Receipt] = {}

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    @property
    def oldest(self) -> Block:
        """The oldest block still kept."""
        return self._blocks[0]

    def append(self, block: Block) -> None:
        """Add a sealed block."""
        self._blocks.append(block)
        self._by_hash[block.hash] = block
        for receipt in block.receipts:
            self._receipts[receipt.submission.hash] = receipt

    def prune(self, keep_from: int | None = None) -> int | None:
        """Drop what lies deeper than the depth, but nothing from block `keep_from` on.

        Returns the world position that is now the oldest worth keeping, when anything was dropped.
        """
        slack = max(1, self.depth // _STRIDES)
        if max(len(self._blocks), len(self._receipts)) < self.depth + slack:
            return None
        excess = self._excess(keep_from)
        if not excess:
            return None
        for block in self._blocks[:excess]:
            self._forget(block)
        del self._blocks[:excess]
        return self.oldest.undo_mark

    def _excess(self, keep_from: int | None) -> int:
        """How many of the oldest blocks lie too deep; the head stays in any case."""
        kept, receipts, excess = len(self._blocks), len(self._receipts), 0
        for block in self._blocks[:-1]:
            deep = kept - excess > self.depth or receipts > self.depth
            if not deep or block.number == keep_from:
                break
            receipts -= len(block.receipts)
            excess += 1
        return excess

    def truncate(self, number: int) -> None:
        """Drop every block after `number`."""
        while self.head.number > number:
            self._forget(self._blocks.pop())

    def _forget(self, block: Block) -> None:
        self._by_hash.pop(block.hash, None)
        for receipt in block.receipts:
            self._receipts.pop(receipt.submission.hash, None)

    # -- finding ----------------------------------------------------------------------------------

    def by_number(self, number: int) -> Block | None:
        """The block of that number, if it exists and is still kept."""
        at = number - self.oldest.number
        return self._blocks[at] if 0 <= at < len(self._blocks) else None

    def by_hash(self, block_hash: bytes) -> Block | None:
        """The block of that hash."""
        return self._by_hash.get(block_hash)

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction."""
        return self._receipts.get(tx_hash)

    def parent_hashes(self, count: int = 256, before: int | None = None) -> tuple[bytes, ...]:
        """The hashes before a block (default: the next one), newest first, for BLOCKHASH."""
        stop = len(self._blocks) if before is None else max(0, before - self.oldest.number)
        return tuple(block.hash for block in reversed(self._blocks[max(0, stop - count) : stop]))

    def logs(
        self,
        first: int,
        last: int,
        addresses: frozenset[bytes] | None = None,
        topics: Sequence[frozenset[bytes] | None] = (),
    ) -> Iterator[tuple[Receipt, int, Log]]:
        """Matching logs with their receipt and their index in the block, in chain order."""
        start = max(0, first - self.oldest.number)
        stop = max(0, last - self.oldest.number + 1)
        for block in self._blocks[start:stop]:
            yield from matching_logs(block.receipts, addresses, topics)


def matching_logs(
    receipts: Iterable[Receipt],
    addresses: frozenset[bytes] | None,
    topics: Sequence[frozenset[bytes] | None],
) -> Iterator[tuple[Receipt, int, Log]]:
    """The logs that pass an address set and a topic pattern, where None matches anything."""
    for receipt in receipts:
        for offset, log in enumerate(receipt.logs):
            if addresses is not None and log.address not in addresses:
                continue
            if len(topics) > len(log.topics):
                continue
            if all(
                wanted is None or topic in wanted
                for wanted, topic in zip(topics, log.topics, strict=False)
            ):
                yield receipt, receipt.first_log_index + offset, log
