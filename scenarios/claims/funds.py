"""Claims about money that waits: E10, E11, E12 (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import digits, percent, ranged
from scenarios.statistics import t_interval

if TYPE_CHECKING:
    from scenarios.experiment import Result

_PRICES: Final = (1_000, 1_000_000)
_USD: Final = 1_000_000
_HEAVY: Final = 0.1
"""Capital counts where it is more than this share of all that a request costs."""


def _deposit(*results: Result) -> Judgement:
    held, more, shares = [], [], {}
    for price, result in zip(_PRICES, results, strict=True):
        costs = {}
        for deposit in result.parameters.deposits:
            capital = result.values("capital_per_request", deposit)
            cost = result.values("cost_per_request", deposit)
            share = t_interval([100 * a / b for a, b in zip(capital, cost, strict=True)])
            shares[price, deposit] = share
            costs[deposit] = result.interval("cost_per_request", deposit).mean
            held.append(share.low > 100 * _HEAVY)
            more.append(
                f"${price / _USD:g} a request, deposit for {deposit}: capital is "
                f"{ranged(share)} % of {digits(costs[deposit])} base units."
            )
        best = min(costs, key=lambda one: costs[one])
        more.append(f"${price / _USD:g} a request: cheapest is a deposit for {best} requests.")
    locked = results[0].interval("locked_unit_s_per_request", 30).mean / _PRICES[0]
    return Judgement(
        verdict(held),
        Number(shares[_PRICES[0], 30], "%", "capital's part at $0.001 and a deposit for 30"),
        f"The deposit for the mean visit locks each request's price for {digits(locked)} seconds. "
        "At a tenth a year that weighs only where the price is high and the deposit a multiple of "
        "the visit.",
        tuple(more),
    )


E10 = Claim(
    "E10",
    "A deposit of 10 to 100 times the price ties up funds, and that costs.",
    "deposits for 10, 30, 100 and 1,000 requests in visits of 30, at $0.001 and $1, with 2 % of "
    "the channels abandoned; held where capital is more than a tenth of the cost.",
    tuple(
        Trial("deposit_size", {"price": str(price), "deposits": "10,30,100,1000", "visits": "100"})
        for price in _PRICES
    ),
    _deposit,
)

_STILL: Final = 0.01
_RTT_MS: Final = (10.0, 50.0, 200.0)
_STEPS: Final = (1, 10, 100)


def _stream(result: Result) -> Judgement:
    held, more = [], []
    for policy in ("when asked", "ahead"):
        for rtt_ms in _RTT_MS:
            shares = {
                step: result.interval("stalled_share", policy, rtt_ms, step) for step in _STEPS
            }
            held += [share.high < _STILL for share in shares.values()]
            parts = [f"{percent(share)} with {step}" for step, share in shares.items()]
            more.append(f"Voucher {policy}, round trip {rtt_ms:g} ms: {', '.join(parts)}.")
    each = result.values("stalled_share", "when asked", 50.0, 1)
    return Judgement(
        verdict(held),
        Number(
            t_interval([100 * one for one in each]),
            "%",
            "time that a stream stands still with a voucher for every token, at 50 ms",
        ),
        "A voucher for each token makes the client's distance the token rate. A voucher for a "
        "hundred tokens, sent when half of it is used up, hides the round trip.",
        tuple(more),
    )


E11 = Claim(
    "E11",
    "Sessions let a model's tokens be paid for as they stream.",
    "50 tokens a second, a voucher for 1, 10 or 100 of them, at round trips of 10, 50 and 200 ms; "
    "held where the stream stands still for less than 1 % of the time.",
    (Trial("voucher_step", {"steps": "1,10,100", "rtt_ms": "10,50,200", "tokens": "600"}),),
    _stream,
)


def _schedule(result: Result) -> Judgement:
    schedules = result.parameters.schedules
    costs = {one: result.interval("cost_per_request", one) for one in schedules}
    never = costs[schedules[-1]]
    more = []
    for one in schedules:
        lost = result.interval("lost_by_crash_p95", one)
        fee = result.interval("fee_per_request", one)
        loss = result.interval("loss_per_request", one)
        more.append(
            f"{one}: a crash loses at most {ranged(lost)} base units a channel in 95 of 100 cases; "
            f"a request costs {ranged(fee)} in fees and {ranged(loss)} in expected loss."
        )
    best = min(costs, key=lambda one: costs[one].mean)
    return Judgement(
        verdict(costs[one].high < never.low for one in schedules[:-1]),
        Number(
            result.interval("lost_by_crash_p95", best),
            "base units",
            f"what a crash loses a channel in 95 of 100 cases with the cheapest schedule, {best}",
        ),
        "Every schedule that was tried bounds the loss and costs less than waiting for the end; "
        f"the cheapest costs {ranged(costs[best])} base units a request, fee and expected loss, "
        f"against {ranged(never)}.",
        tuple(more),
    )


E12 = Claim(
    "E12",
    "A settlement schedule keeps the merchant's risk small.",
    "schedules by requests and by time against settling only at the end, $0.001 a request, the "
    "store lost once a day; held where fees and expected loss together are less than without.",
    (Trial("settlement", {"schedules": "10r,100r,300r,60s,300s,end", "channels": "4"}),),
    _schedule,
)
