"""The measured stacks as a queue of one core (facts: protocol 6.1)."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput
from scenarios.analytic import mg1_wait_s
from scenarios.experiment import Method, Result, find, run
from scenarios.facts.vouchers import STACKS


def checked(**settings: str) -> Result:
    study = find("voucher-check")
    return run(study, study.parameters.read(settings), Method(seed=2, replications=12))


def test_a_check_waits_as_pollaczek_and_khinchine_say() -> None:
    """The slow stack at 100 a second is a core at nearly half of its load."""
    result = checked(stacks="mppx", per_s="100", vouchers="4000")
    took = result.interval("took_us", "mppx", 100.0)
    timing = STACKS["mppx"].timing
    second = timing.mean_s**4 / timing.median_s**2  # E[X^2] of a lognormal
    wait_us = 1e6 * mg1_wait_s(100.0, timing.mean_s, second - timing.mean_s**2)
    assert took.low < timing.mean_s * 1e6 + wait_us < took.high
    assert took.relative_half_width < 0.05


def test_a_stack_that_cannot_follow_is_left_out() -> None:
    result = checked(stacks="lean,pure python", per_s="10,1000", vouchers="50")
    assert ("pure python", 1_000.0) not in result.configurations
    assert ("lean", 1_000.0) in result.configurations
    with pytest.raises(BadInput, match="can follow"):
        checked(stacks="pure python", per_s="1000")
    with pytest.raises(BadInput, match="Did you mean 'lean'"):
        checked(stacks="leen")
