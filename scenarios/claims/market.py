"""Claims about the market: E8, E9 (facts: protocol 6).

Both compare an observed mean with what the registry's prices give under a dealing of popularity
that nobody knows. A dealing is one replication, so it is their spread that must cover what was
observed, and not the interval of their mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import digits
from scenarios.facts import registry
from scenarios.statistics import t_interval

if TYPE_CHECKING:
    from scenarios.experiment import Result

_USD: Final = 1_000_000
_MEAN: Final = 10
_TRIAL: Final = Trial(
    "registry_sessions", {"requests": str(_MEAN), "exponents": "0,0.5,1,1.5,2"}, replications=200
)


def _dealings(result: Result, exponent: float) -> list[float]:
    """The mean payment of each dealing, in dollars."""
    return [one / _USD for one in result.values("mean_payment", exponent, _MEAN)]


def _range(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _average(result: Result) -> Judgement:
    observed = registry.MEAN_PAYMENT / _USD
    held, more = [], []
    for exponent in result.parameters.exponents:
        dealt = _dealings(result, exponent)
        low, high = _range(dealt)
        held.append(low <= observed <= high)
        more.append(
            f"Zipf {exponent:g}: the mean payment is ${digits(t_interval(dealt).mean)}; 95 of 100 "
            f"dealings are between ${digits(low)} and ${digits(high)}."
        )
    return Judgement(
        verdict(held),
        Number(t_interval(_dealings(result, 1.0)), "$", "the mean payment at Zipf 1"),
        f"The registry's prices agree with the observed ${observed:g} where the traffic is uneven "
        "enough; the mean alone does not tell which exponent is right.",
        tuple(more),
    )


E8 = Claim(
    "E8",
    "The average transaction is $0.127.",
    "the mean payment over the registry's prices for Zipf's exponents from 0 to 2, each with 200 "
    "dealings of popularity; held where 95 of 100 dealings enclose $0.127.",
    (_TRIAL,),
    _average,
)


def _implied(result: Result) -> Judgement:
    implied = registry.MEAN_PAYMENT / _USD * registry.X402_VOLUME / registry.X402_TRANSACTIONS
    held, more = [], []
    for exponent in result.parameters.exponents:
        dealt = _dealings(result, exponent)
        low, high = _range(dealt)
        held.append(low <= implied <= high)
        above = sum(one >= implied for one in dealt) / len(dealt)
        more.append(f"Zipf {exponent:g}: {digits(100 * above)} % of the dealings pay that much.")
    return Judgement(
        verdict(held),
        Number(t_interval([implied]), "$", "the mean x402 payment that the two factors imply"),
        "Volume grows by more than the number of transactions, so an x402 payment would be nearly "
        "twice an MPP payment; the registry's prices give that only where a few services have most "
        "of the traffic.",
        tuple(more),
    )


E9 = Claim(
    "E9",
    "x402 has 10.6 times MPP's transactions and 20.2 times its volume.",
    "the mean payment that both factors imply, against 200 dealings of popularity over the "
    "registry's prices; held where 95 of 100 enclose it.",
    (_TRIAL,),
    _implied,
)
