"""eth_subscribe over WebSocket: new heads, logs and transactions, pushed as blocks are sealed.

One task reads the chain's stream of blocks for all connections and runs only while somebody
subscribes. What it sends never waits for a reader (see `connection.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import MethodNotFound, RateLimited
from mock_rails.tempo.history import matching_logs
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import header_json, log_json, transaction_json
from mock_rails.tempo.rpc.logs import Criteria
from mock_rails.tempo.tx.json_values import invalid, to_data

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Block
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.connection import Connection
    from mock_rails.tempo.rpc.params import Params

SUBSCRIPTION_LIMIT: Final = 1_000
"""For each connection."""

KINDS: Final = ("newHeads", "logs", "newPendingTransactions", "syncing")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Subscription:
    """One stream to one connection."""

    connection: Connection
    kind: str
    criteria: Criteria | None = None
    full: bool = False


class Subscriptions:
    """Who is told of what."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._active: dict[str, _Subscription] = {}
        self._made = 0
        self._pump: asyncio.Task[None] | None = None

    @method("eth_subscribe")
    def subscribe(self, params: Params) -> str:
        """Begin a stream on this connection and return its id."""
        connection = _need(params)
        kind = params.text(0, "subscription")
        if kind not in KINDS:
            raise invalid("subscription", f"one of {', '.join(KINDS)}", kind)
        made = _Subscription(
            connection,
            kind,
            Criteria.parse(params.optional_object(1, "filter")) if kind == "logs" else None,
            full=kind == "newPendingTransactions" and params.flag(1, "full transactions"),
        )
        mine = sum(one.connection is connection for one in self._active.values())
        if mine >= SUBSCRIPTION_LIMIT:
            raise RateLimited(f"this connection has {SUBSCRIPTION_LIMIT} subscriptions already")
        self._made += 1
        subscription_id = f"0x{self._made:032x}"
        self._active[subscription_id] = made
        if self._pump is None:
            self._pump = asyncio.create_task(self._follow())
        return subscription_id

    @method("eth_unsubscribe")
    def unsubscribe(self, params: Params) -> bool:
        """End a stream of this connection; whether there was one."""
        connection = _need(params)
        subscription_id = params.text(0, "subscription id")
        found = self._active.get(subscription_id)
        if found is None or found.connection is not connection:
            return False
        del self._active[subscription_id]
        self._rest()
        return True

    def forget(self, connection: Connection) -> None:
        """A connection ended, and its streams with it."""
        self._active = {
            key: one for key, one in self._active.items() if one.connection is not connection
        }
        self._rest()

    async def close(self) -> None:
        """End all streams."""
        self._active.clear()
        pump = self._rest()
        if pump is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    # -- inside -----------------------------------------------------------------------------------

    def _rest(self) -> asyncio.Task[None] | None:
        """Stop following the chain when nobody listens."""
        pump = self._pump
        if pump is None or self._active:
            return None
        self._pump = None
        pump.cancel()
        return pump

    async def _follow(self) -> None:
        told = self.chain.head.number
        async for newest in self.chain.subscribe():
            # The stream drops the oldest when thousands are mined at once; history has them.
            for number in range(told + 1, newest.number):
                await self._announce(self.chain.history.by_number(number))
            await self._announce(newest)
            told = newest.number

    async def _announce(self, block: Block | None) -> None:
        if block is None:
            return
        try:
            self._tell(block)
        except Exception:
            _LOGGER.exception("block %d could not be announced", block.number)
        # Let the connections write, or a burst of blocks would look like a slow reader.
        await self.chain.context.clock.yield_to_loop()

    def _tell(self, block: Block) -> None:
        header: dict[str, Any] | None = None
        for subscription_id, one in list(self._active.items()):
            if one.kind == "newHeads":
                header = header or header_json(block)
                one.connection.notify(subscription_id, header)
            elif one.criteria is not None:
                wanted = one.criteria
                for receipt, index, log in matching_logs(
                    block.receipts, wanted.addresses, wanted.topics
                ):
                    one.connection.notify(subscription_id, log_json(log, receipt, index))
            elif one.kind == "newPendingTransactions":
                for receipt in block.receipts:
                    submission = receipt.submission
                    shape = transaction_json(submission, None) if one.full else None
                    one.connection.notify(subscription_id, shape or to_data(submission.hash))


def _need(params: Params) -> Connection:
    if params.connection is None:
        raise MethodNotFound("notifications not supported: subscribe over a WebSocket")
    return params.connection
