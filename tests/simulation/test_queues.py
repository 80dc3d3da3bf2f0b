"""The simulator agrees with what is known exactly, within its own intervals (DESIGN section 4)."""

from __future__ import annotations

import numpy as np
import pytest
from simpy import Environment

from scenarios.analytic import lindley_waits_s, mg1_wait_s, mm1_time_s, mmc_wait_s
from scenarios.model.arrivals import poisson
from scenarios.model.station import Station
from scenarios.model.tally import Tally
from scenarios.statistics import Interval, t_interval
from scenarios.streams import Streams

CUSTOMERS = 12_000
REPLICATIONS = 12


def waits(streams: Streams, servers: int, arrivals_per_s: float, service: object) -> list[float]:
    """A queue in SimPy, fed as the studies feed theirs; what each customer waited."""
    env = Environment()
    station = Station(servers)
    services = streams.draw("service", service)  # type: ignore[arg-type]
    found: list[float] = []

    def customer(_size: int) -> object:
        service_s = services()
        delay = station.delay_s(env.now, service_s)
        found.append(delay - service_s)
        yield env.timeout(delay)

    gap = streams.exponential("gaps", 1 / arrivals_per_s)
    env.process(poisson(env, customer, gap, lambda: 1, CUSTOMERS / arrivals_per_s))  # type: ignore[arg-type]
    env.run()
    return found


def mean_wait(servers: int, arrivals_per_s: float, service: object) -> Interval:
    """Over replications, a tenth of each taken as warm-up."""
    means = []
    for number in range(REPLICATIONS):
        found = waits(Streams(7, number), servers, arrivals_per_s, service)
        means.append(float(np.mean(found[len(found) // 10 :])))
    return t_interval(means, 0.99)


def exponential(mean: float) -> object:
    return lambda generator, size: generator.exponential(mean, size)


def test_mm1() -> None:
    assert mean_wait(1, 0.7, exponential(1.0)).covers(mm1_time_s(0.7, 1.0) - 1.0)


@pytest.mark.parametrize("servers", [2, 4])
def test_mmc(servers: int) -> None:
    found = mean_wait(servers, 0.7 * servers, exponential(1.0))
    assert found.covers(mmc_wait_s(0.7 * servers, 1.0, servers))


@pytest.mark.parametrize(
    ("service", "mean", "variance"),
    [
        (lambda generator, size: np.full(size, 1.0), 1.0, 0.0),
        (lambda generator, size: generator.gamma(0.5, 2.0, size), 1.0, 2.0),
    ],
    ids=["M/D/1", "M/G/1"],
)
def test_mg1(service: object, mean: float, variance: float) -> None:
    assert mean_wait(1, 0.6, service).covers(mg1_wait_s(0.6, mean, variance))


def test_a_wrong_formula_would_be_noticed() -> None:
    """The intervals are narrow enough to tell M/M/1 from M/D/1, half of it."""
    assert not mean_wait(1, 0.7, exponential(1.0)).covers(mg1_wait_s(0.7, 1.0, 0.0))


def test_lindley_path_by_path() -> None:
    """The same draws give the same wait of every single customer, to rounding."""
    streams = Streams(3, 0)
    found = waits(streams, 1, 0.9, exponential(1.0))
    gap, service = streams.exponential("gaps", 1 / 0.9), streams.exponential("service", 1.0)
    gaps = [gap() for _ in found]
    expected = list(lindley_waits_s(gaps, [service() for _ in found]))
    assert np.allclose(found, expected, atol=1e-7)
    assert max(expected) > 5


def test_littles_law() -> None:
    """Customers in the system = arrivals/s x time in it, exactly over a run that empties."""
    env = Environment()
    streams = Streams(5, 0)
    station, times = Station(1), Tally()
    present = area = last = 0.0
    service = streams.exponential("service", 1.0)

    def seen(change: int) -> None:
        nonlocal present, area, last
        area += present * (env.now - last)
        last, present = env.now, present + change

    def customer(_size: int) -> object:
        begun = env.now
        seen(1)
        yield env.timeout(station.delay_s(env.now, service()))
        seen(-1)
        times.add(env.now, env.now - begun)

    gap = streams.exponential("gaps", 1.25)
    env.process(poisson(env, customer, gap, lambda: 1, 5_000))  # type: ignore[arg-type]
    env.run()
    assert present == 0
    assert area / env.now == pytest.approx(times.count / env.now * times.mean)


def test_more_load_never_waits_less_under_common_numbers() -> None:
    means = [
        np.mean(waits(Streams(9, 0), 1, load, exponential(1.0))[:8_000])
        for load in (0.3, 0.5, 0.7, 0.9)
    ]
    assert means == sorted(means)
