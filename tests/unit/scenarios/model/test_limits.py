"""Budgets and rate limits: who may pass, who must wait, and how long."""

from __future__ import annotations

import pytest

from scenarios.experiment import Method, find, run
from scenarios.model.limits import Budget, RateLimit


def test_a_budget_is_spent_and_begins_anew() -> None:
    budget = Budget(100, 60.0)
    assert [budget.wait_s(now, 40) for now in (0, 10, 20)] == [0, 0, 40]
    assert budget.wait_s(30, 20) == 0
    assert budget.wait_s(60, 100) == 0
    assert budget.wait_s(200, 40) == 0
    assert budget.wait_s(0, 101) == float("inf")


def test_a_rate_limit_lets_a_burst_pass_and_then_its_rate() -> None:
    limit = RateLimit(2.0, 3)
    assert [limit.retry_after_s(0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.retry_after_s(0.25) == 0.25
    assert limit.retry_after_s(0.5) == 0
    assert [limit.retry_after_s(100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_who_comes_when_told_to_is_let_in() -> None:
    """Whatever floating point makes of the wait."""
    limit, budget, now = RateLimit(3.0, 1), Budget(1, 0.1), 0.0
    for _ in range(1_000):
        assert limit.retry_after_s(now) == 0
        assert budget.wait_s(now, 1) == 0
        now += max(limit.retry_after_s(now), budget.wait_s(now, 1))


def test_a_budget_bounds_what_a_runaway_spends_and_a_rate_limit_what_others_wait() -> None:
    study = find("limits")
    p = study.parameters.read({"runaways": "0,30", "horizon_s": "120", "period_s": "120"})
    result = run(study, p, Method(replications=2))

    def mean(metric: str, limit: str, runaways: int = 30) -> float:
        return result.interval(metric, limit, runaways).mean

    assert mean("runaway_spend", "budget") == p.budget
    assert mean("runaway_spend", "none") > p.budget
    most = (p.burst + p.rate_per_s * p.horizon_s) * p.price
    assert mean("runaway_spend", "rate") <= most
    quiet = mean("latency_mean_ms", "none", 0)
    assert mean("latency_mean_ms", "none") > 3 * quiet
    assert mean("latency_mean_ms", "rate") < 2 * quiet
    assert mean("utilisation", "none") == pytest.approx(1, abs=0.05)
