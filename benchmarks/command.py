"""What `mpp-sandbox bench` does: the room's door for the command line, which opens it by its name.

Three ways to ask. A rate: an open schedule of so many requests a second. Users: so many at once, as
fast as they are served. A ladder: growing rates until the server falls behind, then steady legs at
shares of that knee, the operations in turns so that what the machine does besides hits all alike.
"""

from __future__ import annotations

import shlex
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.ladder import SHARES, SLO_P99_US, Knee, climb
from benchmarks.leg import Kind, Leg
from benchmarks.operations import Operation, chosen
from benchmarks.run import Run, Setup, long_enough
from benchmarks.schedule import MOST
from benchmarks.table import told
from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput, SandboxError
from mock_rails.core.seeds import Seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Heard = Callable[[str], object]

DURATION_S: Final = 5.0
ROUNDS: Final = 5
FIRST_PER_S: Final = 10.0
WORKERS: Final = 2
_MOST_USERS: Final = 500
_MOST_PER_S: Final = 100_000
_MOST_PORT: Final = 65_535
_WARM_UP_S: Final = 1.0
_WARM_UP_PER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know."""

    intent: str | None = None
    rail: str | None = None
    per_s: float | None = None
    users: int | None = None
    duration_s: float = DURATION_S
    ladder: bool = False
    rounds: int | None = None
    first_per_s: float = FIRST_PER_S
    distributed: bool = False
    workers: int | None = None
    seed: str = "1"
    web_port: int | None = None

    def checked(self) -> tuple[Operation, ...]:
        """The operations, or what is wrong with the question."""
        operations = chosen(self.intent, self.rail)
        if self.per_s is not None and not 0 < self.per_s <= _MOST_PER_S:
            raise BadInput(f"A rate is above 0 and at most {_MOST_PER_S:,} a second.")
        if self.users is not None and not 1 <= self.users <= _MOST_USERS:
            raise BadInput(f"There are 1 to {_MOST_USERS} users.")
        if not 0 < self.duration_s <= 3_600:
            raise BadInput("A leg takes longer than no time, and at most an hour.")
        if (self.per_s or 0) * self.duration_s > MOST:
            raise BadInput(f"A leg has at most {MOST:,} requests.", hint="Measure a shorter time.")
        if self.ladder and self.per_s is not None:
            raise BadInput("A ladder finds the rates by itself.", hint="Leave out --rate.")
        if self.rounds is not None and not self.ladder:
            raise BadInput("Rounds are a ladder's.", hint="Add --ladder.")
        if self.rounds is not None and self.rounds < 1:
            raise BadInput("There is at least one round.")
        self._check_generators()
        Seeds(self.seed)
        return operations

    def _check_generators(self) -> None:
        if self.workers is not None and not self.distributed:
            raise BadInput("Workers are Locust's.", hint="Add --distributed.")
        if self.workers is not None and not 1 <= self.workers <= 64:
            raise BadInput("There are 1 to 64 workers.")
        if self.distributed and self.users is not None and self.users < (self.workers or WORKERS):
            raise BadInput("Each worker has a user at least.", hint="Raise --users.")
        if self.web_port is not None and not 1 <= self.web_port <= _MOST_PORT:
            raise BadInput(f"A port is 1 to {_MOST_PORT}.")


def new_folder() -> Path:
    """Where a run goes that nobody named a folder for."""
    return Path("build/bench") / f"{Clock().utc():%Y%m%d-%H%M%S}"


def again(program: Sequence[str], arguments: Sequence[str]) -> str:
    """The command that makes a run once more: as it was typed, but for the folder, for a run is
    never written over another."""
    kept, is_folder = [], False
    for one in arguments:
        if not is_folder and one != "--out" and not one.startswith("--out="):
            kept.append(one)
        is_folder = one == "--out" and not is_folder
    return shlex.join([*program, *kept])


def bench(asked: Asked, folder: Path, *, command: str, heard: Heard) -> Done:
    """Measure, and say what came of it."""
    operations = asked.checked()
    rounds = asked.rounds or ROUNDS
    setup = Setup(
        seed=asked.seed,
        operations=operations,
        workers=(asked.workers or WORKERS) if asked.distributed else 0,
        users=asked.users,
        web_port=asked.web_port,
        options={
            "rate": asked.per_s,
            "duration_s": asked.duration_s,
            "ladder": asked.ladder,
            "rounds": rounds if asked.ladder else None,
        },
    )

    def plan(run: Run) -> dict[str, Knee]:
        if asked.ladder:
            knees = ladders(
                run, operations, first_per_s=asked.first_per_s, duration_s=asked.duration_s
            )
            loads = shares(operations, knees)
            steady(run, loads, rounds=rounds, duration_s=asked.duration_s)
            return knees
        per_s = asked.per_s or (None if asked.users else FIRST_PER_S)
        for operation in operations:
            run.measure(operation, Kind.SINGLE, per_s=per_s, duration_s=asked.duration_s)
        return {}

    return conduct(setup, folder, plan, command=command, heard=heard)


@dataclass(frozen=True, slots=True)
class Done:
    """A run that has ended."""

    legs: list[Leg]
    lines: list[str]
    """What came of it, for people."""
    interrupted: bool


def conduct(
    setup: Setup,
    folder: Path,
    plan: Callable[[Run], dict[str, Knee]],
    *,
    command: str,
    heard: Heard,
) -> Done:
    """Warm up, follow a plan, report. What is measured when it is interrupted is kept."""
    knees: dict[str, Knee] = {}
    run = Run(folder, setup, Clock(), command=command, heard=heard)
    interrupted = False
    try:
        with _ends_as_by_ctrl_c(), run:
            for operation in setup.operations:  # every process loads what its first payment loads
                run.measure(
                    operation, Kind.WARM_UP, per_s=_WARM_UP_PER_S, duration_s=_WARM_UP_S, users=2
                )
            knees = plan(run)
    except KeyboardInterrupt:
        interrupted = True
        if not run.legs:
            raise
    lines = told(run.folder, run.legs, knees)
    if interrupted:
        lines.append("Interrupted: these are the legs that were measured by then.")
    return Done(run.legs, [*lines, *_report(folder, heard)], interrupted)


@contextmanager
def _ends_as_by_ctrl_c() -> Iterator[None]:
    """Who is told to end ends the devnet and the generators too: they are processes of their own,
    and nobody else would."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ladders(
    run: Run, operations: Sequence[Operation], *, first_per_s: float, duration_s: float
) -> dict[str, Knee]:
    """Each operation's knee."""

    def knee(operation: Operation) -> Knee:
        return climb(
            lambda per_s: run.rung(operation, per_s, duration_s),
            first_per_s=first_per_s / operation.weight,
            slo_p99_us=SLO_P99_US * operation.weight,
        )

    knees = {operation.name: knee(operation) for operation in operations}
    run.keep_knees(knees)
    return knees


