"""Service times that a load test cannot see, fitted to what it can (style 4.1).

What a request takes under load is work and waiting together. The model knows how to wait
(`scenarios.model.passage`): so the time without waiting is the one with which the model, under the
very schedule of a leg, gives back the latencies that were measured. It is found from below: first
nothing takes longer than the quickest requests did and all else is waiting, then each quantile is
corrected by how far the model's is off, some times over.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.forecast.passages import QUANTILES, AtRate, replay, rounds_of
from benchmarks.leg import GENERATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.forecast.passages import Round
    from benchmarks.report.results import Group, Measured

_QUICK: Final = 0.05
"""The share of requests that waited for nobody, or hardly."""
_TURNS: Final = 12
_NEAR: Final = 0.01
"""How far off what is told may be on average to be good enough."""
_TOLD: Final = (0.5, 0.9, 0.99)
"""The quantiles that a fit is judged by: those that people ask for."""
_STEP: Final = 0.8
"""How much of what it is off a quantile is corrected by: all of it would overshoot in a queue."""
_PLAYS: Final = 2
"""Of a leg's schedule in each turn, at least."""
_MOST: Final = 3_000
"""Requests of a leg that are played: its first ones."""
_LEAST_BUSY_S: Final = 1e-6
_SHARES: Final = (np.arange(QUANTILES) + 0.5) / QUANTILES


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a request is like at one rate, and how well the model gives back what was measured."""

    known: AtRate
    error_p50: float
    error_p99: float


def fitted(group: Group, cores: int | None) -> Fitted:
    """The service times of a group of legs: medians over its rounds, as everything that is told
    of rounds."""
    times = [_times(leg) for leg in group.legs]
    wanted = np.median([np.quantile(latency, _SHARES) for latency, _ in times], axis=0)
    quickest_s = median(float(np.quantile(service, _QUICK)) for _, service in times)
    rounds = rounds_of(group, cores, _MOST)
    pace_s = median(one.pace_s for one in rounds)
    rate = median(leg.leg.achieved_per_s for leg in group.legs)
    busy_s = _busy_s(group)
    response = np.minimum(wanted, quickest_s)
    tried = []
    for _ in range(_TURNS):
        known = AtRate(rate, tuple(response.tolist()), busy_s, quickest_s, pace_s)
        off = _given(known, rounds) / wanted
        tried.append((_told(off), known, off - 1))
        if tried[-1][0] < _NEAR:
            break
        response = np.maximum.accumulate(response / off**_STEP)
    _, known, errors = min(tried, key=lambda one: one[0])
    return Fitted(known, _at(errors, 0.5), _at(errors, 0.99))


def _told(off: Any) -> float:
    """How far off a fit is, by what it gives over what was measured."""
    return sum(abs(log(_at(off, share))) for share in _TOLD) / len(_TOLD)


def _given(known: AtRate, rounds: Sequence[Round]) -> Any:
    """The quantiles of latency that the model has with these service times."""
    played = replay(known, rounds, turns=-(-_PLAYS // len(rounds)))
    return np.median([[one.latency.quantile(share) for share in _SHARES] for one in played], axis=0)


def _busy_s(group: Group) -> dict[str, float]:
    """How long each process was busy with a request, by the processor time that the system
    counted: what it does anyway is shared among all of them."""
    shares = {
        GENERATOR: [one.leg.generator_cpu / one.leg.achieved_per_s for one in group.legs],
        **{
            part: [one.leg.server_cpu[part] / one.leg.achieved_per_s for one in group.legs]
            for part in group.first.server_cpu
        },
    }
    busy_s = {part: median(found) for part, found in shares.items()}
    return {part: took_s for part, took_s in busy_s.items() if took_s >= _LEAST_BUSY_S}


def _times(leg: Measured) -> tuple[Any, Any]:
    """Each request's latency, and its time from when it was sent."""
    samples = [(one.due_us, one.started_us, one.ended_us) for one in leg.samples()]
    due, started, ended = np.asarray(samples, dtype=float).T / 1e6
    return np.maximum(ended - due, 1e-6), np.maximum(ended - started, 1e-6)


def _at(values: Any, share: float) -> float:
    return float(values[min(int(share * QUANTILES), QUANTILES - 1)])
