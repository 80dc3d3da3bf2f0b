"""Service times for the simulator, out of a load run (style 4.1).

A service time is not a response time: under load, a response is mostly waiting. There are two ways
around that, for two uses.

To foretell another load run, the model is fitted to this one: for each rate before the knee, the
time without waiting and how long each process is busy (`benchmarks.forecast.fit`).

For the studies, the shape of each distribution is taken from the lightest legs of its operation,
where hardly anybody waits, and its scale from the processor time that the system has counted: the
slope of the server's busy share over the rate, so that what it does anyway is not a request's fault
(the utilisation law; Denning and Buzen 1978).

The file is a profile as `scenarios/calibrate.py` reads it.
"""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from benchmarks.forecast.fit import fitted
from benchmarks.forecast.passages import BUSY, PACE, QUICKEST, RESPONSE, key
from benchmarks.leg import Outcome, Phase
from benchmarks.report.results import FREE, Group
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.forecast.fit import Fitted
    from benchmarks.leg import Sample
    from benchmarks.report.results import Measured, Results

SAMPLES: Final = 1_000
"""Values that a distribution is kept as, at most: evenly spaced quantiles of what was measured."""
LEAST: Final = 20
"""Requests that a distribution is taken from, at least."""
LIGHT: Final = 0.25
"""Of the knee: the most that a leg may be loaded whose requests are taken not to have waited."""
_SERVER: Final = "merchants"
_GATE: Final = (Phase.VERIFY, Phase.SETTLE, Phase.DELIVER)
"""A voucher is taken by the gate itself: no rail is asked."""

Profile = dict[str, dict[str, Any]]


def calibrate(results: Results, heard: Callable[[str], object] = lambda line: None) -> Profile:
    """All timings that a run can tell. `heard` is told what is being fitted."""
    found = _of_studies(results)
    for operation in results.operations:
        for group in _rates(results, operation):
            heard(f"fitting {operation} at {group.first.offered_per_s:.0f}/s")
            cores = results.about["environment"].get("cores")
            found |= _of_rate(results, group, fitted(group, cores))
    if not found:
        raise BadInput(
            f"No leg of the run has {LEAST} requests that were answered well.",
            hint="Measure for longer, or with a higher rate.",
        )
    return found


def write_profile(
    results: Results, path: Path, heard: Callable[[str], object] = lambda line: None
) -> Profile:
    """Write the profile of a run as a file that `--set timing=FILE` takes."""
    profile = calibrate(results, heard)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
    return profile


def origin(results: Results) -> str:
    """The run, as a profile's sources name it: its moment tells it from all others."""
    return f"run {results.about['id']} of {results.about['made_at']}"


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
    generator had no time. That requests were sent late is no harm: a service time begins when its
    request is sent."""
    return [
        leg
        for one in results.of(operation)
        for leg in one.legs
        if leg.is_believed and (leg.kept_up or not leg.leg.offered_per_s)
    ]


def _rates(results: Results, operation: str) -> list[Group]:
    """The same by rate, where a schedule was followed and enough was asked for to tell."""
    may = {one.leg.number for one in calibrating(results, operation)}
    found = []
    for group in results.of(operation):
        legs = tuple(leg for leg in group.legs if leg.leg.number in may)
        if group.first.offered_per_s and _well(legs) >= LEAST:
            found.append(Group(legs))
    return found


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of (rate, busy share); the ratio where there is one rate only."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    if across < (0.1 * mean_x) ** 2:
        return mean_y / mean_x if mean_x else 0.0
    return max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / across)


def _of_rate(results: Results, group: Group, one: Fitted) -> Profile:
    """What a request is like at one rate."""
    operation, known = group.operation, one.known
    common = {
        "source": f"{group.requests} requests, {_run(results, group.legs)}; with it the model is "
        f"off by {one.error_p50:+.1%} in p50 and {one.error_p99:+.1%} in p99",
        "read_on": _day(results),
        "kind": "fitted",
    }
    found = {RESPONSE: {**_told_us([one * 1e6 for one in known.response_s]), **common}}
    for what, took_s in (
        (QUICKEST, known.quickest_s),
        *([(PACE, known.pace_s)] if known.pace_s else []),
        *((BUSY + part, took_s) for part, took_s in known.busy_s.items()),
    ):
        took_us = took_s * 1e6
        found[what] = {"median_us": took_us, "p99_us": took_us, **common, "kind": "measured"}
    return {key(operation, known.per_s, what): timing for what, timing in found.items()}


def _of_studies(results: Results) -> Profile:
    """The keys of `scenarios/facts/profiles`: shape by the server's own clock where it has one,
    scale by its processor time, which has HTTP in it as well."""
    floor, charge, voucher = (
        _busy_us(results, one) for one in (FREE, "tempo-charge", "tempo-session")
    )
    # A 402 is an answer like the free one; what is left of a charge is the check.
    challenge = min(floor, charge / 2)
    wanted = (
        ("gate_free", FREE, _service, floor),
        ("gate_voucher", "tempo-session", _sum(*_GATE), voucher),
        ("gate_challenge", "tempo-charge", _sum(Phase.CHALLENGE), challenge),
        ("gate_charge", "tempo-charge", _sum(Phase.VERIFY, Phase.DELIVER), charge - challenge),
        ("node_rpc", "tempo-charge", _sum(Phase.SETTLE), None),
    )
    return {
        name: made
        for name, operation, shape, mean_us in wanted
        if (mean_us is None or mean_us > 0)
        and (made := _timing(results, lightest(results, operation), shape, mean_us))
    }


def _busy_us(results: Results, operation: str) -> float:
    """How long the server is busy with a request of an operation; 0 where that is not known."""
    points = [
        (one.leg.achieved_per_s, one.leg.server_cpu.get(_SERVER, 0.0))
        for one in calibrating(results, operation)
    ]
    return slope(points) * 1e6 if points else 0.0


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
    kept = quantiles([one * scale for one in took])
    how = "" if mean_us is None else f", scaled to {mean_us:.0f} us of processor time"
    return {
        **_told_us(kept),
        "source": f"{len(took)} requests of {legs[0].leg.operation} at up to "
        f"{legs[-1].leg.achieved_per_s:.4g}/s, {_run(results, legs)}{how}",
        "read_on": _day(results),
        "kind": "measured",
    }


def _told_us(ordered: Sequence[float]) -> dict[str, Any]:
    """A distribution by its quantiles in microseconds, in their order."""
    kept = [round(one, 3) for one in ordered]
    return {
        "median_us": kept[len(kept) // 2],
        "p99_us": kept[min(len(kept) - 1, int(0.99 * len(kept)))],
        "sample_us": kept,
    }


def _well(legs: Sequence[Measured]) -> int:
    return sum(one.leg.counts.get(Outcome.OK, 0) for one in legs)


def _run(results: Results, legs: Sequence[Measured]) -> str:
    commit = str(results.about["environment"].get("commit") or "unknown")[:12]
    numbers = ", ".join(str(one.leg.number) for one in legs)
    return f"{origin(results)} at commit {commit}, legs {numbers}"


def _day(results: Results) -> str:
    return str(results.about["made_at"])[:10]
