"""The ladder finds where a server of known capacity falls behind (style 4.2, method)."""

from __future__ import annotations

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
        busy = min(1.0, per_s / self.client)
        return Rung(per_s, served, round(per_s * 10), 0, self.p99_us, busy)


def test_the_knee_is_the_last_rate_that_held() -> None:
    server = Server(capacity=90)
    knee = climb(server.measure, first_per_s=10, factor=2)
    assert server.rates == [10, 20, 40, 80, 160]
    assert (knee.per_s, knee.by_generator) == (80, False)
    assert knee.why == "at 160/s 90 of 160 a second were served"


def test_where_the_first_rate_is_too_much_smaller_ones_are_tried() -> None:
    server = Server(capacity=3)
    assert climb(server.measure, first_per_s=10, factor=2).per_s == 2.5
    assert server.rates == [10, 5, 2]


def test_a_generator_that_can_do_no_more_is_not_taken_for_the_server() -> None:
    knee = climb(Server(capacity=1_000, client=85).measure, first_per_s=10, factor=2)
    assert (knee.per_s, knee.by_generator) == (80, True)


def test_latency_may_break_first() -> None:
    knee = climb(Server(1_000, p99_us=2_000).measure, first_per_s=8, slo_p99_us=1_000, most_rungs=3)
    assert knee.why == "p99 was 2 ms"


def test_a_hundredth_of_failures_is_too_many() -> None:
    assert Rung(100, 100, 1_000, 10, 1, 0).broken(10) is None
    assert Rung(100, 100, 1_000, 11, 1, 0).broken(10) == "11 of 1000 requests failed"


@pytest.mark.parametrize(
    ("busy", "lag_us", "latency_us", "at_rest_us", "said"),
    [
        (0.5, 400, 10_000, 0, []),
        (0.95, 400, 10_000, 0, ["the load generator took 95% of a core"]),
        (0.5, 501, 10_000, 0, ["requests were sent up to 0.5 ms late (p99)"]),
        (0.5, 501, 10_000, 500, ["requests were sent up to 0.5 ms late (p99)"]),
        (0.5, 300, 2_000, 300, []),
        (0.5, 301, 2_000, 300, ["requests were sent up to 0.3 ms late (p99)"]),
    ],
)
def test_a_leg_is_marked_when_its_generator_was_the_slow_one(
    busy: float, lag_us: int, latency_us: int, at_rest_us: int, said: list[str]
) -> None:
    found = marks(
        busy=busy, lag_p99_us=lag_us, latency_p99_us=latency_us, lag_at_rest_us=at_rest_us
    )
    assert [mark.partition(",")[0] for mark in found] == said
