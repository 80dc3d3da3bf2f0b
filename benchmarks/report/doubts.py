"""What should not be believed as it stands: late and busy generators, failures, broken promises, a
machine that had other work, too few rounds."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.ladder import MOST_BUSY, MOST_FAILED
from benchmarks.leg import Kind
from benchmarks.report.results import label, promise_us
from benchmarks.report.said import Said, numbers
from benchmarks.report.tables import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.report.results import Measured, Results

DOUBT: Final = "Doubts"
_ENOUGH: Final = 5
"""Rounds of a comparison, at least (style 4.2)."""
_NAMED: Final = 6
"""Legs in a sentence, at most; its links name all."""
_MOST_STOLEN: Final = 0.01
_MOST_LOADED: Final = 0.5
"""Of the cores, before the run began."""
_SLOWER: Final = 1.25
"""Of what a loop takes in the run's middle leg."""


def doubts(results: Results) -> list[Said]:
    """All of them."""
    judged = _judged(results)
    return [
        *_late(judged),
        *_busy(judged),
        *_failed(judged),
        *_broken(results),
        *_generators_knees(results),
        *_machine(results),
        *_slow(results),
        *_few(results),
    ]


def _judged(results: Results) -> list[Measured]:
    """The legs that speeds are told by; those that only fees are told by may be as late as they
    like."""
    groups = [*results.alike()]
    for operation in results.operations:
        groups += [results.basis(operation), *filter(None, [results.best(operation)])]
    rests = set(numbers(leg for one in groups for leg in one.legs))
    return [one for one in results.measured if one.leg.number in rests]


def _warns(text: str, legs: Sequence[Measured] = ()) -> Said:
    return Said(DOUBT, text, numbers(legs), warns=True)


def _named(one: Measured) -> str:
    return f"leg {one.leg.number}, {label(one.leg.operation)}"


def _late(judged: Sequence[Measured]) -> Iterator[Said]:
    """Requests that were sent late: their latencies hold what the generator is late by."""
    late = [one for one in judged if one.is_late]
    if late:
        worst = max(late, key=lambda one: one.leg.lag_p99_us)
        yield _warns(
            f"Of the {len(judged)} legs that speeds are told by, {len(late)} were sent late; at "
            f"worst {worst.leg.lag_p99_us / 1_000:.1f} ms (p99; {_named(worst)}). Latencies count "
            "from when a request was due: there they are an upper bound.",
            late,
        )


def _busy(judged: Sequence[Measured]) -> Iterator[Said]:
    """A generator without time left, and what was stopped."""
    busy = [one for one in judged if not one.is_believed]
    if busy:
        worst = max(busy, key=lambda one: one.leg.generator_cpu)
        yield _warns(
            f"The load generator took more than {MOST_BUSY:.0%} of a core in {len(busy)} of the "
            f"{len(judged)} legs that speeds are told by; at worst {worst.leg.generator_cpu:.0%} "
            f"({_named(worst)}). A server may do better than it did there.",
            busy,
        )
    if cut := [one for one in judged if any("stopped" in mark for mark in one.leg.marks)]:
        yield _warns(f"Stopped before its end: {', '.join(map(_named, cut))}.", cut)


def _failed(judged: Sequence[Measured]) -> Iterator[Said]:
    failed = [one for one in judged if one.failed_share]
    if failed:
        worst = max(failed, key=lambda one: one.failed_share)
        yield _warns(
            f"Requests failed in {len(failed)} of the {len(judged)} legs that speeds are told by, "
            f"at worst {worst.failed_share:.1%} ({_named(worst)}); their time counts all the same.",
            failed,
        )


def _broken(results: Results) -> Iterator[Said]:
    """Steady legs below the knee that broke the promise which the knee is defined by."""
    steady = [one for one in results.measured if _is_below(results, one)]
    broken = [one for one in steady if not one.is_as_promised]
    if broken:
        worst = sorted(broken, key=lambda one: one.percentile_us(99), reverse=True)[:_NAMED]
        told = "; ".join(f"{_named(one)}, {_how(one)}" for one in worst)
        told += " and others" if len(broken) > _NAMED else ""
        yield _warns(
            f"The promise that makes a knee was broken below it, in {len(broken)} of {len(steady)} "
            f"steady legs: {told}. So near to it the knee is not sure.",
            broken,
        )


def _is_below(results: Results, one: Measured) -> bool:
    """Whether a leg was steady, and at less than its operation's knee."""
    leg, knee = one.leg, results.knee_per_s(one.leg.operation)
    if leg.kind is not Kind.STEADY or not leg.offered_per_s or not knee:
        return False
    return leg.offered_per_s < knee


def _how(one: Measured) -> str:
    """Which part of the promise a leg broke."""
    p99_us, most_us = one.percentile_us(99), promise_us(one.leg.operation)
    if p99_us > most_us:
        return f"p99 {number(p99_us / 1_000)} ms instead of {number(most_us / 1_000)}"
    return f"{one.failed_share:.1%} failed instead of {MOST_FAILED:.0%}"


def _generators_knees(results: Results) -> Iterator[Said]:
    """Where a ladder ended for want of load, and why."""
    if spent := results.generators_knees:
        knees = results.about["knees"]
        told = "; ".join(f"{label(one)} ({knees[one]['why']})" for one in spent)
        yield _warns(
            "It was the load that could do no more, its generator or its customers, so that the "
            f"server's own knee is higher: {told}.",
            [leg for one in spent for group in results.of(one, Kind.LADDER) for leg in group.legs],
        )


def _machine(results: Results) -> Iterator[Said]:
    """What else the machine had to do."""
    environment = results.about["environment"]
    load, cores = environment.get("load"), environment.get("cores")
    if load and cores and load[0] > _MOST_LOADED * cores:
        yield _warns(
            f"The machine was not idle when the run began: its load was {number(load[0])} on "
            f"{cores} cores."
        )
    robbed = [one for one in results.measured if _stolen(one) > _MOST_STOLEN]
    if robbed:
        worst = max(robbed, key=_stolen)
        yield _warns(
            f"The machine's processors were given to others in {len(robbed)} of "
            f"{len(results.measured)} legs; at worst {_stolen(worst):.1%} of their time "
            f"({_named(worst)}).",
            robbed,
        )


def _stolen(one: Measured) -> float:
    return one.leg.machine.get("stolen", 0.0)


def _slow(results: Results) -> Iterator[Said]:
    """Legs in which the machine itself was slower, as its host's other guests make it."""
    looked = [one for one in results.measured if one.leg.pace_us]
    if not looked:
        return
    usual_us = median(one.leg.pace_us for one in looked)
    slow = [one for one in looked if one.leg.pace_us > _SLOWER * usual_us]
    if slow:
        worst = max(slow, key=lambda one: one.leg.pace_us)
        yield _warns(
            f"The machine itself was slower than usual in {len(slow)} of {len(looked)} legs: a "
            f"fixed loop took up to {number(worst.leg.pace_us / usual_us)} times as long "
            f"({_named(worst)}).",
            slow,
        )


def _few(results: Results) -> Iterator[Said]:
    few = [label(one) for one in results.operations if len(results.basis(one).legs) < _ENOUGH]
    if few:
        yield _warns(
            f"Fewer than {_ENOUGH} rounds, so that the truth may lie outside the ranges: "
            f"{', '.join(few)}."
        )
