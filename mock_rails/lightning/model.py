"""The network's state: nodes, channels, invoices, payments and the HTLCs between them.

Amounts are millisatoshis. Everything is plain data that a snapshot can hold; what it does is in the
files named after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

MSAT: Final = 1_000
"""Millisatoshis in a satoshi."""


@dataclass(slots=True)
class Policy:
    """What one end of a channel asks for forwarding over it."""

    base_msat: int = 1_000
    ppm: int = 1
    cltv_delta: int = 80
    min_htlc_msat: int = 1_000
    max_htlc_msat: int | None = None
    """None for the whole capacity."""
    disabled: bool = False

    def fee_msat(self, amount_msat: int) -> int:
        """The fee for forwarding an amount (facts 5.1)."""
        return self.base_msat + amount_msat * self.ppm // 1_000_000


@dataclass(eq=False, slots=True)
class End:
    """One node's end of a channel."""

    node: str
    balance_msat: int
    policy: Policy = field(default_factory=Policy)
    in_flight_msat: int = 0
    """What this end has offered and the other has not yet taken."""
    in_flight: int = 0


@dataclass(eq=False, slots=True)
class Channel:
    """Two ends that share a capacity."""

    scid: int
    capacity_msat: int
    ends: tuple[End, End]
    private: bool = False
    """Known to its two nodes only, and to payers whose invoice names it."""

    def end(self, node: str) -> End:
        """The end of a node."""
        return self.ends[0] if self.ends[0].node == node else self.ends[1]

    def peer(self, node: str) -> End:
        """The other end."""
        return self.ends[1] if self.ends[0].node == node else self.ends[0]

    @property
    def reserve_msat(self) -> int:
        """What either end must keep, so that cheating costs something: a hundredth."""
        return self.capacity_msat // 100

    def spendable_msat(self, node: str) -> int:
        """What a node can send over it now."""
        return max(0, self.end(node).balance_msat - self.reserve_msat)


@dataclass(eq=False, slots=True)
class NodeState:
    """What a node is, apart from its channels."""

    name: str
    key: bytes
    pubkey: bytes
    number: int
    online: bool = True
    add_index: int = 0
    settle_index: int = 0
    payment_index: int = 0


class InvoiceState(StrEnum):
    """Where an invoice is; `ACCEPTED` is paid but held (facts 5.4)."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    CANCELED = "CANCELED"


class PaymentStatus(StrEnum):
    """Where a payment is. One whose outcome nobody knows yet is in flight."""

    IN_FLIGHT = "IN_FLIGHT"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class FailureReason(StrEnum):
    """Why a payment failed for good, in LND's words (facts 5.3)."""

    NONE = "FAILURE_REASON_NONE"
    TIMEOUT = "FAILURE_REASON_TIMEOUT"
    NO_ROUTE = "FAILURE_REASON_NO_ROUTE"
    ERROR = "FAILURE_REASON_ERROR"
    INCORRECT_DETAILS = "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS"
    INSUFFICIENT_BALANCE = "FAILURE_REASON_INSUFFICIENT_BALANCE"
    CANCELED = "FAILURE_REASON_CANCELED"


class HtlcFailure(StrEnum):
    """Why a hop sent an HTLC back (BOLT 4)."""

    TEMPORARY_CHANNEL_FAILURE = "TEMPORARY_CHANNEL_FAILURE"
    AMOUNT_BELOW_MINIMUM = "AMOUNT_BELOW_MINIMUM"
    CHANNEL_DISABLED = "CHANNEL_DISABLED"
    UNKNOWN_NEXT_PEER = "UNKNOWN_NEXT_PEER"
    INCORRECT_DETAILS = "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS"
    MPP_TIMEOUT = "MPP_TIMEOUT"


class Hop(NamedTuple):
    """One channel of a route, in the direction of the payment."""

    scid: int
    sender: str
    receiver: str
    amount_msat: int
    """What is sent over it: the payee's amount and the fees of those behind it."""
    fee_msat: int
    """What the receiver keeps for forwarding."""
    expiry: int
    """The block height at which it would be void."""


class Avoided(NamedTuple):
    """A channel that a payment does not try again in one direction."""

    scid: int
    sender: str
    from_msat: int
    """Smaller amounts may still pass; 0 for none at all."""


