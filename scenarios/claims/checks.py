"""Claims about the cost of a check: E2, E16 (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import digits, ranged
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from scenarios.experiment import Result

_RATE: Final = 100.0
_TRIAL: Final = Trial("voucher_check", {"per_s": "100", "vouchers": "3000"})
_MICROSECONDS: Final = 100.0
"""Below this one speaks of microseconds; from a thousand on they are milliseconds."""
_SIGNED: Final = ("lean", "coincurve", "mppx", "pure python")


def _microseconds(result: Result) -> Judgement:
    checks = {one: result.interval("check_us", one, _RATE) for one in _SIGNED}
    more = tuple(
        f"{name}: {ranged(check)} us a check, "
        f"{digits(result.interval('capacity_per_s', name, _RATE).mean)} a second on one core; at "
        f"{_RATE:g} a second, {digits(result.interval('took_us', name, _RATE).mean)} us with the "
        "wait."
        for name, check in checks.items()
    )
    return Judgement(
        verdict(check.high < _MICROSECONDS for check in checks.values()),
        Number(checks["lean"], "us", "a check by the fastest stack"),
        "True only with libsecp256k1 and an EIP-712 domain that is hashed once; with what the "
        "SDKs bring by default a check takes milliseconds.",
        more,
    )


E2 = Claim(
    "E2",
    "Checking a voucher takes microseconds.",
    "the measured check of four stacks in a queue of 100 vouchers a second for one core; "
    f"microseconds are taken to be fewer than {_MICROSECONDS:g}.",
    (_TRIAL,),
    _microseconds,
)


def _bearer(result: Result) -> Judgement:
    bearer = result.values("check_us", "bearer", _RATE)
    ratios: dict[str, Interval] = {}
    for name in _SIGNED:
        each = result.values("check_us", name, _RATE)
        shares = [signed / plain for signed, plain in zip(each, bearer, strict=True)]
        ratios[name] = Interval(sum(shares) / len(shares), min(shares), max(shares), len(shares))
    return Judgement(
        verdict(one.low > 1 for one in ratios.values()),
        Number(ratios["lean"], "times", "the fastest voucher's check over a bearer's"),
        "A hash costs less than any signature. Against the work of HTTP, some tens of "
        "microseconds, the difference shows only for the slow stacks.",
        tuple(f"{name}: {ranged(one)} times a bearer's check." for name, one in ratios.items()),
    )


E16 = Claim(
    "E16",
    "A Lightning session's bearer secret is cheaper to check than a voucher.",
    "the measured checks of both, drawn for the same arrivals; least and largest ratio of the "
    "replications stand for the interval.",
    (_TRIAL,),
    _bearer,
)
