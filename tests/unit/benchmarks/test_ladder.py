"""The ladder finds where a server of known capacity falls behind (style 4.2, method)."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.ladder import Rung, climb, marks


class Server:
    """It serves so many a second; beyond that it falls behind. Its client may tire earlier."""

    def __init__(self, capacity: float, client: float = 1e9, p99_us: int = 5_000) -> None:
        self.capacity = capacity
        self.client = client
        self.p99_us = p99_us
        self.rates: list[float] = []

    def measure(self, per_s: float) -> Rung:
        self.rates.append(round(per_s))
        served = min(per_s, self.capacity, self.client)
        return rung(
            offered_per_s=per_s,
            achieved_per_s=served,
            requests=round(per_s * 10),
            p99_us=self.p99_us,
            generator_busy=min(1.0, per_s / self.client),
            server_busy=served / self.capacity,
            users_busy=0.5,
        )


def rung(**changes: Any) -> Rung:
    """One whose server took 85 % of a core, fell behind, and let all its customers wait."""
    known = {
        "offered_per_s": 100.0, "achieved_per_s": 50.0, "requests": 1_000, "failed": 0,
        "p99_us": 1, "generator_busy": 0.4, "server_busy": 0.85, "users": 8, "users_busy": 0.95,
    }  # fmt: skip
    return Rung(**{**known, **changes})


def test_the_knee_is_the_highest_rate_that_held() -> None:
    server = Server(capacity=90)
    knee = climb(server.measure, first_per_s=10)
    assert server.rates == [10, 20, 40, 80, 160, 113]
    assert (knee.per_s, knee.by_generator) == (80, False)
    assert round(knee.broken_per_s or 0) == 113
    assert knee.why == "at 113/s 90 of 113 a second were served"


def test_halfway_between_what_held_and_what_broke_is_tried_once() -> None:
    server = Server(capacity=120)
    knee = climb(server.measure, first_per_s=10)
    assert server.rates == [10, 20, 40, 80, 160, 113]
    assert (round(knee.per_s), knee.broken_per_s) == (113, 160)
    assert knee.why == "at 160/s 120 of 160 a second were served"


def test_where_the_first_rate_is_too_much_smaller_ones_are_tried() -> None:
    server = Server(capacity=3)
    assert climb(server.measure, first_per_s=10).per_s == 2.5
    assert server.rates == [10, 5, 2, 4]


def test_where_no_rate_holds_the_lowest_is_told_with_what_it_broke() -> None:
    knee = climb(Server(capacity=1).measure, first_per_s=10, most_rungs=2)
    assert (knee.per_s, knee.why) == (5, "at 5/s 1 of 5 a second were served")
    assert knee.broken_per_s == 5


def test_where_every_rate_holds_the_highest_is_the_knee() -> None:
    knee = climb(Server(capacity=1_000).measure, first_per_s=10, most_rungs=3)
    assert (knee.per_s, knee.why) == (40, "nothing was broken by then")
    assert (knee.by_generator, knee.broken_per_s) == (False, None)


def test_a_rate_whose_generator_had_no_time_left_does_not_hold() -> None:
    """At 80/s the generator is busy for 94 % of its time: nothing is believed of that."""
    server = Server(capacity=1_000, client=85)
    knee = climb(server.measure, first_per_s=10)
    assert server.rates == [10, 20, 40, 80, 57]
    assert (round(knee.per_s), knee.by_generator) == (57, True)
    assert knee.why == "at 80/s the load generator took 94% of a core"


def test_latency_may_break_first() -> None:
    knee = climb(Server(1_000, p99_us=2_000).measure, first_per_s=8, slo_p99_us=1_000, most_rungs=3)
    assert knee.why == "at 2/s p99 was 2 ms"


def test_a_hundredth_of_failures_is_too_many() -> None:
    assert rung(achieved_per_s=100, failed=10).broken(10) is None
    assert rung(achieved_per_s=100, failed=11).broken(10) == "11 of 1000 requests failed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"generator_busy": 0.91}, "the load generator took 91% of a core"),
        ({"server_busy": 0.8}, "all 8 customers were waiting"),
        ({"server_busy": 0.8, "users_busy": 0.9}, None),
        ({"server_busy": 0.6, "generator_busy": 0.7}, "all 8 customers were waiting"),
        (
            {"server_busy": 0.6, "generator_busy": 0.85},
            "the load generator took 85% of a core, and no server more than 60%",
        ),
        # What fails is the server's, however little it had to do.
        ({"server_busy": 0.1, "failed": 11}, None),
    ],
)
def test_a_server_that_could_do_more_is_not_said_to_be_at_its_knee(
    changes: dict[str, Any], said: str | None
) -> None:
    broken = rung(**changes)
    assert broken.not_the_server == said
    knee = climb(lambda per_s: broken, first_per_s=10, most_rungs=1)
    assert knee.by_generator == (said is not None)
    assert knee.why.endswith(said or broken.broken(1) or "")


@pytest.mark.parametrize(
    ("busy", "lag_us", "latency_us", "at_rest_us", "said"),
    [
        (0.5, 400, 10_000, 0, []),
        (0.95, 400, 10_000, 0, ["generator 95%"]),
        (0.5, 501, 10_000, 0, ["late 0.5 ms"]),
        (0.5, 501, 10_000, 500, ["late 0.5 ms"]),
        (0.5, 300, 2_000, 300, []),
        (0.5, 301, 2_000, 300, ["late 0.3 ms"]),
    ],
)
def test_a_leg_is_marked_when_its_generator_was_the_slow_one(
    busy: float, lag_us: int, latency_us: int, at_rest_us: int, said: list[str]
) -> None:
    found = marks(
        busy=busy, lag_p99_us=lag_us, latency_p99_us=latency_us, lag_at_rest_us=at_rest_us
    )
    assert list(found) == said
