"""`python -m benchmarks full` and `quick`: the whole comparison, and a look at it for CI.

Full: every operation's knee, then every operation at one low rate that all carry, then those
compared most at 50, 70 and 85 % of their own knees; steady legs in five interleaved rounds, all in
under ten minutes on two cores. Quick: charge beside session at one rate and at full speed, in under
ninety seconds; it fails where a session is not what it is for, by ratios and never by times.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.command import again, alike, conduct, ladders, new_folder, shares, steady
from benchmarks.leg import Kind, Leg, leg_folder
from benchmarks.operations import OPERATIONS
from benchmarks.report.fees import fees
from benchmarks.report.results import Measured, Results
from benchmarks.run import Setup
from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.ladder import Knee
    from benchmarks.run import Run

_COMPARED: Final = (
    "tempo-charge", "tempo-session", "stripe-charge", "lightning-charge", "lightning-session",
)  # fmt: skip
"""What is measured at shares of its knee; the others have a knee, and the rate of all."""
_ROUNDS: Final = 5
_FIRST_PER_S: Final = 40.0
_RUNG_S: Final = 1.5
_ALIKE_PER_S: Final = 15.0
"""A rate that every operation carries with ease, so that their latencies can be compared."""
_ALIKE_S: Final = 2.0
_STEADY_S: Final = 2.5
_QUICK_PER_S: Final = 20.0
_QUICK_S: Final = 1.0
_QUICK_USERS: Final = 4
_QUICK_ROUNDS: Final = 2
_SLACK: Final = {"tempo": 1.0, "lightning": 1.5}
"""The rails that have both intents, and by how much a session may fall short of a charge in speed.
A Lightning session asks for a challenge with an invoice in it before each request, as a charge
does, and nodes of one process pay each other in a few milliseconds: it spares fees, and on a busy
machine hardly any time."""
_SPENT: Final = 100
"""Requests of one payer, for the fees: how many were served in a second must not decide."""


def full(run: Run) -> dict[str, Knee]:
    """Everything."""
    knees = ladders(run, list(OPERATIONS.values()), first_per_s=_FIRST_PER_S, duration_s=_RUNG_S)
    everything = alike(OPERATIONS.values(), _ALIKE_PER_S)
    steady(run, everything, rounds=_ROUNDS, duration_s=_ALIKE_S)
    compared = shares([OPERATIONS[name] for name in _COMPARED], knees)
    steady(run, compared, rounds=_ROUNDS, duration_s=_STEADY_S)
    return knees


def quick(run: Run) -> dict[str, Knee]:
    """The comparison alone: at one rate, and as fast as it goes, in turns."""
    operations = [OPERATIONS[name] for name in _COMPARED]
    for round_ in range(1, _QUICK_ROUNDS + 1):
        for operation in operations:
            run.measure(
                operation, Kind.STEADY, per_s=_QUICK_PER_S, duration_s=_QUICK_S, round_=round_
            )
        for operation in operations:
            run.measure(
                operation, Kind.SINGLE, per_s=None, duration_s=_QUICK_S, round_=round_,
                users=_QUICK_USERS,
            )  # fmt: skip
    return {}


class Ratio(NamedTuple):
    """A session's figure beside a charge's on the same rail."""

    name: str
    value: float
    is_good: bool
    """Whether the session is what it is for."""


def ratios(folder: Path, legs: Sequence[Leg]) -> list[Ratio]:
    """What a session is for: to be faster, to serve more, and to cost less.

    Speed is each side's best round: whatever else a machine does makes a round slower, and none
    faster.
    """
    results = Results(folder, {}, tuple(Measured(one, leg_folder(folder, one)) for one in legs))
    found = []
    for rail, slack in _SLACK.items():
        charge, session = f"{rail}-charge", f"{rail}-session"
        p50 = _ratio(_p50_us(results, session), _p50_us(results, charge))
        found.append(Ratio(f"bench.{rail}.p50", p50, p50 < slack))
        served = _ratio(_served_per_s(results, session), _served_per_s(results, charge))
        found.append(Ratio(f"bench.{rail}.requests", served, served > 1 / slack))
        spent = _ratio(_spent_units(results, session), _spent_units(results, charge))
        found.append(Ratio(f"bench.{rail}.fees", spent, spent < 1))
    return found


def _p50_us(results: Results, operation: str) -> float:
    """What half of the requests stayed within."""
    return min(one.percentile_us(50) for one in results.basis(operation).legs)


def _served_per_s(results: Results, operation: str) -> float:
    """How many were served where users asked as fast as they could."""
    return max(
        one.leg.achieved_per_s
        for one in results.measured
        if one.leg.operation == operation and one.leg.offered_per_s is None
    )


def _spent_units(results: Results, operation: str) -> float:
    """What the rail takes for the requests of one payer."""
    found = fees(results, operation)
    return float("inf") if found is None else float(found.after(_SPENT))


def _ratio(value: float, against: float) -> float:
    return value / against if against else float("inf")


def main() -> int:
    """Run it; 1 if a session was not what it is for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=("full", "quick"))
    parser.add_argument("--seed", default="1", help="of keys, schedules and the devnet")
    parser.add_argument("--out", type=Path, help="the run's folder (build/bench/TIME)")
    given = parser.parse_args()
    is_quick = given.what == "quick"
    operations = [OPERATIONS[name] for name in (_COMPARED if is_quick else OPERATIONS)]
    folder = given.out or new_folder()
    try:
        done = conduct(
            Setup(seed=given.seed, operations=operations, options={"plan": given.what}),
            folder,
            quick if is_quick else full,
            command=again(["python", "-m", "benchmarks"], sys.argv[1:]),
            heard=lambda line: sys.stderr.write(f"{line} …\n"),
        )
    except SandboxError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 1
    sys.stdout.write("\n".join(done.lines) + "\n")
    if not is_quick or done.interrupted:
        return 130 if done.interrupted else 0
    found = ratios(folder, done.legs)
    for one in found:
        sys.stdout.write(f"ratio {one.name}: {one.value:.3f}\n")
    return 0 if all(one.is_good for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
