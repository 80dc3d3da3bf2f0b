"""A leg: one operation under one load for a while, as it is kept in a run's folder (style 4.2).

    legs/0007-tempo-session/
      leg.json           what was asked for, what came of it, and what it cost
      histograms.json    latencies by phase and outcome, as HDR histograms in base64
      samples.csv.gz     each request: when it was due, began and ended, and each phase
      locust.html        Locust's own report of it, where it had workers

Whoever makes legs and whoever draws them share these names, and nothing else.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

VERSION: Final = 1
"""Of a run's folder; its run.json tells it."""
RUN: Final = "run.json"
LEG: Final = "leg.json"
HISTOGRAMS: Final = "histograms.json"
SAMPLES: Final = "samples.csv.gz"
LOCUST: Final = "locust.html"
GENERATOR: Final = "load generator"
"""The process that makes the load, as it is called beside those of the devnet."""


class Kind(StrEnum):
    """Why a leg was run."""

    WARM_UP = "warm-up"
    """Recorded and left out of every table."""
    LADDER = "ladder"
    """One rate of those that find the knee."""
    STEADY = "steady"
    """At a rate that several have in common or at a share of the knee, in turns with the others."""
    SINGLE = "single"
    """One rate that somebody asked for."""


class Phase(StrEnum):
    """What a latency is the latency of."""

    TOTAL = "total"
    """From the moment when it was due until it was answered: what a user waits."""
    SERVICE = "service"
    """From the moment when it was sent until it was answered."""
    CHALLENGE = "challenge"
    """From the request to its 402, seen by the client."""
    SIGN = "sign"
    """From the 402 to the credential that goes out: a signature, or another rail's payment."""
    PAID = "paid"
    """From the credential to the answer, seen by the client."""
    VERIFY = "verify"
    """What the server spent on checking the credential, by its own clock."""
    SETTLE = "settle"
    """What taking the payment took after that: the rail, where it is asked."""
    DELIVER = "deliver"
    """What the application took there until its answer began."""
    OPENING = "opening"
    """A customer's first request, before the leg and while nobody else asks: a session is opened by
    it. In the histograms alone, and no part of any other."""


class Outcome(StrEnum):
    """How a request ended; every one is counted, and each has its latencies."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are microseconds of the leg's own clock; phases that did not happen are
    missing."""

    due_us: int
    started_us: int
    ended_us: int
    outcome: Outcome
    phases_us: Mapping[Phase, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Money:
    """What a leg moved, read off the rail's own books and not off what was hoped for."""

    currency: str
    """`usd` in millionths for the chain and for cards, `sat` in thousandths for Lightning."""
    delivered: int
    """Requests, or tokens of a stream, that were delivered."""
    paid_units: int
    """What payers paid for them, in millionths of a dollar, or in millisatoshis."""
    fee_units: int
    """What the rail took, in the same units."""
    transactions: tuple[Mapping[str, Any], ...] = ()
    """Each on-chain transaction, card payment or Lightning payment: its id, its kind, its fee."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg was and what came of it."""

    number: int
    operation: str
    """The operation's name in `benchmarks.operations`, such as `tempo-session`."""
    kind: Kind
    round: int
    """Which turn of an interleaved comparison, from 1; 0 outside of one."""
    offered_per_s: float | None
    """The rate of the schedule; None where a fixed number of users asked as fast as they could."""
    users: int
    duration_s: float
    """From the first due moment to the last answer."""
    share_of_knee: float | None = None
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    achieved_per_s: float = 0.0
    """Requests answered well in a second."""
    lag_p99_us: int = 0
    """How late requests were sent: the generator's own fault, not the server's."""
    lag_at_rest_us: int = 0
    """How late its timers were (p99) before the run, when it had nothing to do."""
    generator_cpu: float = 0.0
    """Its busy share of one core, 0 to 1."""
    server_cpu: Mapping[str, float] = field(default_factory=dict)
    """The same for each process of the devnet, by its part."""
    server_memory_bytes: Mapping[str, int] = field(default_factory=dict)
    """What each held at the end."""
    machine: Mapping[str, float] = field(default_factory=dict)
    """How hard the machine was pressed, as shares of the leg's time: what was `stolen` by its
    hypervisor, and when it was `pressed` (`benchmarks.pressure`); what the system does not tell is
    missing."""
    pace_us: float = 0.0
    """What a fixed loop of plain Python took meanwhile, in the median: how fast the machine was
    (`benchmarks.pace`); 0 where nobody looked."""
    marks: tuple[str, ...] = ()
    """Why it should not be believed, in short: `generator 95%`, `late 5.9 ms`, `stopped after …`
    (`benchmarks.ladder`)."""
    money: Money | None = None


def leg_folder(folder: Path, leg: Leg) -> Path:
    """Where a leg is, below its run's folder."""
    return folder / "legs" / f"{leg.number:04}-{leg.operation}"


def write_leg(
    folder: Path, leg: Leg, histograms: Mapping[str, Mapping[str, str]], samples: Iterable[Sample]
) -> Path:
    """Write a leg below a run's folder; returns where."""
    place = leg_folder(folder, leg)
    place.mkdir(parents=True)
    try:
        (place / HISTOGRAMS).write_text(json.dumps(histograms, indent=1) + "\n", encoding="utf-8")
        with gzip.GzipFile(place / SAMPLES, "wb", mtime=0) as file:
            file.write(_csv(samples).encode())
        (place / LEG).write_text(json.dumps(asdict(leg), indent=1) + "\n", encoding="utf-8")
    except OSError:  # a full disk: half a leg would spoil the run for whoever reads it
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place


def read_leg(place: Path) -> Leg:
    """A leg by its folder."""
    given = json.loads((place / LEG).read_text(encoding="utf-8"))
    money = given.pop("money")
    counts = {Outcome(name): count for name, count in given.pop("counts").items()}
    given |= {"kind": Kind(given["kind"]), "marks": tuple(given["marks"]), "counts": counts}
    if money is not None:
        money = Money(**money | {"transactions": tuple(money["transactions"])})
    return Leg(**given, money=money)


def read_histograms(place: Path) -> dict[str, dict[str, str]]:
    """Its histograms, still encoded, by phase and outcome."""
    found: dict[str, dict[str, str]] = json.loads((place / HISTOGRAMS).read_text(encoding="utf-8"))
    return found


def read_samples(place: Path) -> Iterator[Sample]:
    """Its requests, in the order in which they were due."""
    with gzip.open(place / SAMPLES, "rt", encoding="utf-8") as file:
        names = next(file).rstrip("\n").split(",")[4:]
        for line in file:
            due, started, ended, outcome, *phases = line.rstrip("\n").split(",")
            took = {
                Phase(name): int(value)
                for name, value in zip(names, phases, strict=True)
                if value
            }  # fmt: skip
            yield Sample(int(due), int(started), int(ended), Outcome(outcome), took)


def _csv(samples: Iterable[Sample]) -> str:
    phases = [one for one in Phase if one not in (Phase.TOTAL, Phase.SERVICE, Phase.OPENING)]
    lines = [",".join(["due_us", "started_us", "ended_us", "outcome", *phases])]
    for one in sorted(samples, key=lambda sample: sample.due_us):
        took = (str(one.phases_us.get(phase, "")) for phase in phases)
        lines.append(
            ",".join([str(one.due_us), str(one.started_us), str(one.ended_us), one.outcome, *took])
        )
    return "\n".join(lines) + "\n"
