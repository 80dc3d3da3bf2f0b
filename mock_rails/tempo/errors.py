"""The chain's errors, in the language of its wire: JSON-RPC code, message and data.

    RpcError
     ├── InvalidParams         a parameter is missing or malformed                  -32602
     ├── MethodNotFound        no such method                                       -32601
     ├── InternalError         a defect, or a validity error inside a simulation    -32603
     ├── InvalidTransaction    the transaction is refused and changed nothing       -32000
     │    └── MalformedTransaction   its bytes or its signature are wrong           -32602
     ├── ExecutionReverted     the call ran and reverted; data = revert bytes            3
     ├── SyncTimeout           pooled, but not mined in the time given                   4
     ├── UnknownBlock          no such block                                        -32001
     └── RateLimited           too many requests                                    -32005

Codes and texts are the node's (facts 1.9): SDKs match on both, so neither is ours to improve.
"""

from __future__ import annotations

from typing import Any


class RpcError(Exception):
    """The root: what a JSON-RPC client is told.

    `code` and `message` always reach the client, `data` only when there is some. A raise may
    override the class's code, because the node gives one kind of refusal several codes.
    """

    code: int = -32603

    def __init__(self, message: str, *, code: int | None = None, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        if code is not None:
            self.code = code

    def to_json(self) -> dict[str, Any]:
        """The `error` member of a JSON-RPC answer."""
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            answer["data"] = self.data
        return answer


class ResponseLostError(Exception):
    """An armed fault lost the answer to a request that was carried out: the wire breaks here."""


class InvalidParams(RpcError):
    """A parameter is missing or malformed; the message names it."""

    code = -32602


class MethodNotFound(RpcError):
    """There is no such method."""

    code = -32601


class InternalError(RpcError):
    """A defect of the chain, or a validity error inside a simulation ("Revm error: ...")."""

    code = -32603


class InvalidTransaction(RpcError):
    """A transaction that the chain refuses; it has changed nothing."""

    code = -32000


class MalformedTransaction(InvalidTransaction):
    """A transaction whose bytes do not decode, or whose signature recovers nobody."""

    code = -32602


class ExecutionReverted(RpcError):
    """A call that ran and reverted; `data` is the revert data as hex."""

    code = 3


class SyncTimeout(RpcError):
    """A transaction that is pooled but was not mined in the time the caller gave it."""

    code = 4


class UnknownBlock(RpcError):
    """The block asked for does not exist."""

    code = -32001


class RateLimited(RpcError):
    """Too many requests; the client may try again."""

    code = -32005
