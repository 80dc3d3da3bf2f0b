"""What many requests came to: how many, how fast, for how much. Pure: figures in, text out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.cli.writing import latency, money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass
class Tally:
    """The sums of a run. Fees are base units by who paid them: `you`, or an address."""

    outcomes: Counter[str] = field(default_factory=Counter)
    latencies_us: list[int] = field(default_factory=list)
    methods: Counter[str] = field(default_factory=Counter)
    elapsed_us: int = 0
    spent: int = 0
    """Base units, on the chain."""
    by_card: Counter[str] = field(default_factory=Counter)
    """What cards were charged, by currency, in its smallest unit."""
    sats: int = 0
    """What was paid for over Lightning, without the fees."""
    transactions: int = 0
    fees: dict[str, int] | None = None
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """How many have ended."""
        return sum(self.outcomes.values())

    @property
    def per_s(self) -> int:
        """Requests a second, rounded."""
        return round(self.requests * 10**6 / self.elapsed_us) if self.elapsed_us else 0

    @property
    def paid(self) -> str:
        """What was spent, in words."""
        return paid_in_all(self.spent, self.by_card, self.sats)

    def add(self, outcome: str, elapsed_us: int, *, method: str | None, reason: str | None) -> None:
        """One more request has ended."""
        self.outcomes[outcome] += 1
        self.latencies_us.append(elapsed_us)
        if method is not None:
            self.methods[method] += 1
        if reason is not None:
            self.reasons[reason] += 1

    def to_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        return {
            "requests": self.requests,
            "outcomes": dict(self.outcomes),
            "methods": dict(self.methods),
            "elapsed_us": self.elapsed_us,
            "latency_us": {
                "p50": percentile(self.latencies_us, 50),
                "p99": percentile(self.latencies_us, 99),
                "max": max(self.latencies_us, default=None),
            },
            "spent": str(self.spent),
            "spent_by_card": {name: str(amount) for name, amount in self.by_card.items()},
            "spent_sat": str(self.sats),
            "transactions": self.transactions,
            "fees": None
            if self.fees is None
            else {who: str(fee) for who, fee in self.fees.items()},
            "reasons": dict(self.reasons),
        }

    def lines(self, tokens: Mapping[str, str] | None = None) -> list[str]:
        """For people."""
        outcomes = ", ".join(f"{count} {name}" for name, count in self.outcomes.most_common())
        found = [
            ("Requests", f"{outcomes} in {latency(self.elapsed_us)} ({self.per_s}/s)"),
            ("Latency", self._latency()),
            ("Spent", self.paid + self._methods()),
            ("Transactions", str(self.transactions)),
        ]
        if self.fees is not None:
            found.append(("Fees", self._fees()))
        lines = [f"{label:<13} {text}" for label, text in found]
        return lines + [f"{count} x {why}" for why, count in self.reasons.most_common(3)]

    def _latency(self) -> str:
        if not self.latencies_us:
            return "nothing was measured"
        p50, p99 = (percentile(self.latencies_us, one) or 0 for one in (50, 99))
        most = max(self.latencies_us)
        return f"p50 {latency(p50)}, p99 {latency(p99)}, max {latency(most)}"

    def _methods(self) -> str:
        return f" by {', '.join(self.methods)}" if self.methods else ""

    def _fees(self) -> str:
        if not self.fees:
            return "none"
        shown = [f"{money(fee)} paid by {who}" for who, fee in self.fees.items()]
        total = money(sum(self.fees.values()))
        return shown[0] if len(shown) == 1 else f"{total}: {', '.join(shown)}"


def paid_in_all(spent: int, by_card: Mapping[str, int], sats: int = 0) -> str:
    """Tokens, cards and satoshis together, for they are not the same money."""
    shown = [money(amount, currency) for currency, amount in by_card.items()]
    shown += [money(sats, "sat")] if sats else []
    return " and ".join([money(spent), *shown] if spent or not shown else shown)


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The value that `percent` of all are not above (nearest rank); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]
