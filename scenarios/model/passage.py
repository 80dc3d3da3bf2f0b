"""Requests that pass through processes: what a load test sees, by simulation (style 4.2).

A request is due at a moment of its own and waits for a user who is free; its latency counts from
that moment. Then it keeps one process after another busy, each of which serves one at a time, first
come first served. Its time without waiting is drawn from a distribution: what is beyond the work
of the processes keeps nobody busy. What a process does for a request once it has passed it on, such
as writing it down, keeps nobody but the next one waiting. Where all processes share the cores of
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
    on_path: float = 1.0
    """How much of that a request waits for; the rest is done when it has been passed on."""


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
    cores = Resource(env, load.cores or len(processes) or 1)
    is_shared = cores.capacity < len(processes)  # a core for each is never waited for
    busy_s = dict.fromkeys(processes, 0.0)
    latency = Tally()
    draw = streams.draw("response", passage.response.sampler())
    work_s = passage.on_path * sum(took for _, took in passage.busy)

    def serve(name: str, for_s: float) -> Generator[Any, Any, None]:
        with processes[name].request() as its_turn:
            yield its_turn
            if is_shared:
                with cores.request() as a_core:
                    yield a_core
                    yield env.timeout(for_s)
            else:
                yield env.timeout(for_s)
        busy_s[name] += for_s

    def request(due_s: float, took_s: float) -> Generator[Any, Any, None]:
        yield env.timeout(due_s)
        with users.request() as turn:
            yield turn
            # Who is quicker than all the work took less of it; who is slower kept nobody busy.
            share = min(1.0, took_s / work_s) if work_s else 0.0
            for name, all_s in passage.busy:
                yield from serve(name, all_s * passage.on_path * share)
                if passage.on_path < 1:
                    env.process(serve(name, all_s * (1 - passage.on_path)))
            yield env.timeout(max(0.0, took_s - work_s))
        latency.add(env.now, env.now - due_s)

    for due_s in load.due_s:
        env.process(request(due_s, draw()))
    env.run()
    over_s = max(load.duration_s, env.now)
    utilisation = {name: took_s / over_s for name, took_s in busy_s.items()}
    return Passed(latency, latency.count / over_s, utilisation)
