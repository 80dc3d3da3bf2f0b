"""Claims about time: E1, E3, E13 (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import digits, ranged
from scenarios.statistics import paired

if TYPE_CHECKING:
    from scenarios.experiment import Result

_LIMIT_MS: Final = 100
_ROUND_TRIPS_MS: Final = (0, 10, 50)
_VISIT: Final = 30
_LONG: Final = 300


def _session(rtt_ms: int, requests: int = _VISIT, visits: int = 40) -> Trial:
    return Trial(
        "charge_vs_session",
        {"rtt_ms": str(rtt_ms), "requests": str(requests), "visits": str(visits)},
    )


def _under_100_ms(*results: Result) -> Judgement:
    *short, long = results
    held, more = [], []
    for rtt_ms, result in zip(_ROUND_TRIPS_MS, short, strict=True):
        for share in ("p50", "p99"):
            pair = (("free", _VISIT), ("session", _VISIT))
            added = result.difference(f"latency_{share}_ms", *pair)
            held.append(added.high < _LIMIT_MS)
            more.append(
                f"Round trip {rtt_ms} ms, visits of {_VISIT}: the {share} grows by "
                f"{ranged(added)} ms."
            )
    pair = (("free", _LONG), ("session", _LONG))
    late = long.difference("latency_p99_ms", *pair)
    held.append(late.high < _LIMIT_MS)
    more.append(f"Round trip 10 ms, visits of {_LONG}: the p99 grows by {ranged(late)} ms.")
    usual = short[1].difference("latency_p50_ms", ("free", _VISIT), ("session", _VISIT))
    return Judgement(
        verdict(held),
        Number(usual, "ms", "what a session adds to the median request at 10 ms round trip"),
        "A request on an open channel takes its one round trip and a voucher's check, at any "
        "distance; the request that opens the channel waits for a block, and where visits are "
        "short it is more than one in a hundred and makes the p99.",
        tuple(more),
    )


E1 = Claim(
    "E1",
    "Session requests add under 100 ms.",
    "the same visits free and by session, at round trips of 0, 10 and 50 ms and blocks of 500 ms; "
    "medians and p99 over all requests, the opening one included.",
    (*(_session(rtt_ms) for rtt_ms in _ROUND_TRIPS_MS), _session(10, _LONG, 10)),
    _under_100_ms,
)

_BLOCKS_MS: Final = (1.0, 100.0, 500.0, 1_000.0)


def _over_100_ms(result: Result) -> Judgement:
    held, more = [], []
    for block_ms in _BLOCKS_MS:
        pair = (("free", block_ms), ("charge", block_ms))
        added = result.difference("latency_p50_ms", *pair)
        late = result.interval("latency_p99_ms", "charge", block_ms)
        held.append(added.low >= _LIMIT_MS)
        more.append(
            f"Blocks of {block_ms:g} ms: the median grows by {ranged(added)} ms; half a block and "
            f"a round trip are {digits(block_ms / 2 + result.parameters.rtt_ms)}. The p99 is "
            f"{ranged(late)} ms."
        )
    usual = result.difference("latency_p50_ms", ("free", 500.0), ("charge", 500.0))
    return Judgement(
        verdict(held),
        Number(usual, "ms", "what a charge adds to the median request at blocks of 500 ms"),
        "A charge asks for its price first and then waits for the rest of a block, so that the "
        "block time decides; 500 ms is what Tempo's documentation gives as its finality. Where the "
        "median is above half a block, agents keep step with the blocks: an answer comes with one, "
        "and after a pause of about a block most of the next is still to be waited for.",
        tuple(more),
    )


E3 = Claim(
    "E3",
    "A charge adds 100 ms and more.",
    "the same visits free and by charge at block times of 1, 100, 500 and 1,000 ms, each request "
    "waiting for its receipt.",
    (
        Trial(
            "block_time",
            {"block_times_ms": "1,100,500,1000", "visits": "40", "requests": "30"},
        ),
    ),
    _over_100_ms,
)


_ABOUT: Final = 0.1


def _round_trip(*results: Result) -> Judgement:
    held, more, savings = [], [], []
    for rtt_ms, cold, warm in zip((10, 50), results[::2], results[1::2], strict=True):
        one = ("latency_mean_ms", "charge", _VISIT)
        saved = paired(warm.values(*one), cold.values(*one))
        savings.append(saved)
        held.append(abs(saved.mean - rtt_ms) <= _ABOUT * rtt_ms)
        more.append(f"Round trip {rtt_ms} ms: paid ahead, a charge is {ranged(saved)} ms faster.")
    return Judgement(
        verdict(held),
        Number(savings[1], "ms", "what a charge paid ahead saves at a round trip of 50 ms"),
        "A credential that comes with the first request saves the round trip of the 402. In the "
        "mean that is what is left of it behind the wait for the block: some requests catch an "
        "earlier block and save a whole one, the others save nothing.",
        tuple(more),
    )


E13 = Claim(
    "E13",
    "The 402 costs a request one more round trip.",
    "the same charges, asked for by a 402 first and paid ahead, at blocks of 100 ms; held where "
    "the mean saving is a round trip within a tenth.",
    tuple(
        Trial(
            "charge_vs_session",
            {"rtt_ms": rtt_ms, "requests": str(_VISIT), "visits": "40", "block_ms": "100",
             "challenged": challenged},
        )
        for rtt_ms in ("10", "50")
        for challenged in ("true", "false")
    ),
    _round_trip,
)  # fmt: skip
