"""Events a second of the charge-vs-session study beside a bare SimPy loop: `make bench-sim`.

DESIGN section 4, `sim.events`: the bar is 0.3 of a loop that does nothing but wait, the aim 0.6.
Both run in turns in one process; the median of the rounds counts. An event is whatever SimPy
scheduled, on both sides.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import typer

from mock_rails.core import Clock
from scenarios.streams import Streams
from scenarios.studies.charge_vs_session import CHARGE, SESSION, ChargeVsSession, play

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_REQUESTS: Final = 30
_VISITS: Final = 3_000
_WAITING: Final = 60
"""Processes of the bare loop: about as many as there are agents at work in the study."""
_NS: Final = 1_000_000_000


def bare() -> int:
    """Wait, and do nothing else."""
    from simpy import Environment

    env = Environment()

    def wait(gap: float) -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(gap)

    for number in range(_WAITING):
        env.process(wait(1 + number / _WAITING))
    env.run(until=5_000)
    return events(env)


def study(intent: str) -> int:
    """One replication of the study's busiest configuration."""
    parameters = ChargeVsSession(visits=_VISITS, requests=(_REQUESTS,))
    return events(play(parameters, intent, _REQUESTS, Streams(1, 0)).env)


def events(env: Any) -> int:
    """How many events an environment has scheduled: it numbers them."""
    count: int = next(env._eid)
    return count


def rate(clock: Clock, work: Callable[[], int]) -> float:
    """Events a second."""
    begun = clock.monotonic_ns()
    count = work()
    return count * _NS / (clock.monotonic_ns() - begun)


def main() -> None:
    """Run both sides in turns and print the ratios."""
    parser = argparse.ArgumentParser(prog="bench-sim", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    rounds = parser.parse_args().rounds
    clock = Clock()
    sides: dict[str, Callable[[], int]] = {
        "bare loop": bare,
        "charge": lambda: study(CHARGE),
        "session": lambda: study(SESSION),
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            rates[name].append(rate(clock, work))
    typer.echo(f"{'':<12}{'events/s, median':>18}{'of the bare loop':>18}")
    middle = {name: median(found) for name, found in rates.items()}
    for name, value in middle.items():
        typer.echo(f"{name:<12}{value:>18,.0f}{value / middle['bare loop']:>18.2f}")
    both = [
        (charge + session) / 2 / loop for loop, charge, session in zip(*rates.values(), strict=True)
    ]
    typer.echo(f"ratio sim.events: {median(both):.2f}")


if __name__ == "__main__":
    main()
