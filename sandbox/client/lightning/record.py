"""What must not be forgotten of a session: by whom it can be found, and where its rest goes.

No preimage is in it. Whoever has the deposit's preimage can spend the session, and the node that
paid has it anyway: a later run asks the node (facts: lightning 2.2, 2.5).
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mpp import ChallengeEcho

if TYPE_CHECKING:
    from sandbox.client.payer import Order


class State(StrEnum):
    """How far a session has come, as its payer knows it."""

    PAYING = "paying"
    """The deposit is being paid, or may be."""
    PAID = "paid"
    """It is paid, and the server has not said that the session is open."""
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PendingTopUp:
    """A further deposit that the server has not acknowledged."""

    payment_hash: bytes
    amount_sat: int
    challenge: ChallengeEcho
    url: str
    verb: str


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session. Amounts are satoshis."""

    id: bytes
    """The payment hash of its first deposit."""
    host: str
    realm: str
    url: str
    """Where it was opened; what concerns the session itself is sent there."""
    place: str
    """What the opening bought (`place_of`)."""
    challenge: ChallengeEcho
    """The one that the first deposit was asked for with."""
    return_invoice: str
    return_hash: bytes
    return_ends_s: int
    """When the return invoice expires."""
    deposit_sat: int
    """What was paid in and acknowledged."""
    opened_at_s: int
    state: State = State.PAYING
    top_up: PendingTopUp | None = None
    told_sat: int | None = None
    """What was spent of it when the server last asked for a further deposit, by its word."""
    refund_sat: int | None = None
    """What the server said that it sends back; None if it said nothing."""
    refund_status: str | None = None
    received_sat: int | None = None
    """What came back."""

    def changed(self, **fields: Any) -> SessionRecord:
        """The record with other values."""
        return replace(self, **fields)


def place_of(order: Order) -> str:
    """One request's place; of its URL only a hash, for it may hold secrets."""
    return hashlib.sha256(f"{order.method} {order.url}".encode()).hexdigest()


def to_json(record: SessionRecord) -> dict[str, Any]:
    """The record as JSON values."""
    document = asdict(record)
    for name in ("id", "return_hash"):
        document[name] = document[name].hex()
    if record.top_up is not None:
        document["top_up"]["payment_hash"] = record.top_up.payment_hash.hex()
    return document


def from_json(document: dict[str, Any]) -> SessionRecord:
    """Read it back; `KeyError`, `TypeError` or `ValueError` if it is none."""
    fields = dict(document)
    fields["id"] = bytes.fromhex(fields["id"])
    fields["return_hash"] = bytes.fromhex(fields["return_hash"])
    fields["state"] = State(fields["state"])
    fields["challenge"] = ChallengeEcho(**fields["challenge"])
    if fields["top_up"] is not None:
        pending = dict(fields["top_up"])
        pending["payment_hash"] = bytes.fromhex(pending["payment_hash"])
        pending["challenge"] = ChallengeEcho(**pending["challenge"])
        fields["top_up"] = PendingTopUp(**pending)
    return SessionRecord(**fields)
