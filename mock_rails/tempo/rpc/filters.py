"""Filters that a client polls: new blocks, logs, and transactions.

A filter is a place in the chain. It is forgotten when nobody has asked for five minutes (of real
time: a test that skips a month keeps its filters), and there can only be so many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import RateLimited, RpcError
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.logs import Criteria, block_range, collect
from mock_rails.tempo.tx.json_values import to_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params

LIFETIME_S: Final = 300
FILTER_LIMIT: Final = 10_000
_NS_PER_S: Final = 1_000_000_000
_FOREVER: Final = (1 << 64) - 1


@dataclass(slots=True)
class _Filter:
    """What is wanted, and the first block that has not been told yet."""

    kind: str
    next_block: int
    used_ns: int
    criteria: Criteria | None = None
    first: int = 0
    last: int = _FOREVER
    """The range a log filter was made with; `getFilterLogs` reads it again as a whole."""

    announced: set[bytes] = field(default_factory=set)
    """Waiting transactions that have been told already."""


class Filters:
    """The filters of one endpoint; they belong to nobody, as on every node."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._filters: dict[str, _Filter] = {}
        self._made = 0

    @method("eth_newBlockFilter")
    def new_block_filter(self, params: Params) -> str:
        """From now on: the hashes of new blocks."""
        return self._add(self._filter("blocks"))

    @method("eth_newPendingTransactionFilter")
    def new_transaction_filter(self, params: Params) -> str:
        """From now on: the hashes of transactions, waiting or already in a block."""
        made = self._filter("transactions")
        made.announced = {one.hash for one in self.chain.pool}
        return self._add(made)

    @method("eth_newFilter")
    def new_log_filter(self, params: Params) -> str:
        """From now on: new logs that match."""
        value = params.optional_object(0, "filter")
        made = self._filter("logs")
        made.criteria = Criteria.parse(value)
        made.first, made.last = block_range(self.chain, value)
        if value.get("toBlock") is None and value.get("blockHash") is None:
            made.last = _FOREVER
        return self._add(made)

    @method("eth_getFilterChanges")
    def changes(self, params: Params) -> list[Any]:
        """What is new since the last time."""
        found = self._find(params)
        head = self.chain.head.number
        first, found.next_block = min(found.next_block, head + 1), head + 1
        if found.criteria is not None:
            first, last = max(first, found.first), min(head, found.last)
            return collect(self.chain, first, last, found.criteria)
        if found.kind == "blocks":
            return [to_data(block.hash) for block in self._blocks(first)]
        return self._new_transactions(found, first)

    @method("eth_getFilterLogs")
    def logs(self, params: Params) -> list[dict[str, Any]]:
        """All logs of the filter's whole range."""
        found = self._find(params)
        if found.criteria is None:
            raise RpcError(f"the filter is for {found.kind}, not for logs", code=-32000)
        last = min(self.chain.head.number, found.last)
        return collect(self.chain, found.first, last, found.criteria)

    @method("eth_uninstallFilter")
    def uninstall(self, params: Params) -> bool:
        """Forget a filter; whether it was there."""
        return self._filters.pop(params.text(0, "filter id"), None) is not None

    def rewind(self, head: int) -> None:
        """The chain went back to block `head`: what is mined above it is new again."""
        for one in self._filters.values():
            one.next_block = min(one.next_block, head + 1)

    # -- inside -----------------------------------------------------------------------------------

    def _filter(self, kind: str) -> _Filter:
        return _Filter(kind, self.chain.head.number + 1, self._now_ns())

    def _add(self, made: _Filter) -> str:
        self._expire()
        if len(self._filters) >= FILTER_LIMIT:
            raise RateLimited(f"there are {FILTER_LIMIT} filters already; uninstall some")
        self._made += 1
        filter_id = hex(self._made)
        self._filters[filter_id] = made
        return filter_id

    def _find(self, params: Params) -> _Filter:
        self._expire()
        filter_id = params.text(0, "filter id")
        found = self._filters.get(filter_id)
        if found is None:
            raise RpcError(f"filter not found: {filter_id[:66]}", code=-32000)
        found.used_ns = self._now_ns()
        # Moved to the end, so that the table is in the order of use and expiry looks at its front.
        self._filters[filter_id] = self._filters.pop(filter_id)
        return found

    def _expire(self) -> None:
        oldest_ns = self._now_ns() - LIFETIME_S * _NS_PER_S
        while self._filters:
            filter_id, one = next(iter(self._filters.items()))
            if one.used_ns >= oldest_ns:
                return
            del self._filters[filter_id]

    def _now_ns(self) -> int:
        return self.chain.context.clock.monotonic_ns()

    def _blocks(self, first: int) -> Iterator[Block]:
        for number in range(first, self.chain.head.number + 1):
            block = self.chain.history.by_number(number)
            if block is not None:
                yield block

    def _new_transactions(self, found: _Filter, first: int) -> list[str]:
        hashes = [
            receipt.submission.hash for block in self._blocks(first) for receipt in block.receipts
        ]
        waiting = [one.hash for one in self.chain.pool]
        fresh = [one for one in (*hashes, *waiting) if one not in found.announced]
        found.announced = set(waiting)
        return [to_data(one) for one in fresh]
