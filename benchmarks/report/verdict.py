"""The first screen in sentences: which intent, which rail, from how many requests on.

Each sentence is computed from the run, says how far its rounds lay apart, and names its legs. What
the run did not measure is said as well, for silence would be taken for an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.leg import Phase
from benchmarks.report.answer import common, has_session, rails, short
from benchmarks.report.doubts import doubts
from benchmarks.report.fees import crossing, fees, pairs
from benchmarks.report.results import FREE, Spread, intent, label, promise_us, rail
from benchmarks.report.said import Said, numbers
from benchmarks.report.tables import dollars, kept, number, spread_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report.fees import Fees
    from benchmarks.report.results import Group, Measured, Results

_INTENT: Final = "Which intent"
_SPEED: Final = "How fast"
_RAIL: Final = "Which rail"
_FLOOR: Final = "What paying adds"
_CHECKED: Final = "Simulated"
_MANY: Final = 100
"""Requests of one payer, for who asks more than once."""


def verdict(results: Results) -> list[Said]:
    """All sentences, the most important first."""
    return [
        *short(results),
        *_which_intent(results),
        *_how_fast(results),
        *_which_rail(results),
        *_above_the_floor(results),
        *_simulated(results),
        *doubts(results),
    ]


def ratio(slow: Group, fast: Group, phase: Phase = Phase.TOTAL) -> Spread:
    """How many times as long one takes as the other in the median, round by round."""
    turns = zip(_by_round(slow), _by_round(fast), strict=False)
    return Spread.of([one.percentile_us(50, phase) / max(other.percentile_us(50, phase), 1)
                      for one, other in turns])  # fmt: skip


def _which_intent(results: Results) -> Iterator[Said]:
    """From how many requests on a session is cheaper, rail by rail."""
    for name, charge, session in pairs(results):
        legs = numbers(results.books(charge.operation) + results.books(session.operation))
        yield Said(_INTENT, _cheaper(name, charge, session), legs)
    if not pairs(results):
        yield Said(
            _INTENT,
            "This run does not say from how many requests on a session costs less: it takes the "
            "fees of a charge and of a session on one rail.",
            warns=True,
        )
    for name in rails(results):
        if not has_session(name):
            yield Said(_INTENT, f"{name.capitalize()} has charges only.")


def _cheaper(name: str, charge: Fees, session: Fees) -> str:
    """From where on, by what, and how far that was measured."""
    found = crossing(charge, session)
    if found is None:
        return f"On {name}, charges cost no fee here: a session saves none."
    dearest = (
        f" The dearest session of the run, {dollars(session.dearest)}, costs less from "
        f"{found.dearest:,} on."
    )
    unlike = " What the same thing costs is not compared, for the prices differ."
    return (
        f"On {name}, a session costs less from {found.requests:,} requests on: "
        f"{dollars(session.each)} in fees for all of it, at {dollars(session.price)} a request, "
        f"against {dollars(charge.each)} for each charge, at {dollars(charge.price)}."
        + (dearest if found.dearest != found.requests else "")
        + f" A session carried up to {session.carried:,} requests in this run."
        + (unlike if charge.price != session.price else "")
    )


def _how_fast(results: Results) -> Iterator[Said]:
    """Charge against session on each rail that has both: latency, then throughput."""
    for name in rails(results):
        names = (f"{name}-charge", f"{name}-session")
        if not set(names) <= set(results.operations):
            continue
        charge, session = (results.basis(one) for one in names)
        best = [found for one in names if (found := results.best(one))]
        yield Said(
            _SPEED,
            f"On {name}, a charge takes {_times(ratio(charge, session))} as long as a session's "
            f"request, round by round{_since_sent(charge, session)}: in the median "
            f"{_beside(charge, session)}. {_most(results, *names)}",
            numbers(leg for one in (charge, session, *best) for leg in one.legs),
        )


def _times(found: Spread) -> str:
    """A ratio with the range of its rounds, and a warning where they disagree."""
    middle, low, high = (number(one) for one in (found.median, found.low, found.high))
    if low == high:
        return f"{middle} times"
    unsettled = "; they disagree on which is faster" if found.low < 1 < found.high else ""
    return f"{middle} times ({low} to {high}{unsettled})"


def _beside(charge: Group, session: Group) -> str:
    """Both medians, with the load or the loads that they are of."""
    if charge.load == session.load:
        return f"{_ms(charge)} against {_ms(session)}, both at {charge.load}"
    return f"{_ms(charge)} at {charge.load}, against {_ms(session)} at {session.load}"


def _since_sent(charge: Group, session: Group) -> str:
    """The ratio without what the generator was late by, where it was."""
    if not any(one.is_late for one in (*charge.legs, *session.legs)):
        return ""
    return f" (counted from when it was sent, {_times(ratio(charge, session, Phase.SERVICE))})"


def _most(results: Results, charge: str, session: str) -> str:
    """How much was answered at most where the promise was kept, both by the same promise."""
    told = [
        f"{spread_text(best.answered_per_s)} by {intent(one)}"
        + (" in a single leg" if len(best.legs) == 1 else "")
        for one in (session, charge)
        if (best := results.best(one))
    ]
    promise = f"with 99 of 100 within {promise_us(charge) // 1_000} ms"
    if not told:
        return f"No load that was tried was answered {promise}."
    return f"The most that was answered in a second {promise}: {', '.join(told)}."


def _which_rail(results: Results) -> Iterator[Said]:
    """The rails by fee, for one request and for many, and by latency at one load for all."""
    counted = [found for one in results.operations if (found := fees(results, one)) is not None]
    if len({rail(one.operation) for one in counted}) > 1:
        single, many = (min(counted, key=lambda one: one.after(count)) for count in (1, _MANY))
        cards = any(rail(one.operation) == "stripe" for one in counted)
        yield Said(
            _RAIL,
            f"In fees, a single request costs the least by {_at(single, 1)}; {_MANY} of one payer "
            f"by {_at(many, _MANY)}{_assumed(many)}."
            + (" A card's fee grows with its price." if cards else ""),
            numbers(leg for one in counted for leg in results.books(one.operation)),
        )
    paid = sorted(
        (one for one in common(results) if one.operation != FREE),
        key=lambda one: one.percentile_ms(50).median,
    )
    if len({rail(one.operation) for one in paid}) > 1:
        yield Said(
            _RAIL,
            f"By median latency, all at {paid[0].load} (“or” where the rounds overlap, so that the "
            f"two cannot be told apart): {_ranked(paid)}.",
            numbers(leg for one in paid for leg in one.legs),
        )


def _at(one: Fees, requests: int) -> str:
    return f"{label(one.operation)}, {dollars(one.after(requests))} at {dollars(one.price)} each"


def _assumed(one: Fees) -> str:
    """That no session carried so many, where none did."""
    if not one.sessions or one.carried >= _MANY:
        return ""
    return f", if a deposit lasts: one carried up to {one.carried:,} here"


def _ranked(groups: list[Group]) -> str:
    """Groups by their medians; those that cannot be told apart are joined by "or"."""
    text = ""
    for at, one in enumerate(groups):
        if at:
            before = groups[at - 1].percentile_ms(50)
            text += " or " if one.percentile_ms(50).low <= before.high else ", "
        text += f"{label(one.operation)} {_ms(one)}"
    return text


def _above_the_floor(results: Results) -> Iterator[Said]:
    """What paying adds to a request that is free, all at one load."""
    alike = common(results)
    free = [one for one in alike if one.operation == FREE]
    if not free:
        return
    (floor,), paid = free, [one for one in alike if one.operation != FREE]
    added = ", ".join(f"{label(one.operation)} {_added(floor, one)}" for one in paid)
    text = f"At {floor.load}, a free request takes {_ms(floor)}; to that, {added}."
    yield Said(_FLOOR, text, numbers(leg for one in alike for leg in one.legs))


def _added(floor: Group, paid: Group) -> str:
    """What one takes longer; nothing where the rounds of the two overlap."""
    below, above = floor.percentile_ms(50), paid.percentile_ms(50)
    if above.low <= below.high:
        return "adds nothing that this run can tell"
    return f"adds {number(above.median - below.median)} ms"


def _simulated(results: Results) -> Iterator[Said]:
    """Whether the simulator was held against this run, and how well it did."""
    told = [dict(zip(one.head, one.text()[at], strict=True))
            for one in kept(results) for at in range(len(one.rows))]  # fmt: skip
    if not told:
        yield Said(
            _CHECKED,
            "No simulation was held against this run. `mpp-sandbox calibrate` makes a profile of "
            "another run, and `mpp-sandbox validate PROFILE RUN` foretells this one by it.",
        )
        return
    (within,) = (name for name in told[0] if name.startswith("within"))
    counted = [one for one in told if one[within] in ("yes", "no")]
    held = sum(one[within] == "yes" for one in counted)
    legs = {int(leg) for one in counted for leg in one["legs"].split(", ")}
    yield Said(
        _CHECKED,
        f"{held} of {len(counted)} figures that a simulation foretold are {within}.",
        tuple(sorted(legs)),
    )


def _ms(group: Group) -> str:
    return f"{spread_text(group.percentile_ms(50))} ms"


def _by_round(group: Group) -> list[Measured]:
    return sorted(group.legs, key=lambda one: one.leg.round)
