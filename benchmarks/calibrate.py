"""Service times for the simulator, out of a load run (style 4.1).

A service time is not a response time: under load, a response is mostly waiting. So the shape of
each distribution is taken from the lightest legs of its operation, where hardly anybody waits. How
long a process is busy with a request is taken from the processor time that the system has counted:
the slope of its busy share over the rate, all legs before the knee together, so that what it does
anyway is not a request's fault (the utilisation law; Denning and Buzen 1978).

The file is a profile as `scenarios/calibrate.py` reads it: the studies' keys, and for validation
one key for the response and one for each process's busy time by operation.
"""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from benchmarks.ladder import MOST_BUSY
from benchmarks.leg import Kind, Outcome, Phase
from benchmarks.report.results import FREE
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.leg import Sample
    from benchmarks.report.results import Measured, Results

SAMPLES: Final = 1_000
"""Values that a distribution is kept as, at most: evenly spaced quantiles of what was measured."""
LEAST: Final = 20
"""Requests that a distribution is taken from, at least."""
LIGHT: Final = 0.25
"""Of the knee: the most that a leg may be loaded whose requests are taken not to have waited."""
GENERATOR: Final = "load generator"
_SERVER: Final = "merchants"
_GATE: Final = (Phase.VERIFY, Phase.SETTLE, Phase.DELIVER)
"""A voucher is taken by the gate itself: no rail is asked."""

Profile = dict[str, dict[str, Any]]


def calibrate(results: Results) -> Profile:
    """All timings that a run can tell."""
    found: Profile = {}
    for operation in results.operations:
        found |= _of_operation(results, operation)
    found |= _of_studies(results, found)
    if not found:
        raise BadInput(
            f"No leg of the run has {LEAST} requests that were answered well.",
            hint="Measure for longer, or with a higher rate.",
        )
    return found


def write_profile(results: Results, path: Path) -> Profile:
    """Write the profile of a run as a file that `--set timing=FILE` takes."""
    profile = calibrate(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
    return profile


def response(operation: str) -> str:
    """The key of an operation's response time when nobody waits."""
    return f"{operation} response"


def busy(operation: str, part: str) -> str:
    """The key of how long a process is busy with a request of an operation."""
    return f"{operation} busy {part}"


def quantiles(values: Sequence[float], most: int = SAMPLES) -> list[float]:
    """At most so many values with the same quantiles: each stands for an equal share."""
    ordered = sorted(values)
    if len(ordered) <= most:
        return ordered
    return [ordered[int((at + 0.5) / most * len(ordered))] for at in range(most)]


def lightest(results: Results, operation: str) -> list[Measured]:
    """The legs at no more than a quarter of the knee, where hardly anybody waits; the one with the
    lowest rate where there are none. Legs with too few requests to tell anything are left out."""
    legs = sorted(calibrating(results, operation), key=lambda one: one.leg.achieved_per_s)
    knee = results.knee_per_s(operation) or 0.0
    light = [one for one in legs if one.leg.achieved_per_s <= LIGHT * knee]
    if _well(light) >= LEAST:
        return light
    enough = [at for at in range(len(legs)) if _well(legs[: at + 1]) >= LEAST]
    return legs[: enough[0] + 1] if enough else []


def calibrating(results: Results, operation: str) -> list[Measured]:
    """The legs that a profile may be made of: all but those behind the knee, and those whose
    generator had no time. Steady legs are held back where there are others, for they are what a
    simulation is to foretell. That requests were sent late is no harm: a service time begins when
    its request is sent."""
    groups = results.of(operation)
    held_back = [one for one in groups if one.first.kind is not Kind.STEADY] or groups
    return [
        leg
        for one in held_back
        for leg in one.legs
        if leg.leg.generator_cpu <= MOST_BUSY and (leg.kept_up or not leg.leg.offered_per_s)
    ]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of (rate, busy share); the ratio where there is one rate only."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    if across < (0.1 * mean_x) ** 2:
        return mean_y / mean_x if mean_x else 0.0
    return max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / across)


