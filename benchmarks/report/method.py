"""How a run was measured, in the sentences that its page has."""

from __future__ import annotations

from typing import Final

from benchmarks.ladder import MOST_BUSY, MOST_FAILED, MOST_LAG, SLO_P99_US
from benchmarks.report.results import KEPT_UP

METHOD: Final = (
    "When a request is sent was drawn before the leg began; its latency counts from that moment, "
    "whatever the server or the generator was late with.",
    "Devnet, servers and load generator are processes of their own on one machine, over loopback.",
    f"A leg is marked “late” where its generator sent requests later (p99) than {MOST_LAG:.0%} of "
    "their latency's p99, and than it is late at rest: there latencies are an upper bound. It is "
    f"marked “generator” where that took more than {MOST_BUSY:.0%} of a core: there a server may "
    "do better.",
    f"A load is carried where {KEPT_UP:.0%} of what was due were answered in time, 99 of 100 "
    f"within {SLO_P99_US // 1_000} ms, and at most {MOST_FAILED:.0%} failed. The highest rate of a "
    "ladder that was carried is the knee.",
    "Figures are the median over rounds with the lowest and the highest round behind it. Failures "
    "and timeouts count as latencies, and are counted. A percentile takes ten requests beyond it: "
    "where a round alone has too few, it is that of all rounds, and says so.",
    "Fees are read off the rail's own books after the leg: the median of each kind of payment. "
    "A thousandth of a sat is taken as a millionth of a dollar, at 100,000 dollars a bitcoin.",
    "Compare the operations with each other. The milliseconds are this machine's.",
)
