"""What the demo measures: how long each paid request took, and what the chain took for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.cli.tally import percentile

FEE_UNIT = 1_000_000
"""Base units of a dollar token."""


@dataclass(slots=True)
class Run:
    """The same requests, paid for in one way."""

    name: str
    price: int
    """Of one request, in base units."""
    latencies_us: list[int] = field(default_factory=list)
    fees: list[int] = field(default_factory=list)
    """Of each transaction that it took, in base units."""

    @property
    def requests(self) -> int:
        """How many were delivered."""
        return len(self.latencies_us)

    @property
    def transactions(self) -> int:
        """How many transactions the chain had to take."""
        return len(self.fees)

    @property
    def fee_per_request(self) -> float:
        """All fees over all requests, in base units."""
        return sum(self.fees) / max(self.requests, 1)

    def percentile_us(self, percent: int) -> int:
        """The latency that so many in a hundred requests stayed within."""
        return percentile(self.latencies_us, percent) or 0


def break_even(charge: Run, session: Run) -> int | None:
    """From how many requests on a session costs less in fees than a charge each; None if never.

    A session's fees do not depend on how many requests it pays for.
    """
    per_charge = charge.fee_per_request
    if per_charge <= 0:
        return None
    return int(sum(session.fees) // per_charge) + 1
