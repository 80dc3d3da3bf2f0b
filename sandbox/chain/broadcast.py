"""Brings a signed transaction onto the chain, and finds out whether it got there.

A lost answer is not a lost payment (DESIGN 2.6): the receipt is looked for by the transaction's
hash, and the very same bytes are sent again, which cannot pay twice. Which of the node's words mean
that it has the transaction already are facts, tempo 1.9 and 5.7.

Once the node may have the transaction, no refusal of the same bytes is proof that it is not there.
The only proof then is time: the chain's newest block is past its validity window (1.7).
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import Clock
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.decode import decode_transaction
from sandbox.chain.errors import (
    ChainError,
    RpcError,
    RpcUnavailable,
    TransactionOutcomeUnknown,
    TransactionRefused,
)
from sandbox.chain.receipts import TxResult, read_receipt, receipt
from sandbox.chain.values import read_object, read_quantity, to_hex

if TYPE_CHECKING:
    from sandbox.chain.rpc import TempoRpc

DEFAULT_TIMEOUT_S: Final = 30

_SEND_SYNC: Final = "eth_sendRawTransactionSync"
_SEND: Final = "eth_sendRawTransaction"
_NO_SUCH_METHOD: Final = -32601
_BAD_PARAMS: Final = -32602
_RATE_LIMITED: Final = -32005
_INTERNAL: Final = -32603
_NOT_MINED_YET: Final = 4
_HAS_IT: Final = re.compile(r"already ?known|known transaction|already imported", re.IGNORECASE)
_MARGIN_S: Final = 2
"""How much earlier than the connection the node gives up waiting for a block."""

_FIRST_PAUSE_MS: Final = 20
_LONGEST_PAUSE_MS: Final = 1_000
_WALL: Final = Clock()


async def broadcast(rpc: TempoRpc, raw: bytes, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> TxResult:
    """Send a signed transaction in its canonical form and return its receipt, reverted or not.

    Raises `TransactionRefused` or `RpcUnavailable` if it surely was not mined, and
    `TransactionOutcomeUnknown` if after `timeout_s` of real time nobody can tell.
    """
    return await _Broadcast(rpc, raw, timeout_s).run()


class _Broadcast:
    """One transaction on its way."""

    def __init__(self, rpc: TempoRpc, raw: bytes, timeout_s: float) -> None:
        self.rpc = rpc
        self.bytes = raw
        self.raw = to_hex(raw)
        self.hash = keccak256(raw)
        self.deadline_ns = _WALL.monotonic_ns() + int(timeout_s * 1_000_000_000)
        self.pause_ms = _FIRST_PAUSE_MS
        self.method = _SEND_SYNC
        self.says_how_long = True
        self.may_be_there = False
        self.to_be_sent = True
        self.last: ChainError | None = None

    async def run(self) -> TxResult:
        """Until it is mined, refused, or the time is up."""
        while True:
            found = await self._try()
            if found is not None:
                return found
            if self._left_s() <= 0:
                return await self._give_up()
            await self._pause()

    async def _try(self) -> TxResult | None:
        """Look if it may be there; send it, if it may not."""
        try:
            if self.may_be_there:
                found = await receipt(self.rpc, self.hash)
                if found is not None:
                    return found
            return await self._send() if self.to_be_sent else None
        except RpcError as error:
            return await self._judge(error)
        except RpcUnavailable as error:
            if not self.may_be_there:
                raise
            self.last = error
        except ChainError as error:  # lost, or unreadable
            self.may_be_there, self.last = True, error
        return None

    async def _send(self) -> TxResult | None:
        params: list[Any] = [self.raw]
        if self.method == _SEND_SYNC and self.says_how_long:
            patience_s = max(self.rpc.timeout_s - _MARGIN_S, self.rpc.timeout_s / 2)
            longest_s = min(self._left_s(), patience_s)
            params.append(max(1, int(longest_s * 1_000)))
        answer = await self.rpc.call(self.method, *params)
        self._is_there()
        return read_receipt(answer) if isinstance(answer, dict) else None

    async def _judge(self, error: RpcError) -> TxResult | None:
        """What an error says about the transaction: there, perhaps there, or surely not."""
        self.last = error
        if error.rpc_code == _NO_SUCH_METHOD and self.method == _SEND_SYNC:
            self.method = _SEND
            self.pause_ms = 0
            return None
        if error.rpc_code == _BAD_PARAMS and self.method == _SEND_SYNC and self.says_how_long:
            self.says_how_long = False  # anvil takes the transaction only
            self.pause_ms = 0
            return None
        if error.rpc_code == _RATE_LIMITED:
            return None
        if error.rpc_code == _NOT_MINED_YET or _HAS_IT.search(error.message):
            self._is_there()
            return None
        if error.rpc_code == _INTERNAL:
            self.may_be_there = True
            return None
        # A nonce that is used up may have been used by this very transaction, sent before.
        try:
            found = await receipt(self.rpc, self.hash)
        except ChainError:
            self.may_be_there = True
            return None
        if found is None and not self.may_be_there:
            raise self._refused(error) from error
        return found

    def _is_there(self) -> None:
        """The node has said that it holds the transaction."""
        self.may_be_there, self.to_be_sent = True, False

    def _left_s(self) -> float:
        return (self.deadline_ns - _WALL.monotonic_ns()) / 1_000_000_000

    async def _pause(self) -> None:
        await _WALL.wall_sleep(timedelta(milliseconds=self.pause_ms))
        self.pause_ms = min(max(2 * self.pause_ms, _FIRST_PAUSE_MS), _LONGEST_PAUSE_MS)

    async def _give_up(self) -> TxResult:
        """The time is up: say what is certain, which may be that it was mined after all."""
        if not self.may_be_there and isinstance(self.last, RpcError):
            raise self._refused(self.last)
        is_over, found = False, None
        with suppress(ChainError):
            # In this order, or a block may come in between.
            over = await self._window_is_over()
            found = await receipt(self.rpc, self.hash)
            is_over = over
        if found is not None:
            return found
        if is_over:
            raise TransactionRefused("transaction expired before it was mined", self.hash)
        why = f" {self.last.detail}" if self.last is not None else ""
        raise TransactionOutcomeUnknown(
            self.hash, f"Transaction {to_hex(self.hash)} was sent and is not mined so far.{why}"
        )

    async def _window_is_over(self) -> bool:
        """Whether no block to come can hold the transaction."""
        try:
            valid_before = decode_transaction(self.bytes).tx.valid_before
        except InvalidTransaction:
            return False
        return valid_before is not None and await head_time_s(self.rpc) >= valid_before

    def _refused(self, error: RpcError) -> TransactionRefused:
        return TransactionRefused(error.words, self.hash, rpc_code=error.rpc_code)


async def head_time_s(rpc: TempoRpc) -> int:
    """The newest block's timestamp: the chain's time is at least that."""
    head = read_object(await rpc.call("eth_getBlockByNumber", "latest", False), "block")
    return read_quantity(head.get("timestamp"), "block's timestamp")