class Load(NamedTuple):
    """What a steady leg is under."""

    operation: Operation
    per_s: float
    share_of_knee: float | None = None


def alike(operations: Iterable[Operation], per_s: float) -> list[Load]:
    """One rate for all, so that they can be compared."""
    return [Load(operation, per_s) for operation in operations]


def shares(operations: Sequence[Operation], knees: Mapping[str, Knee]) -> list[Load]:
    """Each operation at shares of its own knee."""
    return [
        Load(operation, knees[operation.name].per_s * share, share)
        for share in SHARES
        for operation in operations
    ]


def steady(run: Run, loads: Sequence[Load], *, rounds: int, duration_s: float) -> None:
    """A leg under each load, and again so many times: what the machine does besides hits all."""
    for round_ in range(1, rounds + 1):
        for operation, per_s, share in loads:
            run.measure(
                operation,
                Kind.STEADY,
                per_s=per_s,
                duration_s=long_enough(per_s, duration_s),
                round_=round_,
                share_of_knee=share,
            )


def _report(folder: Path, heard: Heard) -> list[str]:
    """The report, where the room that draws it is there."""
    try:
        from benchmarks.report.page import write_report
    except ImportError:
        return []
    heard("writing the report")
    try:
        return [f"Report: {write_report(folder)}"]
    except SandboxError as error:  # of too little: what was measured is there all the same
        return [f"No report: {error}"]
