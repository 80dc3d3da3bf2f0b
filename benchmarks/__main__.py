"""`python -m benchmarks full` and `quick`: the whole comparison, and a look at it for CI.

Full: every operation's knee, then steady legs at 50, 70 and 85 % of it in five interleaved rounds,
in under ten minutes on two cores. Quick: charge beside session at one rate and at full speed, in
under ninety seconds; it fails where a session is not what it is for, by ratios and never by times.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.command import again, conduct, ladders, new_folder, steady
from benchmarks.leg import Kind, Leg, Outcome, Phase, leg_folder, read_histograms
from benchmarks.operations import OPERATIONS
from benchmarks.recorder import decode
from benchmarks.run import Setup, long_enough
from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.ladder import Knee
    from benchmarks.run import Run

_COMPARED: Final = (
    "tempo-charge", "tempo-session", "stripe-charge", "lightning-charge", "lightning-session",
)  # fmt: skip
"""What the report compares; the others have a knee, and one steady leg at half of it."""
_ROUNDS: Final = 5
_FIRST_PER_S: Final = 20.0
_RUNG_S: Final = 1.5
_LEG_S: Final = 2.0
_QUICK_PER_S: Final = 20.0
_QUICK_S: Final = 1.5
_QUICK_USERS: Final = 4
_QUICK_ROUNDS: Final = 2
_RAILS: Final = ("tempo", "lightning")
"""Those that have both intents."""


def full(run: Run) -> dict[str, Knee]:
    """Everything."""
    knees = ladders(run, list(OPERATIONS.values()), first_per_s=_FIRST_PER_S, duration_s=_RUNG_S)
    compared = [OPERATIONS[name] for name in _COMPARED]
    for name, operation in OPERATIONS.items():
        if name not in _COMPARED:
            per_s = knees[name].per_s / 2
            run.measure(
                operation, Kind.STEADY, per_s=per_s, duration_s=long_enough(per_s, _LEG_S),
                round_=1, share_of_knee=0.5,
            )  # fmt: skip
    steady(run, compared, knees, rounds=_ROUNDS, duration_s=_LEG_S)
    return knees


def quick(run: Run) -> dict[str, Knee]:
    """The comparison alone: at one rate in turns, and as fast as it goes."""
    operations = [OPERATIONS[name] for name in _COMPARED]
    for round_ in range(1, _QUICK_ROUNDS + 1):
        for operation in operations:
            run.measure(
                operation, Kind.STEADY, per_s=_QUICK_PER_S, duration_s=_QUICK_S, round_=round_
            )
    for operation in operations:
        run.measure(operation, Kind.SINGLE, per_s=None, duration_s=_QUICK_S, users=_QUICK_USERS)
    return {}


class Ratio(NamedTuple):
    """A session's figure beside a charge's on the same rail."""

    name: str
    value: float
    is_good: bool
    """Whether the session is what it is for."""


def ratios(folder: Path, legs: Sequence[Leg]) -> list[Ratio]:
    """What a session is for: to be faster, to serve more, and to cost less."""
    found = []
    for rail in _RAILS:
        charge, session = ([leg for leg in legs if leg.operation == f"{rail}-{intent}"]
                           for intent in ("charge", "session"))  # fmt: skip
        p50 = _ratio(_p50_us(folder, session), _p50_us(folder, charge))
        found.append(Ratio(f"bench.{rail}.p50", p50, p50 < 1))
        served = _ratio(_served_per_s(session), _served_per_s(charge))
        found.append(Ratio(f"bench.{rail}.requests", served, served > 1))
        fees = _ratio(_fee(session), _fee(charge))
        found.append(Ratio(f"bench.{rail}.fees", fees, fees < 1))
    return found


def _p50_us(folder: Path, legs: Iterable[Leg]) -> float:
    """The median over the rounds of what half of the requests stayed within."""
    found = []
    for leg in legs:
        if leg.kind is Kind.STEADY:
            total = read_histograms(leg_folder(folder, leg))[Phase.TOTAL]
            found.append(decode(total[Outcome.OK]).get_value_at_percentile(50))
    return float(median(found))


def _served_per_s(legs: Iterable[Leg]) -> float:
    return max(leg.achieved_per_s for leg in legs if leg.offered_per_s is None)


def _fee(legs: Iterable[Leg]) -> float:
    """What the rail took for each request, over all legs."""
    moved = [leg.money for leg in legs if leg.money is not None]
    return _ratio(sum(one.fee_units for one in moved), sum(one.delivered for one in moved))


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
