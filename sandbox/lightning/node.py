"""A Lightning node, as gate and client use it: a few calls, whatever software runs it.

A payment has three outcomes: the preimage came, it certainly failed, or nobody knows yet. The last
is the one that makes naive programs pay twice (facts: lightning 1.5, 5.3): a timeout stops new
attempts and nothing else, so whoever gave up looks the payment up by its hash before anything else.
Amounts are whole satoshis, as MPP's Lightning methods write them; only fees are finer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from mock_rails.core.errors import SandboxError

NEVER_BEGUN: Final = "NEVER_BEGUN"
"""The reason of a payment that the node has never heard of: nothing of it is under way."""

UNREACHABLE: Final = "the node cannot be reached"
"""The reason of a payment that the node was never asked for."""


@dataclass(frozen=True, slots=True)
class MadeInvoice:
    """An invoice of this node's, and the hash that names it."""

    bolt11: str
    payment_hash: bytes


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that arrived. Whoever holds the preimage can show that it did."""

    preimage: bytes = field(repr=False)
    fee_msat: int


class NodeError(SandboxError):
    """The node did not do what it was asked for; nothing was changed."""

    code = "lightning-node"
    title = "The Lightning node refuses"


class PaymentFailed(NodeError):
    """A payment that certainly did not take place, and is not under way."""

    code = "lightning-payment-failed"
    title = "The Lightning payment failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The payment failed: {reason}.")
        self.reason = reason
        """In the node's words, such as `NO_ROUTE` or `invoice expired. Valid until …`."""


class PaymentOutcomeUnknown(NodeError):
    """A payment that may have taken place, or still may: look it up, and do not pay again."""

    code = "lightning-payment-unknown"
    title = "The outcome of the Lightning payment is not known"

    def __init__(self, payment_hash: bytes) -> None:
        super().__init__(
            f"The outcome of the payment {payment_hash.hex()} is not known.",
            hint="Look it up by its hash; paying again may pay twice.",
        )
        self.payment_hash = payment_hash


class LightningNode(Protocol):
    """One node, spoken to over whatever wire it has."""

    @property
    def network(self) -> str:
        """The network in MPP's words: `mainnet`, `regtest`, `signet`."""
        ...

    async def create_invoice(
        self, *, amount_sat: int | None, memo: str, expiry_s: int
    ) -> MadeInvoice:
        """A new invoice; without an amount the payer chooses it. Raises NodeError."""
        ...

    async def pay(
        self, bolt11: str, *, amount_sat: int | None = None, fee_limit_sat: int, timeout_s: int
    ) -> Paid:
        """Pay an invoice, the amount given only where it names none. A fee limit of 0 allows free
        routes only. Raises PaymentFailed or PaymentOutcomeUnknown."""
        ...

    async def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What came of a payment of this node's; None while it is under way. One that the node has
        never heard of has failed as `NEVER_BEGUN`. Raises NodeError if it cannot be asked."""
        ...

    async def settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of this node's was paid. Raises NodeError if it cannot be asked."""
        ...

    async def received_sat(self, payment_hash: bytes) -> int | None:
        """How much an invoice of this node's was paid, of which whoever pays an invoice without an
        amount decides; None while it is not. Raises NodeError if it cannot be asked."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
