"""What is promised of this project's speed: each figure, what it is compared with, and its bar.

The names are what the benchmarks print as `ratio NAME: VALUE`; the promises are ARCHITECTURE.md's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MISSED: Final = "bar missed"
UNMEASURED: Final = "not measured"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure."""

    name: str
    what: str
    against: str
    bar: float | None
    aim: float | None
    more_is_better: bool = True

    def verdict(self, value: float) -> str:
        """Whether a value meets the aim, the bar, or neither."""
        for limit, word in ((self.aim, "aim met"), (self.bar, "bar met")):
            if limit is not None and (value >= limit if self.more_is_better else value <= limit):
                return word
        return "recorded" if self.bar is None else MISSED


BARS: Final = (
    Bar("chain.sync16", "TIP-20 payments/s through `eth_sendRawTransactionSync`, 16 senders",
        "anvil --network tempo", 1, 2),
    Bar("chain.long", "the same rate between payments 20,000 and 22,000",
        "its own rate at the start", 0.8, 1),
    Bar("session.requests", "session-paid requests/s, one server process",
        "mppx's session server on Node", 25, 50),
    Bar("session.voucher", "time to verify and accept a voucher",
        "libsecp256k1's recovery alone", 2, 1.3, more_is_better=False),
    Bar("challenge.issue", "402 challenges/s", "pympp's own handler under the same server", 3, 8),
    Bar("charge.requests", "charge-paid requests/s end to end, instant mining",
        "mppx's server on anvil", 1, 2),
    Bar("start.ready", "from `up` to ready", "importing eth_tester alone", 2, 1,
        more_is_better=False),
    Bar("sim.events", "events/s of a scenario", "a bare SimPy timeout loop", 0.3, 0.6),
    Bar("memory.growth", "the chain's memory after 100,000 payments",
        "after 1,000", None, 1, more_is_better=False),
)  # fmt: skip
