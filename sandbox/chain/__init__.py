"""Talks to a Tempo chain: any node, ours or a released one, over its JSON-RPC (facts, tempo 5).

`rpc` is the wire, `sender` signs and sends for a wallet, `broadcast` brings signed bytes onto the
chain, `escrow` reads channels, and `errors` says of each failure what is certain about it.
"""

from sandbox.chain.broadcast import broadcast
from sandbox.chain.errors import (
    ChainError,
    EscrowMissing,
    RpcError,
    RpcOutcomeUnknown,
    RpcUnavailable,
    TransactionOutcomeUnknown,
    TransactionRefused,
    TransactionReverts,
)
from sandbox.chain.escrow import (
    CloseFound,
    OnChainChannel,
    find_close,
    read_channel,
    token_balance,
)
from sandbox.chain.receipts import TxResult, receipt
from sandbox.chain.rpc import TempoRpc
from sandbox.chain.sender import Sender, co_sign, fund

__all__ = [
    "ChainError",
    "CloseFound",
    "EscrowMissing",
    "OnChainChannel",
    "RpcError",
    "RpcOutcomeUnknown",
    "RpcUnavailable",
    "Sender",
    "TempoRpc",
    "TransactionOutcomeUnknown",
    "TransactionRefused",
    "TransactionReverts",
    "TxResult",
    "broadcast",
    "co_sign",
    "find_close",
    "fund",
    "read_channel",
    "receipt",
    "token_balance",
]