def _of_operation(results: Results, operation: str) -> Profile:
    """How long it takes when nobody waits, and how long each process is busy with it."""
    light = lightest(results, operation)
    if not light:
        return {}
    found = {response(operation): _timing(results, light, _service)}
    legs = calibrating(results, operation)
    for part in (GENERATOR, *light[0].leg.server_cpu):
        took_us = slope([(one.leg.achieved_per_s, busy_share(one, part)) for one in legs]) * 1e6
        if took_us > 0:
            found[busy(operation, part)] = {
                "median_us": took_us,
                "p99_us": took_us,
                "source": f"busy share over rate, {_run(results, legs)}",
                "read_on": _day(results),
                "kind": "measured",
            }
    return {key: value for key, value in found.items() if value}


def _of_studies(results: Results, known: Profile) -> Profile:
    """The keys of `scenarios/facts/profiles`: shape by the server's own clock where it has one,
    scale by its processor time, which has HTTP in it as well."""
    floor = _busy_us(known, FREE)
    charge = _busy_us(known, "tempo-charge")
    # A 402 is an answer like the free one; what is left of a charge is the check.
    challenge = min(floor, charge / 2)
    wanted = (
        ("gate_free", FREE, _service, floor),
        ("gate_voucher", "tempo-session", _sum(*_GATE), _busy_us(known, "tempo-session")),
        ("gate_challenge", "tempo-charge", _sum(Phase.CHALLENGE), challenge),
        ("gate_charge", "tempo-charge", _sum(Phase.VERIFY, Phase.DELIVER), charge - challenge),
        ("node_rpc", "tempo-charge", _sum(Phase.SETTLE), None),
    )
    found: Profile = {}
    for key, operation, shape, mean_us in wanted:
        if response(operation) not in known or (mean_us is not None and mean_us <= 0):
            continue
        if made := _timing(results, lightest(results, operation), shape, mean_us):
            found[key] = made
    return found


def busy_share(one: Measured, part: str) -> float:
    """How busy a process was in a leg, as a share of one core."""
    return one.leg.generator_cpu if part == GENERATOR else one.leg.server_cpu.get(part, 0.0)


def _busy_us(known: Profile, operation: str) -> float:
    return float(known.get(busy(operation, _SERVER), {"median_us": 0})["median_us"])


def _service(one: Sample) -> int | None:
    return one.ended_us - one.started_us


def _sum(*phases: Phase) -> Callable[[Sample], int | None]:
    """Phases together; None where the server did not tell the first of them."""

    def took(one: Sample) -> int | None:
        told = one.phases_us
        return sum(told.get(phase, 0) for phase in phases) if phases[0] in told else None

    return took


def _timing(
    results: Results,
    legs: Sequence[Measured],
    shape: Callable[[Sample], int | None],
    mean_us: float | None = None,
) -> dict[str, Any]:
    """What the good requests of some legs took, as a timing; scaled to a mean if one is given.
    Empty where too few tell it."""
    well = [shape(one) for leg in legs for one in leg.samples() if one.outcome is Outcome.OK]
    took = [max(one, 1) for one in well if one is not None]
    if len(took) < LEAST:
        return {}
    scale = 1.0 if mean_us is None else mean_us / fmean(took)
    kept = [round(one * scale, 3) for one in quantiles(took)]
    how = "" if mean_us is None else f", scaled to {mean_us:.0f} us of processor time"
    return {
        "median_us": kept[len(kept) // 2],
        "p99_us": kept[min(len(kept) - 1, int(0.99 * len(kept)))],
        "source": f"{len(took)} requests of {legs[0].leg.operation} at up to "
        f"{legs[-1].leg.achieved_per_s:.4g}/s, {_run(results, legs)}{how}",
        "read_on": _day(results),
        "kind": "measured",
        "sample_us": kept,
    }


def _well(legs: Sequence[Measured]) -> int:
    return sum(one.leg.counts.get(Outcome.OK, 0) for one in legs)


def _run(results: Results, legs: Sequence[Measured]) -> str:
    commit = str(results.about["environment"].get("commit") or "unknown")[:12]
    numbers = ", ".join(str(one.leg.number) for one in legs)
    return f"run {results.about['id']} at commit {commit}, legs {numbers}"


def _day(results: Results) -> str:
    return str(results.about["made_at"])[:10]
