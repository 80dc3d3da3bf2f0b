"""The first screen: which intent, which rail, from how many requests on, in sentences.

Each sentence is computed from the run, says how far its rounds lay apart, and names its legs. What
the run did not measure is said as well, for silence would be taken for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.leg import Kind
from benchmarks.report.fees import crossing, fees, pairs
from benchmarks.report.results import FREE, Spread, intent, label, marks, rail
from benchmarks.report.tables import dollars, number, spread_text, tells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.report.fees import Fees
    from benchmarks.report.results import Group, Measured, Results

_INTENT: Final = "Which intent"
_SPEED: Final = "How fast"
_RAIL: Final = "Which rail"
_FLOOR: Final = "What paying adds"
_DOUBT: Final = "Doubts"
_MANY: Final = 100
"""Requests of one payer, for who asks more than once."""
_ENOUGH: Final = 5
"""Rounds of a comparison, at least (style 4.2)."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, the question that it answers, and the numbers of the legs that it rests on."""

    about: str
    text: str
    legs: tuple[int, ...]
    warns: bool = False


def verdict(results: Results) -> list[Said]:
    """All sentences, the most important first."""
    return [
        *_which_intent(results),
        *_how_fast(results),
        *_which_rail(results),
        *_above_the_floor(results),
        *_doubts(results),
    ]


def ratio(slow: Group, fast: Group) -> Spread:
    """How many times as long one takes as the other in the median, round by round."""
    turns = zip(_by_round(slow), _by_round(fast), strict=False)
    return Spread.of([one.percentile_us(50) / max(other.percentile_us(50), 1)
                      for one, other in turns])  # fmt: skip


def _which_intent(results: Results) -> Iterator[Said]:
    """From how many requests on a session is cheaper, rail by rail."""
    for name, charge, session in pairs(results):
        legs = _numbers(results.books(charge.operation) + results.books(session.operation))
        each, whole = dollars(charge.each.mean), dollars(session.each.mean)
        found = crossing(charge, session)
        if found is None:
            yield Said(_INTENT, f"On {name}, charges cost no fee here: a session saves none.", legs)
            continue
        share = session.delivered / session.sessions
        yield Said(
            _INTENT,
            f"On {name}, a session costs less from {found} requests on: {whole} for all of it, "
            f"against {each} for each charge. One carried {number(share)} requests in this run.",
            legs,
        )
    if not pairs(results):
        yield Said(
            _INTENT,
            "This run does not say from how many requests on a session costs less: it takes the "
            "fees of a charge and of a session on one rail.",
            (),
            warns=True,
        )


def _how_fast(results: Results) -> Iterator[Said]:
    """Charge against session on each rail that has both: latency, then throughput."""
    for name in dict.fromkeys(rail(one) for one in results.operations):
        names = [f"{name}-charge", f"{name}-session"]
        if not set(names) <= set(results.operations):
            continue
        charge, session = (results.basis(one) for one in names)
        times, most = ratio(charge, session), [results.best_per_s(one) for one in names]
        yield Said(
            _SPEED,
            f"On {name}, a session's request takes {_ms(session)} in the median ({session.load}), "
            f"a charge's {_ms(charge)} ({charge.load}): {spread_text(times)} times as "
            f"long{_unsettled(times)}. "
            f"At most {spread_text(most[1])} in a second were answered well by session, "
            f"{spread_text(most[0])} by charge.",
            _numbers((*charge.legs, *session.legs)),
        )


def _unsettled(times: Spread) -> str:
    """A word of warning where some rounds say one thing and some the other."""
    return ", but the rounds disagree on which is faster" if times.low < 1 < times.high else ""


