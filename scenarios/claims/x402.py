"""The claim about x402: E7 (facts: protocol 6). It was made when `exact` was the only scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import percent, ranged

if TYPE_CHECKING:
    from scenarios.experiment import Result

_VISIT: Final = 30
_SCHEMES: Final = ("exact", "upto", "batch")
_WAYS: Final = (*_SCHEMES, "mpp charge", "mpp session")


def _per_request(result: Result) -> Judgement:
    sent = {way: result.interval("transactions_per_request", way, _VISIT) for way in _WAYS}
    more = []
    for way in _WAYS:
        fee = result.interval("fee_per_request", way, _VISIT)
        took = result.interval("latency_mean_ms", way, _VISIT)
        owed = result.interval("owed_s", way, _VISIT)
        lost = result.interval("lost_share", way, _VISIT)
        more.append(
            f"{way}: {ranged(sent[way])} transactions and {ranged(fee)} base units a request, "
            f"{ranged(took)} ms on average, owed for {ranged(owed)} s, {percent(lost)} never paid."
        )
    batch = result.difference("fee_per_request", ("mpp session", _VISIT), ("batch", _VISIT))
    more.append(
        f"The fee of x402's batches differs from an MPP session's by {ranged(batch)} base units."
    )
    return Judgement(
        verdict(sent[way].low >= 1 for way in _SCHEMES),
        Number(sent["batch"], "transactions", "what a request takes in x402's batches"),
        "True of `exact` alone; `upto` and `batch-settlement` settle many requests at once; the "
        "merchant is owed for them meanwhile, by `upto` with no deposit behind it.",
        tuple(more),
    )


E7 = Claim(
    "E7",
    "x402 settles each request with a transaction.",
    "the same visits of 30 by x402's three schemes and by MPP's two, on one chain; held where a "
    "scheme takes a transaction or more a request.",
    (Trial("x402", {"requests": str(_VISIT), "visits": "40"}, 6),),
    _per_request,
)
