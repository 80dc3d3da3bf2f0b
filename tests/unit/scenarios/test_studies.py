"""What single studies promise about their rows and their money."""

from __future__ import annotations

import pytest

from mock_rails.tempo.execution.fees import MIN_BASE_FEE, fee_amount
from scenarios.experiment import Method, find, run
from scenarios.facts import cards, tempo


def test_a_card_pays_for_the_visits_that_it_can_and_says_how_many() -> None:
    """Every replication has the same rows, whatever visits it drew (facts: stripe 3)."""
    study = find("break-even")
    p = study.parameters.read(
        {"ways": "card once", "requests": "10,100", "prices": "20000", "shown_price": "20000"}
    )
    result = run(study, p, Method(replications=6))
    assert result.configurations == [("card once", 100, 20_000)]  # ten are below the least
    assert len(result.rows) == 6
    least = cards.LEAST // 20_000
    # Requests in visits of at least so many: a geometric visit, weighted by its length.
    going_on = (1 - 1 / 100) ** (least - 1)
    expected = going_on * (1 + (least - 1) / 100)
    share = result.interval("carried_share", "card once", 100, 20_000)
    assert share.mean == pytest.approx(expected, abs=0.01)


def test_a_server_that_is_gone_was_paid_nothing_and_costs_a_withdrawal() -> None:
    """Facts: tempo, the forced close: what was not settled comes back after the grace period."""
    study = find("deposit-size")
    p = study.parameters.read(
        {"deposits": "1000", "requests": "1", "abandoned": "1", "visits": "50"}
    )
    result = run(study, p, Method(replications=2))
    gas = (tempo.OPEN, tempo.REQUEST_CLOSE, tempo.WITHDRAW)
    fee = sum(fee_amount(one, MIN_BASE_FEE) for one in gas)
    assert result.values("fee_per_request", 1_000) == [fee, fee]
    assert result.values("unpaid_share", 1_000) == [1, 1]
    assert min(result.values("locked_unit_s_per_request", 1_000)) > 900 * 1_000 * p.price
