"""What a server knows of a session (facts: lightning 2.5). Rows are values and never deleted: a
closed session is remembered, so that nothing of it is taken twice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Whether a session still pays."""

    OPEN = "open"
    CLOSED = "closed"


class Refund(StrEnum):
    """What became of the one attempt to send the rest back."""

    PENDING = "pending"
    """It is to be sent, or under way: nobody knows yet."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """There was nothing to send."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Amounts are satoshis."""

    id: bytes
    """The payment hash of its first deposit."""
    deposit_sat: int
    return_invoice: str
    opened_s: int
    used_s: int
    """When it last did anything: idle sessions are closed."""
    spent_sat: int = 0
    units: int = 0
    status: Status = Status.OPEN
    top_ups: tuple[bytes, ...] = ()
    """The payment hashes of its further deposits."""
    refund_sat: int = 0
    refund: Refund | None = None

    @property
    def deposits(self) -> tuple[bytes, ...]:
        """The payment hashes of all that was paid in."""
        return (self.id, *self.top_ups)

    @property
    def available_sat(self) -> int:
        """What is paid in and not spent."""
        return self.deposit_sat - self.spent_sat


class SessionCodec:
    """Sessions as the stores keep them."""

    def encode(self, record: Session) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "id": record.id.hex(),
            "depositSats": record.deposit_sat,
            "returnInvoice": record.return_invoice,
            "openedS": record.opened_s,
            "usedS": record.used_s,
            "spent": record.spent_sat,
            "units": record.units,
            "status": record.status.value,
            "topUps": [one.hex() for one in record.top_ups],
            "refundSats": record.refund_sat,
            "refundStatus": None if record.refund is None else record.refund.value,
        }

    def decode(self, document: Any) -> Session:
        """The record that `encode` made this document of."""
        refund = document["refundStatus"]
        return Session(
            id=bytes.fromhex(document["id"]),
            deposit_sat=document["depositSats"],
            return_invoice=document["returnInvoice"],
            opened_s=document["openedS"],
            used_s=document["usedS"],
            spent_sat=document["spent"],
            units=document["units"],
            status=Status(document["status"]),
            top_ups=tuple(bytes.fromhex(one) for one in document["topUps"]),
            refund_sat=document["refundSats"],
            refund=None if refund is None else Refund(refund),
        )
