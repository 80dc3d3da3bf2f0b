"""What happens under congestion, which nobody claims anything about: E18 (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import percent, ranged
from scenarios.statistics import t_interval

if TYPE_CHECKING:
    from scenarios.experiment import Result

_OUTAGE_S: Final = 60.0
_WAYS: Final = ("charge", "charge, failover", "session", "session, failover")


def _congestion(spike: Result, outage: Result) -> Judgement:
    more, dearer = [], {}
    for intent in ("charge", "session"):
        before, during = (
            spike.interval("fee_per_request", intent, phase) for phase in ("before", "spike")
        )
        dearer[intent] = during.mean / before.mean
        more.append(
            f"Fee spike, {intent}: {ranged(before)} base units a request before it, "
            f"{ranged(during)} in it."
        )
    served = {way: outage.interval("served_in_outage", way, _OUTAGE_S) for way in _WAYS}
    more += [
        f"Chain still for {_OUTAGE_S:g} s, {way}: {percent(one)} of the requests served."
        for way, one in served.items()
    ]
    cheaper = spike.difference("fee_per_request", ("session", "spike"), ("charge", "spike"))
    gained = outage.difference("served_in_outage", ("charge", _OUTAGE_S), ("session", _OUTAGE_S))
    first = outage.values("served_in_outage", "session", _OUTAGE_S)
    return Judgement(
        verdict([cheaper.low > 0, gained.low > 0, served["session"].low > 0.99]),
        Number(
            t_interval([100 * one for one in first]),
            "%",
            "requests that sessions serve while the chain stands still for a minute",
        ),
        "Open channels go on and pay nothing meanwhile. Who must open one in a spike pays the "
        "spike's price for it, and in an outage is not served without a second rail.",
        tuple(more),
    )


E18 = Claim(
    "E18",
    "A session outlives trouble on the chain. (Nobody says so; tried for completeness.)",
    "a minute's fee spike and a minute's outage, by charge and by session; held where a session "
    "is cheaper in the spike, serves more in the outage, and serves all.",
    (
        Trial("fee_spike", {"spike_s": "60"}, 6),
        Trial("outage", {"outages_s": "60", "horizon_s": "300"}, 6),
    ),
    _congestion,
)
