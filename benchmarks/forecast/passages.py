"""An operation as the simulator knows it: what a request is like at each rate that was measured.

A machine does not take the same time for the same work: caches and clocks are warm where there is
much to do, and a request at 1,000/s costs a third of what it costs at 10/s. So everything is known
by rate, and between two rates it is drawn on the line through both, over the logarithm of the rate.

In a profile, each rate has a key for the time that a request takes where nobody waits, one for each
process that is busy with it, one for how fast the machine was, and one for its quickest requests.
Those waited for nobody: what they took is all the work that lies on the path, and what processes do
beyond that for a request, they do when it has gone on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from benchmarks.leg import GENERATOR
from scenarios.calibrate import Timing
from scenarios.model.passage import Load, Passage, play
from scenarios.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.report.results import Group, Measured
    from scenarios.model.passage import Passed

RAILS: Final = "rails"
RESPONSE: Final = "response"
QUICKEST: Final = "quickest"
PACE: Final = "pace"
BUSY: Final = "busy "
QUANTILES: Final = 400
"""Values that a response time is kept as: evenly spaced quantiles."""
_KEY: Final = re.compile(r"(?P<operation>.+) at (?P<per_s>[0-9.]+)/s (?P<what>[^/]+)")
_SEED: Final = 1
_ASKED: Final = 0.05
"""Of the server's time, how long a rail is busy at least that is asked for each request; less is
what it does anyway."""


def key(operation: str, per_s: float, what: str) -> str:
    """The name under which a profile knows something of an operation at a rate."""
    return f"{operation} at {per_s:.1f}/s {what}"


@dataclass(frozen=True, slots=True)
class AtRate:
    """What a request is like at one rate."""

    per_s: float
    response_s: tuple[float, ...]
    """Quantiles of its time where nobody waits."""
    busy_s: Mapping[str, float]
    """How long each process is busy with it."""
    quickest_s: float
    """What a request takes that waits for nobody."""
    pace_s: float = 0.0
    """What a fixed loop took then: how fast the machine was (`benchmarks.pace`)."""

    def at_pace(self, pace_s: float) -> AtRate:
        """The same on the machine as it was at another time: all work takes longer alike. As it is
        where either pace is not known."""
        slower = pace_s / self.pace_s if pace_s and self.pace_s else 1.0
        return AtRate(
            self.per_s,
            tuple(one * slower for one in self.response_s),
            {name: took * slower for name, took in self.busy_s.items()},
            self.quickest_s * slower,
            self.pace_s * slower,
        )

    def passage(self) -> Passage:
        """The processes in the order in which they are passed: the generator sends, the server
        checks, the rail is asked if it is, the server answers, and is heard."""
        busy = self.busy_s
        servers = [(name, took) for name, took in busy.items() if name not in (GENERATOR, RAILS)]
        rails_s = busy.get(RAILS, 0.0)
        if rails_s >= _ASKED * sum(took for _, took in servers):
            halves = [(name, took / 2) for name, took in servers]
            servers = [*halves, (RAILS, rails_s), *halves]
        outer = [(GENERATOR, busy[GENERATOR] / 2)] if GENERATOR in busy else []
        all_s = sum(busy.values())
        return Passage(
            Timing(float(np.median(self.response_s)), self.response_s[-1], "", self.response_s),
            [*outer, *servers, *outer],
            on_path=min(1.0, self.quickest_s / all_s) if all_s else 1.0,
        )


def read(profile: Mapping[str, Timing], operation: str) -> list[AtRate]:
    """What a profile knows of an operation, by rate."""
    found: dict[float, dict[str, Timing]] = {}
    for name, timing in profile.items():
        match = _KEY.fullmatch(name)
        if match and match["operation"] == operation:
            found.setdefault(float(match["per_s"]), {})[match["what"]] = timing
    return [
        AtRate(
            per_s,
            one[RESPONSE].sample_s,
            {what.removeprefix(BUSY): timing.mean_s for what, timing in one.items()
             if what.startswith(BUSY)},
            one[QUICKEST].mean_s,
            one[PACE].mean_s if PACE in one else 0.0,
        )
        for per_s, one in sorted(found.items())
        if RESPONSE in one and QUICKEST in one
    ]  # fmt: skip


def around(known: Sequence[AtRate], per_s: float) -> tuple[AtRate, AtRate, float]:
    """The nearest rates that are known, and how far it is from the lower to the higher one."""
    rates = [log(one.per_s) for one in known]
    place = float(np.interp(log(per_s), rates, range(len(rates))))
    low = int(place)
    return known[low], known[min(low + 1, len(known) - 1)], place - low


def between(known: Sequence[AtRate], per_s: float) -> AtRate:
    """What a request is like at any rate: beyond the lowest and the highest, what it is there."""
    below, above, share = around(known, per_s)

    def drawn(low: float, high: float) -> float:
        return low + (high - low) * share

    return AtRate(
        per_s,
        tuple(map(drawn, below.response_s, above.response_s)),
        {
            name: drawn(below.busy_s.get(name, 0.0), above.busy_s.get(name, 0.0))
            for name in {**below.busy_s, **above.busy_s}
        },
        drawn(below.quickest_s, above.quickest_s),
        drawn(below.pace_s, above.pace_s),
    )


class Round(NamedTuple):
    """What a leg was asked, and nothing of what came of it."""

    load: Load
    pace_s: float
    """How fast the machine was then; 0 where nobody looked."""


def rounds_of(group: Group, cores: int | None, most: int | None = None) -> list[Round]:
    """A group's rounds, or the first requests of each."""
    return [Round(_load(leg, cores, most), leg.leg.pace_us / 1e6) for leg in group.legs]


def replay(known: AtRate, rounds: Sequence[Round], turns: int) -> list[Passed]:
    """Let each schedule pass so many times, on the machine as fast as it was then."""
    plays = [one for one in rounds for _ in range(turns)]
    return [
        play(known.at_pace(one.pace_s).passage(), one.load, Streams(_SEED, number))
        for number, one in enumerate(plays)
    ]


def _load(one: Measured, cores: int | None, most: int | None) -> Load:
    due_s = [sample.due_us / 1e6 for sample in one.samples()]
    if most is not None and len(due_s) > most:
        return Load(due_s[:most], one.leg.users, due_s[most], cores)
    return Load(due_s, one.leg.users, one.schedule_s, cores)
