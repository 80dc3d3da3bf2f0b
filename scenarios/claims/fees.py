"""Claims about what paying costs: E4, E5, E6 (facts: protocol 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.claims.claim import Claim, Judgement, Number, Trial, verdict
from scenarios.digits import digits, percent, ranged
from scenarios.facts import registry, tempo
from scenarios.model.costs import AGAIN
from scenarios.statistics import t_interval
from scenarios.studies.break_even import pays_back

if TYPE_CHECKING:
    from scenarios.experiment import Result

_LENGTHS: Final = (1, 10, 100, 1_000)
_PRICE: Final = 1_000
_NOTHING: Final = 0.01
"""A fee that is less than this share of the price approaches zero."""


def _twice(fees: Result, deposits: Result) -> Judgement:
    held, more = [], []
    for mean in _LENGTHS:
        session = fees.interval("fee_share", "tempo session", mean, _PRICE)
        charge = fees.interval("fee_share", "tempo charge", mean, _PRICE)
        again = fees.interval("fee_share", AGAIN, mean, _PRICE)
        held.append(session.high < _NOTHING)
        more.append(
            f"Visits of {mean}: {ranged(session, 100)} % of the price by session, "
            f"{ranged(again, 100)} % by a payer's second, {ranged(charge, 100)} % by charge."
        )
    for deposit in deposits.parameters.deposits:
        tops = deposits.interval("top_ups_per_channel", deposit)
        held.append(tops.high < _NOTHING)
        more.append(
            f"A deposit of {deposit / deposits.parameters.requests:g} times the mean visit: "
            f"{ranged(t_interval([2 + one for one in _tops(deposits, deposit)]))} transactions a "
            "session."
        )
    longest = fees.interval("fee_share", "tempo session", _LENGTHS[-1], _PRICE)
    return Judgement(
        verdict(held),
        Number(
            t_interval([100 * one for one in _shares(fees)]),
            "%",
            f"the fee's share of a price of $0.001 in visits of {_LENGTHS[-1]:,}",
        ),
        f"It falls as one over the length of the visit, to {digits(100 * longest.mean)} % at "
        f"{_LENGTHS[-1]:,} requests; a visit of fewer than {pays_back()} costs more by session "
        f"than by charge, of fewer than {pays_back(tempo.OPEN_AGAIN)} where the payer had a "
        "channel closed before, whose slot it opens again. The chain is touched twice only while "
        "the deposit lasts.",
        tuple(more),
    )


def _shares(fees: Result) -> list[float]:
    return fees.values("fee_share", "tempo session", _LENGTHS[-1], _PRICE)


def _tops(deposits: Result, deposit: int) -> list[float]:
    return deposits.values("top_ups_per_channel", deposit)


E4 = Claim(
    "E4",
    "Cost per request approaches zero; a session touches the chain twice.",
    "fees of visits of 1 to 1,000 requests at $0.001, over base fees from the floor to the cap; "
    "and top-ups of deposits for 1 and 10 mean visits.",
    (
        Trial(
            "break_even",
            {"requests": "1,10,100,1000", "prices": str(_PRICE), "shown_price": str(_PRICE),
             "ways": f"tempo charge,tempo session,{AGAIN}"},
        ),
        Trial("deposit_size", {"deposits": "30,300", "visits": "100"}),
    ),
    _twice,
)  # fmt: skip

_BASE_FEES: Final = ("600000000", "12000000000", "20000000000")
_REGISTRY: Final = {"requests": "1,3,10,30,100", "exponents": "1"}


def _typical(*results: Result) -> Judgement:
    first = results[0]
    share = first.interval("typical_traffic", 1.0, 1)
    more = [
        f"Of the services, {ranged(first.interval('typical_share', 1.0, 1), 100)} % ask between "
        "$0.01 and $0.10 (E5's range); the six that offer sessions ask "
        f"${digits(_session_prices()[0])} to ${digits(_session_prices()[1])}."
    ]
    held = [share.low > 0.5]
    for base_fee, result in zip(_BASE_FEES, results, strict=True):
        dear = result.interval("dear_share", 1.0, 1)
        held.append(dear.high < 0.05)
        by_charge = result.interval("fee_share_charge", 1.0, 1)
        more.append(
            f"Base fee {int(base_fee) / 1e9:g}e9: a charge's fee is above 10 % of the price at "
            f"{ranged(dear, 100)} % of the services, and {ranged(by_charge, 100)} % of all that "
            "is paid."
        )
    return Judgement(
        verdict(held),
        Number(
            t_interval([100 * one for one in first.values("typical_traffic", 1.0, 1)]),
            "%",
            "requests that cost between $0.01 and $0.10",
        ),
        "It is the range of about half of the requests and of the services. Whether a charge suits "
        "the cheaper ones is decided by the base fee.",
        tuple(more),
    )


def _session_prices() -> tuple[float, float]:
    prices = [one.price / 1e6 for one in registry.services() if one.session]
    return min(prices), max(prices)


E5 = Claim(
    "E5",
    "A typical charge is $0.01 to $0.10; sessions are for $0.0001.",
    "the registry's 141 services with their fees by charge, at the base fee's floor, its cap and "
    "the old fixed price; held if more than half of the requests cost that much, and if the fee "
    "is above 10 % of the price at fewer than 5 % of the services.",
    tuple(
        Trial("registry_sessions", {**_REGISTRY, "base_fee": base_fee}) for base_fee in _BASE_FEES
    ),
    _typical,
)


def _charge_only(result: Result) -> Judgement:
    held, more = [], []
    for mean in result.parameters.requests:
        share = result.interval("session_share", 1.0, mean)
        traffic = result.interval("traffic_share", 1.0, mean)
        saved = result.interval("saved_share", 1.0, mean)
        held.append(share.high < registry.SESSION_SERVICES / registry.SERVICES)
        more.append(
            f"Visits of {mean}: sessions are cheaper at {percent(share)} of the services, with "
            f"{percent(traffic)} of the requests, and save {percent(saved)} of all fees."
        )
    usual = result.values("session_share", 1.0, 30)
    return Judgement(
        verdict(held),
        Number(
            t_interval([100 * one for one in usual]),
            "%",
            "services whose clients would pay less by session in visits of 30",
        ),
        f"Right only where clients come for fewer than the {pays_back()} requests that pay a "
        f"session back ({pays_back(tempo.OPEN_AGAIN)} for a client's second); services with longer "
        "visits would save by offering sessions.",
        tuple(more),
    )


E6 = Claim(
    "E6",
    "135 of the registry's 141 services charge each request, and need no session.",
    "every service by charge and by session, popularity by Zipf's law; held where sessions would "
    "be cheaper at no more services than offer them.",
    (Trial("registry_sessions", _REGISTRY),),
    _charge_only,
)