@dataclass(eq=False, slots=True)
class Attempt:
    """One try to bring one part of a payment over one route."""

    id: int
    payer: str
    payment_hash: bytes
    amount_msat: int
    """What reaches the payee."""
    total_msat: int
    """What all parts together are to bring."""
    payment_secret: bytes
    """What shows the payee that its payer has read the invoice (BOLT 4)."""
    hops: tuple[Hop, ...]
    created_us: int
    locked: int = 0
    """How many hops of the route hold an HTLC."""
    status: PaymentStatus = PaymentStatus.IN_FLIGHT
    failure: HtlcFailure | None = None
    failed_at: int = 0
    """Which hop's receiver sent it back, counted from 0; the payer's own node is -1."""
    resolved_us: int = 0
    preimage: bytes | None = None
    """What the payee shows for it, once it takes it."""
    settle_delay_us: int = 0
    """How much later than usual its payer hears that it was taken (an armed fault)."""

    @property
    def fee_msat(self) -> int:
        """What the route costs."""
        return self.hops[0].amount_msat - self.amount_msat


@dataclass(eq=False, slots=True)
class Payment:
    """What one node does to pay one invoice."""

    node: str
    payment_hash: bytes
    invoice: str
    amount_msat: int
    fee_limit_msat: int | None
    created_us: int
    deadline_us: int
    """After it there are no new attempts; those in flight go on."""
    max_parts: int
    index: int
    allow_self: bool = False
    status: PaymentStatus = PaymentStatus.IN_FLIGHT
    failure: FailureReason = FailureReason.NONE
    """Known as soon as nothing more is tried, which may be before it is over."""
    preimage: bytes | None = None
    attempts: list[Attempt] = field(default_factory=list)
    avoided: list[Avoided] = field(default_factory=list)
    """What its attempts ran into."""
    loses_response: bool = False
    """Whether an armed fault keeps its end from whoever asked for it."""

    @property
    def fee_msat(self) -> int:
        """What the parts that arrived have cost."""
        done = PaymentStatus.SUCCEEDED
        return sum(one.fee_msat for one in self.attempts if one.status is done)

    @property
    def in_flight(self) -> list[Attempt]:
        """The attempts that nobody knows the end of."""
        return [one for one in self.attempts if one.status is PaymentStatus.IN_FLIGHT]

    @property
    def alive(self) -> list[Attempt]:
        """Those that have arrived or still may."""
        return [one for one in self.attempts if one.status is not PaymentStatus.FAILED]


class HeldState(StrEnum):
    """What became of an HTLC at its payee."""

    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    CANCELED = "CANCELED"


@dataclass(eq=False, slots=True)
class HeldHtlc:
    """An HTLC that an invoice took in, as its payee knows it."""

    attempt: int
    scid: int
    amount_msat: int
    total_msat: int
    expiry: int
    accepted_s: int
    resolved_s: int = 0
    state: HeldState = HeldState.ACCEPTED


@dataclass(eq=False, slots=True)
class InvoiceRecord:
    """One invoice at its node."""

    node: str
    payment_hash: bytes
    preimage: bytes | None
    """None for a hold invoice whose preimage somebody else keeps."""
    payment_secret: bytes
    text: str
    amount_msat: int | None
    description: str | None
    description_hash: bytes | None
    created_s: int
    expiry_s: int
    min_final_cltv: int
    add_index: int
    is_hold: bool = False
    private: bool = False
    external_id: str | None = None
    """What whoever asked for it calls it, where the wire lets them (phoenixd)."""
    webhook_url: str | None = None
    """Who else is to hear that it was paid (phoenixd)."""
    state: InvoiceState = InvoiceState.OPEN
    paid_msat: int = 0
    settle_index: int = 0
    settled_s: int = 0
    attempts: list[int] = field(default_factory=list)
    """The attempts whose HTLCs it holds or was paid with."""
    htlcs: list[HeldHtlc] = field(default_factory=list)
    """All that it took in, those that it sent back as well."""

    @property
    def expires_at_s(self) -> int:
        """When it can be paid no more."""
        return self.created_s + self.expiry_s
