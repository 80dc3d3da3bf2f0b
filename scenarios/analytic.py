"""Closed forms that the simulator must agree with before it is believed (DESIGN section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def mm1_time_s(arrivals_per_s: float, services_per_s: float) -> float:
    """Mean time in an M/M/1 queue, service included."""
    _require_stable(arrivals_per_s / services_per_s)
    return 1 / (services_per_s - arrivals_per_s)


def erlang_c(servers: int, offered: float) -> float:
    """The share of customers of an M/M/c queue that wait; `offered` is arrivals x mean service."""
    _require_stable(offered / servers)
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def mmc_wait_s(arrivals_per_s: float, services_per_s: float, servers: int) -> float:
    """Mean wait in an M/M/c queue, service not included."""
    waiting = erlang_c(servers, arrivals_per_s / services_per_s)
    return waiting / (servers * services_per_s - arrivals_per_s)


def mg1_wait_s(arrivals_per_s: float, mean_s: float, variance_s2: float) -> float:
    """Mean wait in an M/G/1 queue, service not included (Pollaczek and Khinchine)."""
    load = arrivals_per_s * mean_s
    _require_stable(load)
    return arrivals_per_s * (variance_s2 + mean_s**2) / (2 * (1 - load))


def lindley_waits_s(gaps_s: Iterable[float], services_s: Iterable[float]) -> Iterator[float]:
    """The wait of every customer of one server, path by path; the gap is before the customer."""
    wait = previous = 0.0
    for gap, service in zip(gaps_s, services_s, strict=True):
        wait = max(0.0, wait + previous - gap)
        previous = service
        yield wait


def _require_stable(load: float) -> None:
    if not load < 1:
        raise ValueError(f"a queue at a load of {load:.3g} has no steady state")
