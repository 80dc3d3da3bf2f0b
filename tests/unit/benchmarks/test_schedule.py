"""A schedule is drawn before the run, the same for the same seed (style 4.2)."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean, pstdev

import pytest

from benchmarks.schedule import Arrivals, draw, share
from mock_rails.core.errors import BadInput
from mock_rails.core.seeds import Seeds


def drawn(
    arrivals: Arrivals, per_s: float = 100, duration_s: float = 60, seed: int = 1
) -> list[int]:
    stream = Seeds(seed).stream("arrivals")
    return draw(arrivals, per_s=per_s, duration_s=duration_s, stream=stream)


def test_a_constant_schedule_has_equal_distances() -> None:
    assert drawn(Arrivals.CONSTANT, per_s=4, duration_s=1) == [0, 250_000, 500_000, 750_000]


def test_gaps_of_a_poisson_schedule_are_as_wide_as_they_are_uneven() -> None:
    due = drawn(Arrivals.POISSON)
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert due == sorted(due)
    assert len(due) == pytest.approx(6_000, rel=0.05)
    assert mean(gaps) == pytest.approx(10_000, rel=0.05)
    assert pstdev(gaps) == pytest.approx(10_000, rel=0.05)  # an exponential's, not a constant's


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert drawn(Arrivals.POISSON) == drawn(Arrivals.POISSON)
    assert drawn(Arrivals.POISSON) != drawn(Arrivals.POISSON, seed=2)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_several_generators_keep_one_schedule_together(parts: int) -> None:
    due = drawn(Arrivals.POISSON)
    shares = [share(due, part, parts) for part in range(parts)]
    assert sorted(at for one in shares for at in one) == due


def test_a_short_leg_has_at_least_one_request() -> None:
    assert drawn(Arrivals.POISSON, per_s=0.001, duration_s=0.001) == [0]


@pytest.mark.parametrize(("per_s", "duration_s"), [(0, 1), (1, 0), (100_000, 3_600)])
def test_what_is_no_schedule_is_refused(per_s: float, duration_s: float) -> None:
    with pytest.raises(BadInput):
        drawn(Arrivals.POISSON, per_s, duration_s)
