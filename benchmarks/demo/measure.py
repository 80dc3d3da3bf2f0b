"""What the demo measures: how long each paid request took, and what the rail took for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.cli.tally import percentile

FEE_UNIT = 1_000_000
"""Base units of a dollar token; all prices and fees are counted in them, whatever the rail."""


@dataclass(slots=True)
class Run:
    """The same requests, paid for in one way."""

    name: str
    price: int
    """Of one request, in base units."""
    latencies_us: list[int] = field(default_factory=list)
    fees: list[int] = field(default_factory=list)
    """Of each transaction or payment that it took, in base units, the closing one last."""
    covers: int | None = 1
    """How many requests one payment is for; None for any number, in a channel."""
    closing: int = 0
    """How many of the fees were for the end, whatever went before."""

    @property
    def requests(self) -> int:
        """How many were delivered."""
        return len(self.latencies_us)

    @property
    def transactions(self) -> int:
        """How many transactions or payments the rail had to take."""
        return len(self.fees)

    @property
    def fee_per_request(self) -> float:
        """All fees over all requests, in base units."""
        return sum(self.fees) / max(self.requests, 1)

    def fees_after(self, requests: int) -> float:
        """What so many requests would have cost in fees, in base units."""
        if self.covers is None:
            return sum(self.fees)
        until = len(self.fees) - self.closing
        each = sum(self.fees[:until]) / max(until, 1)
        return each * -(-requests // self.covers) + sum(self.fees[until:])

    def percentile_us(self, percent: int) -> int:
        """The latency that so many in a hundred requests stayed within."""
        return percentile(self.latencies_us, percent) or 0


def break_even(charge: Run, session: Run) -> int | None:
    """From how many requests on a session costs less in fees than a charge each; None if never.

    A channel's fees do not depend on how many requests it pays for.
    """
    per_charge = charge.fee_per_request
    if per_charge <= 0:
        return None
    return int(sum(session.fees) // per_charge) + 1
