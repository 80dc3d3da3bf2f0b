"""Requests that pass through processes: what a load test sees, by simulation (style 4.2).

A request is due at a moment of its own and waits for a user who is free; its latency counts from
that moment. Then it keeps one process after another busy, each of which serves one at a time, first
come first served; the rest of its time nobody waits for. Its time without waiting is drawn from a
measured distribution, and each process has its share of it. Where all processes share the cores of
one machine, who is served takes a core as well, and waits until one is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.model.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from scenarios.calibrate import Timing
    from scenarios.streams import Streams


@dataclass(frozen=True, slots=True)
class Passage:
    """A kind of request: its time where nobody waits, and who is busy with it for how long."""

    response: Timing
    busy: Sequence[tuple[str, float]]
    """Processes by name in the order in which they are passed, with seconds on average."""


@dataclass(frozen=True, slots=True)
class Load:
    """An open schedule, drawn before anything happens, and so many users to serve it."""

    due_s: Sequence[float]
    """When each request is due, in their order."""
    users: int
    duration_s: float
    """How long the schedule is; the last answer may come later."""
    cores: int | None = None
    """Of the machine that all processes are on; None for a core for each."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of it."""

    latency: Tally
    achieved_per_s: float
    utilisation: dict[str, float]


def play(passage: Passage, load: Load, streams: Streams) -> Passed:
    """Let a schedule's requests pass, until the last one is answered."""
    from simpy import Environment, Resource

    env = Environment()
    users = Resource(env, load.users)
    processes = {name: Resource(env, 1) for name, _ in passage.busy}
    cores = Resource(env, load.cores or max(1, len(processes)))
    busy_s = dict.fromkeys(processes, 0.0)
    latency = Tally()
    draw = streams.draw("response", passage.response.sampler())
    shares = shares_of(passage)

    def request(due_s: float, took_s: float) -> Generator[Any, Any, None]:
        yield env.timeout(due_s)
        with users.request() as turn:
            yield turn
            left = took_s
            for name, share in shares:
                left -= took_s * share
                with processes[name].request() as its_turn:
                    yield its_turn
                    with cores.request() as a_core:
                        yield a_core
                        yield env.timeout(took_s * share)
                busy_s[name] += took_s * share
            yield env.timeout(max(0.0, left))
        latency.add(env.now, env.now - due_s)

    for due_s in load.due_s:
        env.process(request(due_s, draw()))
    env.run()
    over_s = max(load.duration_s, env.now)
    utilisation = {name: took_s / over_s for name, took_s in busy_s.items()}
    return Passed(latency, latency.count / over_s, utilisation)


def shares_of(passage: Passage) -> list[tuple[str, float]]:
    """Each process's share of a request's time. Processes that are busy for longer than a request
    takes were busy at the same time: all of it is theirs, and nothing is left over."""
    whole = max(passage.response.mean_s, sum(took for _, took in passage.busy))
    return [(name, took / whole) for name, took in passage.busy]
