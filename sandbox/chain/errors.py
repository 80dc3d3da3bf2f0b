"""How talking to a chain fails, by what is certain about the transaction or the call.

    ChainError                        the chain could not do it                              502
     ├── RpcError                     the node answered with a JSON-RPC error
     ├── RpcUnavailable               the node was not reached, or the read got no answer:
     │                                nothing was changed                                    503
     ├── RpcOutcomeUnknown            the answer was lost: processed or not, nobody knows    504
     ├── EscrowMissing                there is no such escrow on this chain
     ├── TransactionRefused           it surely is not on the chain, in the node's words     402
     │    └── TransactionReverts      a trial run reverted, so that it was not even sent
     └── TransactionOutcomeUnknown    it was sent, and neither mined nor refused so far      504

A payment has three outcomes (DESIGN 2.5), and each class belongs to one of them. Whoever gets an
unknown one must look again, with `receipt`, before paying anew. Codes and words of the node are
those of facts, tempo 1.9. No message holds more of the node's address than its host.
"""

from __future__ import annotations

from typing import Any

from mock_rails.core.errors import SandboxError
from sandbox.chain.reverts import describe_revert, hint_for


class ChainError(SandboxError):
    """The chain, or the way to it, could not do what was asked."""

    code = "chain"
    title = "The chain could not do that"
    status = 502


class RpcError(ChainError):
    """The node answered with an error; `rpc_code`, `message` and `data` are as it wrote them."""

    code = "rpc-error"
    title = "The node answered with an error"

    def __init__(self, rpc_code: int, message: str, data: Any = None) -> None:
        name = describe_revert(data)
        shown = message if name is None or name in message else f"{message}: {name}"
        super().__init__(
            f"The node says: {shown} (code {rpc_code}).",
            hint=hint_for(shown),
            details={"code": rpc_code, "message": message},
        )
        self.rpc_code = rpc_code
        self.message = message
        self.data = data
        self.words = shown
        """The message, with the name of the contract's error where only its bytes came."""

    @property
    def is_revert(self) -> bool:
        """Whether the call ran and reverted."""
        return self.rpc_code == 3 or "execution reverted" in self.message


class RpcUnavailable(ChainError):
    """The node was not reached, turned the request away, or never answered a read."""

    code = "rpc-unavailable"
    title = "The node cannot be reached"
    status = 503


class RpcOutcomeUnknown(ChainError):
    """The request went out and its answer was lost."""

    code = "rpc-outcome-unknown"
    title = "The node's answer was lost"
    status = 504


class EscrowMissing(ChainError):
    """A channel's escrow is not a contract on this chain."""

    code = "escrow-missing"
    title = "There is no such escrow on this chain"


class TransactionRefused(ChainError):
    """The transaction is not on the chain and never will be; `words` are the node's."""

    code = "transaction-refused"
    title = "The transaction was refused"
    status = 402

    def __init__(
        self, words: str, tx_hash: bytes | None = None, *, rpc_code: int | None = None
    ) -> None:
        details = {} if tx_hash is None else {"hash": f"0x{tx_hash.hex()}"}
        super().__init__(f"{self.title}: {words}.", hint=hint_for(words), details=details)
        self.words = words
        self.rpc_code = rpc_code
        self.tx_hash = tx_hash


class TransactionReverts(TransactionRefused):
    """The transaction would revert; nothing was signed or sent."""

    code = "transaction-reverts"
    title = "The transaction would revert"


class TransactionOutcomeUnknown(ChainError):
    """The transaction was sent, and may be mined or not: look it up before you send another."""

    code = "transaction-outcome-unknown"
    title = "It is not known whether the transaction was mined"
    status = 504

    def __init__(self, tx_hash: bytes, detail: str) -> None:
        super().__init__(
            detail,
            hint="Ask for its receipt before you pay again.",
            details={"hash": f"0x{tx_hash.hex()}"},
        )
        self.tx_hash = tx_hash
