"""Brings a signed transaction onto the chain, and finds out whether it got there.

A lost answer is not a lost payment (DESIGN 2.6): the receipt is looked for by the transaction's
hash, and the very same bytes are sent again, which cannot pay twice. Which of the node's words mean
that it has the transaction already are facts, tempo 1.9 and 5.7.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import Clock
from mock_rails.tempo.crypto.hashing import keccak256
from sandbox.chain.errors import (
    ChainError,
    RpcError,
    RpcOutcomeUnknown,
    RpcUnavailable,
    TransactionOutcomeUnknown,
    TransactionRefused,
)
from sandbox.chain.receipts import TxResult, read_receipt, receipt
from sandbox.chain.values import to_hex

if TYPE_CHECKING:
    from sandbox.chain.rpc import TempoRpc

DEFAULT_TIMEOUT_S: Final = 30

_SEND_SYNC: Final = "eth_sendRawTransactionSync"
_SEND: Final = "eth_sendRawTransaction"
_NO_SUCH_METHOD: Final = -32601
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
        self.raw = to_hex(raw)
        self.hash = keccak256(raw)
        self.deadline_ns = _WALL.monotonic_ns() + int(timeout_s * 1_000_000_000)
        self.pause_ms = _FIRST_PAUSE_MS
        self.method = _SEND_SYNC
        self.may_be_there = False
        self.last: ChainError | None = None

    async def run(self) -> TxResult:
        while True:
            found = await self._try()
            if found is not None:
                return found
            if self._left_s() <= 0:
                raise self._unknown()
            await self._pause()

    async def _try(self) -> TxResult | None:
        """Look if it may be there; send it, if it may not."""
        try:
            if self.may_be_there:
                found = await receipt(self.rpc, self.hash)
                if found is not None:
                    return found
            return await self._send()
        except RpcError as error:
            return await self._judge(error)
        except RpcOutcomeUnknown as error:
            self.may_be_there, self.last = True, error
        except RpcUnavailable as error:
            if not self.may_be_there:
                raise
            self.last = error
        return None

    async def _send(self) -> TxResult | None:
        params: list[Any] = [self.raw]
        if self.method == _SEND_SYNC:
            longest_s = min(self._left_s(), self.rpc.timeout_s - _MARGIN_S)
            params.append(max(1, int(longest_s * 1_000)))
        answer = await self.rpc.call(self.method, *params)
        self.may_be_there = True
        return read_receipt(answer) if isinstance(answer, dict) else None

    async def _judge(self, error: RpcError) -> TxResult | None:
        """What an error says about the transaction: there, perhaps there, or surely not."""
        self.last = error
        if error.rpc_code == _NO_SUCH_METHOD and self.method == _SEND_SYNC:
            self.method = _SEND
            self.pause_ms = 0
            return None
        if error.rpc_code == _RATE_LIMITED:
            return None
        if error.rpc_code in {_NOT_MINED_YET, _INTERNAL} or _HAS_IT.search(error.message):
            self.may_be_there = True
            return None
        # A nonce that is used up may have been used by this very transaction, sent before.
        try:
            found = await receipt(self.rpc, self.hash)
        except ChainError:
            self.may_be_there = True
            return None
        if found is not None:
            return found
        raise TransactionRefused(error.words, rpc_code=error.rpc_code, tx_hash=self.hash) from error

    def _left_s(self) -> float:
        return (self.deadline_ns - _WALL.monotonic_ns()) / 1_000_000_000

    async def _pause(self) -> None:
        await _WALL.wall_sleep(timedelta(milliseconds=self.pause_ms))
        self.pause_ms = min(max(2 * self.pause_ms, _FIRST_PAUSE_MS), _LONGEST_PAUSE_MS)

    def _unknown(self) -> ChainError:
        if not self.may_be_there and isinstance(self.last, RpcError):
            return TransactionRefused(
                self.last.words, rpc_code=self.last.rpc_code, tx_hash=self.hash
            )
        why = f" {self.last.detail}" if self.last is not None else ""
        return TransactionOutcomeUnknown(
            self.hash, f"Transaction {to_hex(self.hash)} was sent and is not mined so far.{why}"
        )
