"""Balance that only one side can spend: it runs out, is retried, and is swapped back (facts:
lightning 5.1 to 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simpy import Environment

from mock_rails.core.errors import ConservationError
from scenarios.experiment import Method, find, run
from scenarios.facts import lightning
from scenarios.model.books import MERCHANTS, PAYERS, ROUTERS
from scenarios.model.liquidity import IN, OUT, Network, Route, Swap

if TYPE_CHECKING:
    from collections.abc import Callable

SWAP = Swap(below=0.2, up_to=0.7, takes_s=600, fails=0.0, fixed=500, per_million=5_000)


def network(*inbound: int, swap: Swap | None = None, attempts: int = 3) -> Network:
    """Channels of 1,000,000 with so much to pay in; routes are tried in their order."""
    routes = [Route(1_000_000, one) for one in inbound]
    return Network(Environment(), routes, 3, attempts, 0.0, swap, lambda: 0.5, lambda: 1.0)


def paid(found: Network, side: int, *amounts: int) -> list[bool]:
    """Payments one after the other, until nothing is under way."""
    results: list[bool] = []

    def all_of_them() -> Any:
        for amount in amounts:
            arrived = yield from found.pay(side, amount)
            results.append(arrived)

    found.env.process(all_of_them())
    found.env.run()
    found.check()
    return results


def test_what_is_paid_moves_to_the_other_side_and_can_be_paid_back() -> None:
    found = network(500_000)
    assert paid(found, IN, 300_000, 300_000) == [True, False]
    assert found.routes[0].sides == [200_000, 800_000]
    assert found.short == 1
    assert paid(found, OUT, 700_000) == [True]
    assert found.routes[0].sides == [900_000, 100_000]


def test_a_hundredth_is_kept_back() -> None:
    assert paid(network(500_000), IN, 490_001) == [False]
    assert paid(network(500_000), IN, 490_000) == [True]


def test_other_routes_are_tried_while_attempts_last() -> None:
    """A failed attempt takes its way there and back and the wait before the next."""
    found = network(10_000, 10_000, 500_000)
    assert paid(found, IN, 100_000) == [True]
    assert (found.tried, found.short) == (3, 2)
    way = 2 * 3 * lightning.HOP_S
    assert found.env.now == pytest.approx(
        3 * way + 2 * lightning.RETRY_S + lightning.TAIL_FLOOR_S + 1.0
    )
    assert paid(network(10_000, 10_000, 500_000, attempts=2), IN, 100_000) == [False]


def test_money_in_flight_is_nobody_elses() -> None:
    found = network(500_000)
    results = []

    def one() -> Any:
        results.append((yield from found.pay(IN, 300_000)))

    for _ in range(2):
        found.env.process(one())
    found.env.run(until=0.5)
    assert found.routes[0].held == 300_000
    with pytest.raises(ConservationError):
        found.routes[0].check()
    found.env.run()
    assert sorted(results) == [False, True]
    found.check()


def test_payer_and_merchant_differ_by_the_routing_fee() -> None:
    found = network(500_000)
    paid(found, IN, 100_000)
    fee = lightning.routing_fee(100_000, 3)
    assert found.books.balances == {PAYERS: -100_000 - fee, MERCHANTS: 100_000, ROUTERS: fee}


def test_a_swap_makes_room_and_costs_its_fee() -> None:
    found = network(500_000, swap=SWAP)
    assert paid(found, IN, 400_000) == [True]
    assert found.routes[0].sides == [700_000, 300_000]
    cost = 500 + 600_000 * 5 // 1_000
    assert (found.swaps, found.swap_fees) == (1, cost)
    assert found.books.balances[MERCHANTS] == 400_000 - cost
    assert SWAP.cost(1) == 501


def served(**settings: str) -> Callable[[str, str, int], float]:
    study = find("lightning-liquidity")
    given = {"horizon_s": "300", **settings}
    result = run(study, study.parameters.read(given), Method(replications=2))
    return lambda *one: result.interval("served_share", *one).mean


def test_more_balance_never_serves_less() -> None:
    found = served(capacities="2500000,10000000,40000000")
    for intent in ("charge", "session"):
        for remedy in ("none", "swap"):
            shares = [found(intent, remedy, one) for one in (2_500_000, 10_000_000, 40_000_000)]
            assert shares == sorted(shares)
            assert shares[0] < 0.9
    # By charge nothing flows back, so that a swap can only make room; a session's refund would too.
    assert found("charge", "swap", 2_500_000) >= found("charge", "none", 2_500_000)