def _which_rail(results: Results) -> Iterator[Said]:
    """The rails by fee and by latency, for one request and for many."""
    charges = [one for one in results.operations if intent(one) == "charge"]
    priced = [found for one in charges if (found := fees(results, one)) is not None]
    if len(priced) > 1:
        ranked = sorted(priced, key=lambda one: one.each.mean)
        yield Said(
            _RAIL,
            "For a single request, by fee: " + ", ".join(map(_fee, ranked)) + ".",
            _numbers(leg for one in ranked for leg in results.books(one.operation)),
        )
    counted = [found for one in results.operations if (found := fees(results, one)) is not None]
    if len(counted) > len(priced):
        ranked = sorted(counted, key=lambda one: one.after(_MANY))
        each = ", ".join(f"{label(one.operation)} {dollars(one.after(_MANY))}" for one in ranked)
        yield Said(
            _RAIL,
            f"For {_MANY} requests of one payer, by fee: {each}.",
            _numbers(leg for one in ranked for leg in results.books(one.operation)),
        )
    groups = sorted(_told(results), key=lambda one: one.percentile_ms(50).median)
    if len({rail(one.operation) for one in groups}) > 1:
        yield Said(
            _RAIL,
            "By median latency, each at its own light load: "
            + ", ".join(f"{label(one.operation)} {_ms(one)}" for one in groups)
            + ".",
            _numbers(leg for one in groups for leg in one.legs),
        )


def _above_the_floor(results: Results) -> Iterator[Said]:
    """What paying adds to a request that is free."""
    paid = _told(results)
    if FREE not in results.operations or not paid:
        return
    floor = results.basis(FREE)
    added = [f"{label(one.operation)} {_added(floor, one)}" for one in paid]
    text = f"A free request takes {_ms(floor)}; to that, each at its own load, {', '.join(added)}."
    yield Said(_FLOOR, text, _numbers(leg for one in (floor, *paid) for leg in one.legs))


def _told(results: Results) -> list[Group]:
    """What is paid for, where there are requests enough to tell a median."""
    groups = (results.basis(one) for one in results.operations if one != FREE)
    return [one for one in groups if tells(50, one.requests)]


def _added(floor: Group, paid: Group) -> str:
    """What one takes longer; nothing where the rounds of the two overlap."""
    below, above = floor.percentile_ms(50), paid.percentile_ms(50)
    if above.low <= below.high:
        return "adds nothing that this run can tell"
    return f"adds {number(above.median - below.median)} ms"


def _doubts(results: Results) -> Iterator[Said]:
    """What should not be believed, and what failed."""
    marked = [one for one in results.legs if one.leg.marks]
    if marked:
        why = marks(marked)
        count = f"{len(marked)} of {len(results.legs)}"
        yield Said(
            _DOUBT,
            f"Marked, not to be believed: {count} legs (such as: {'; '.join(why)}). "
            "Latencies count from when a request was due, so that what a generator is late with "
            "makes them longer than they are and never shorter.",
            _numbers(marked),
            warns=True,
        )
    judged = [leg for one in results.operations for leg in results.basis(one).legs]
    failed = [one for one in judged if one.failed_share]
    if failed:
        worst = max(one.failed_share for one in failed)
        yield Said(
            _DOUBT,
            f"Requests failed in {len(failed)} of the {len(judged)} legs that are compared, at "
            f"worst {worst:.1%} of a leg; their time counts all the same.",
            _numbers(failed),
            warns=True,
        )
    if spent := results.generators_knees:
        yield Said(
            _DOUBT,
            "It was the load generator that could do no more, so that the server's own knee is "
            f"higher: {', '.join(map(label, spent))}.",
            _numbers(leg for one in spent for group in results.of(one, Kind.LADDER)
                     for leg in group.legs),
            warns=True,
        )  # fmt: skip
    few = [label(one) for one in results.operations if len(results.basis(one).legs) < _ENOUGH]
    if few:
        text = f"Fewer than {_ENOUGH} rounds, so that the truth may lie outside the ranges: "
        yield Said(_DOUBT, f"{text}{', '.join(few)}.", (), warns=True)


def _ms(group: Group) -> str:
    return f"{spread_text(group.percentile_ms(50))} ms"


def _fee(one: Fees) -> str:
    return f"{label(one.operation)} {dollars(one.each.mean)}"


def _by_round(group: Group) -> list[Measured]:
    return sorted(group.legs, key=lambda one: one.leg.round)


def _numbers(legs: Iterable[Measured]) -> tuple[int, ...]:
    return tuple(sorted({one.leg.number for one in legs}))
