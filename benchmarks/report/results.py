"""A run's folder, read: its legs, their histograms, medians over rounds with their range.

What is compared is a group: legs of one operation under one load, in so many rounds. A figure of a
group is the median over its rounds, and the lowest and highest of them (style 4.2); percentiles of
rounds are never averaged. Requests of all rounds are pooled only for a percentile that no round
alone can tell, and whoever shows it says so.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks import ladder
from benchmarks.ladder import MOST_BUSY, MOST_FAILED, SLO_P99_US, is_late
from benchmarks.leg import (
    HISTOGRAMS,
    LEG,
    RUN,
    SAMPLES,
    VERSION,
    Kind,
    Leg,
    Outcome,
    Phase,
    read_histograms,
    read_leg,
    read_samples,
)
from benchmarks.operations import OPERATIONS
from benchmarks.recorder import decode, histogram
from mock_rails.core.errors import BadInput
from scenarios.facts.lightning import BASE_UNITS_PER_SAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.leg import Sample

_ABOUT: Final = ("version", "id", "made_at", "command", "seed", "configuration", "environment")
"""What it says at least."""
FREE: Final = "free"
"""The operation that pays nothing: the floor of all the others."""
NONE: Final = "none"
"""Its rail."""
KEPT_UP: Final = 0.95
"""A rate is carried when this share of it was answered well."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds and how far they lay apart."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values), len(values))


@dataclass(frozen=True)
class Measured:
    """A leg and the folder that it was read from."""

    leg: Leg
    place: Path

    @cached_property
    def _histograms(self) -> dict[str, dict[str, Any]]:
        with _reading(self.place / HISTOGRAMS):
            return {
                phase: {outcome: decode(text) for outcome, text in outcomes.items()}
                for phase, outcomes in read_histograms(self.place).items()
            }

    def histogram(self, phase: Phase = Phase.TOTAL) -> Any:
        """All latencies of a phase: a failure took its time as well, and counts."""
        whole = histogram()
        for one in self._histograms.get(phase, {}).values():
            whole.add(one)
        return whole

    def percentile_us(self, percent: float, phase: Phase = Phase.TOTAL) -> int:
        """The time that so many in a hundred stayed within; 0 where nothing was recorded."""
        return int(self.histogram(phase).get_value_at_percentile(percent))

    def samples(self) -> Iterator[Sample]:
        """Its requests."""
        with _reading(self.place / SAMPLES):
            yield from read_samples(self.place)

    @cached_property
    def schedule_s(self) -> float:
        """How long its schedule was, by the last moment that it held: of n moments drawn at random
        the last is at n/(n+1) of it on average."""
        due = [one.due_us for one in self.samples()]
        return max(due) / 1e6 * (len(due) + 1) / len(due) if due else self.leg.duration_s

    @property
    def due_per_s(self) -> float:
        """How many its schedule held in a second: few are drawn, and may differ from what was
        meant by a third."""
        return self.requests / max(self.schedule_s, 1e-6)

    @property
    def kept_up(self) -> bool:
        """Whether what was due was answered well in time. A schedule is drawn at random: what
        counts is what it held, and not the rate that was meant."""
        return self.leg.achieved_per_s >= KEPT_UP * self.due_per_s

    @property
    def is_believed(self) -> bool:
        """Whether its generator had time left; if not, it tells nothing of a server."""
        return self.leg.generator_cpu <= MOST_BUSY

    @property
    def is_late(self) -> bool:
        """Whether its requests were sent so late that its latencies hold some of that: an upper
        bound (`benchmarks.ladder`)."""
        leg = self.leg
        return is_late(
            lag_p99_us=leg.lag_p99_us,
            latency_p99_us=self.percentile_us(99),
            lag_at_rest_us=leg.lag_at_rest_us,
        )

    @property
    def is_as_promised(self) -> bool:
        """Whether its requests were answered well, and in the time that was promised."""
        in_time = self.percentile_us(99) <= promise_us(self.leg.operation)
        return in_time and self.failed_share <= MOST_FAILED

    @property
    def holds(self) -> bool:
        """Whether such a load is carried: all of it and as promised, by a believed generator."""
        return self.kept_up and self.is_believed and self.is_as_promised

    @property
    def requests(self) -> int:
        """How many were sent, however they ended."""
        return sum(self.leg.counts.values())

    @property
    def failed_share(self) -> float:
        """How many of them were not answered well."""
        return 1 - self.leg.counts.get(Outcome.OK, 0) / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Group:
    """Legs of one operation under one load: the rounds of a comparison."""

    legs: tuple[Measured, ...]

    @property
    def first(self) -> Leg:
        """The first of them, which says what all of them are."""
        return self.legs[0].leg

    @property
    def operation(self) -> str:
        """Which operation it was."""
        return self.first.operation

    @property
    def marks(self) -> tuple[str, ...]:
        """What some of its rounds should not be believed in."""
        return marks(self.legs)

    @property
    def requests(self) -> int:
        """How many were sent in all rounds."""
        return sum(one.requests for one in self.legs)

    @property
    def least(self) -> int:
        """How many the smallest round had: no percentile finer than that can be told."""
        return min(one.requests for one in self.legs)

    def spread(self, value: Callable[[Measured], float]) -> Spread:
        """A figure of each round."""
        return Spread.of([value(one) for one in self.legs])

    @property
    def answered_per_s(self) -> Spread:
        """How many were answered well in a second."""
        return self.spread(lambda one: one.leg.achieved_per_s)

    def percentile_ms(self, percent: float, phase: Phase = Phase.TOTAL) -> Spread:
        """A percentile of each round, in milliseconds."""
        return self.spread(lambda one: one.percentile_us(percent, phase) / 1_000)

    def together_ms(self, percent: float, phase: Phase = Phase.TOTAL) -> float:
        """A percentile of the requests of all rounds, in milliseconds."""
        whole = histogram()
        for one in self.legs:
            whole.add(one.histogram(phase))
        return float(whole.get_value_at_percentile(percent)) / 1_000

    @property
    def load(self) -> str:
        """Under which load, in words."""
        leg = self.first
        if leg.offered_per_s is None:
            return f"{leg.users} users"
        rate = f"{leg.offered_per_s:,.4g}/s"
        return rate if leg.share_of_knee is None else f"{leg.share_of_knee:.0%} of knee, {rate}"


@dataclass(frozen=True)
class Results:
    """A run: what it was, and what came of it."""

    folder: Path
    about: Mapping[str, Any]
    legs: tuple[Measured, ...] = field(repr=False)

    @cached_property
    def operations(self) -> list[str]:
        """Those that were measured: paid ones first, by rail and intent, then the floor."""
        names = dict.fromkeys(one.leg.operation for one in self.measured)
        return sorted(names, key=order)

    @cached_property
    def measured(self) -> list[Measured]:
        """All but the warm-up."""
        return [one for one in self.legs if one.leg.kind is not Kind.WARM_UP]

    @cached_property
    def groups(self) -> list[Group]:
        """The legs, those of one operation under one load together, in the order of the run."""
        found: dict[tuple[Any, ...], list[Measured]] = {}
        for one in self.measured:
            leg = one.leg
            load = leg.share_of_knee or leg.offered_per_s
            found.setdefault((leg.operation, leg.kind, load, leg.users), []).append(one)
        return [Group(tuple(legs)) for legs in found.values()]

    def of(self, operation: str, *kinds: Kind) -> list[Group]:
        """An operation's groups, by what was offered; of some kinds, or of all."""
        chosen = [
            one
            for one in self.groups
            if one.operation == operation and (not kinds or one.first.kind in kinds)
        ]
        return sorted(chosen, key=lambda one: (one.first.offered_per_s or 0, one.first.users))

    def basis(self, operation: str) -> Group:
        """What an operation is judged by: the lightest steady load, or what there is instead.
        Marked or not: another load would compare unlike with unlike, and a mark can be read."""
        for kind in (Kind.STEADY, Kind.SINGLE, Kind.LADDER):
            if found := self.of(operation, kind):
                return found[0]
        raise BadInput(f"The run has no leg of {operation!r}.")

    def alike(self) -> list[Group]:
        """The steady groups of one rate that two operations or more had in common, in the order of
        the tables: what can be compared across rails. Of several such rates, that of most
        operations, and the lowest of those; none where each had a rate of its own."""
        rates: dict[float, list[Group]] = {}
        for operation in self.operations:
            for one in self.of(operation, Kind.STEADY):
                if one.first.offered_per_s and one.first.share_of_knee is None:
                    rates.setdefault(one.first.offered_per_s, []).append(one)
        most = max(rates, key=lambda per_s: (len(rates[per_s]), -per_s), default=None)
        return [] if most is None or len(rates[most]) < 2 else rates[most]

    def loaded(self, operation: str) -> Group | None:
        """Its steady group at the lowest share of its knee."""
        shares = [one for one in self.of(operation, Kind.STEADY) if one.first.share_of_knee]
        return min(shares, key=lambda one: one.first.share_of_knee or 0, default=None)

    def knee_per_s(self, operation: str) -> float | None:
        """The rate that steady legs are shares of, or else what the run says, or else the last rate
        of its ladder that was carried."""
        if (group := self.loaded(operation)) and group.first.offered_per_s:
            return group.first.offered_per_s / (group.first.share_of_knee or 1)
        if (told := self.about.get("knees", {}).get(operation)) is not None:
            return float(told["per_s"])
        carried = None
        for one in self.of(operation, Kind.LADDER):
            if not all(leg.holds for leg in one.legs):
                break
            carried = one.first.offered_per_s
        return carried

    @property
    def generators_knees(self) -> list[str]:
        """The operations whose ladder ended where the load generator did, and not the server."""
        knees = self.about.get("knees", {})
        return [one for one in self.operations if knees.get(one, {}).get("by_generator")]

    def best(self, operation: str) -> Group | None:
        """The load at which the most was answered, of those that were carried in each round."""
        held = [one for one in self.of(operation) if all(leg.holds for leg in one.legs)]
        return max(held, key=lambda one: one.answered_per_s.median, default=None)

    def best_per_s(self, operation: str) -> Spread:
        """How much that was, in a second; nothing where no load was carried."""
        found = self.best(operation)
        return Spread(0.0, 0.0, 0.0, 0) if found is None else found.answered_per_s

    def books(self, operation: str) -> list[Measured]:
        """The legs whose fees are told: the steady ones, if there are any. A fresh chain's base fee
        falls from block to block (facts: tempo 4.1), and only turns meet the same one."""
        paid = [one for one in self.measured if one.leg.operation == operation and one.leg.money]
        return [one for one in paid if one.leg.kind is Kind.STEADY] or paid

    def fee_units(self, operation: str) -> Fraction | None:
        """What the rail took for a request on average over the run, in millionths of a dollar;
        None where nobody counted."""
        paid = [one.leg.money for one in self.books(operation) if one.leg.money]
        delivered = sum(money.delivered for money in paid)
        if not delivered:
            return None
        fees = sum((base_units(one.currency, one.fee_units) for one in paid), Fraction(0))
        return fees / delivered * units(operation)


_RAILS: Final = ("tempo", "lightning", "stripe", NONE)
_INTENTS: Final = ("charge", "session", "stream", FREE)


def marks(legs: Sequence[Measured]) -> tuple[str, ...]:
    """What some legs should not be believed in; of several rounds, in how many and how far at most,
    so that no round's number stands for all."""
    late = [one.leg.lag_p99_us / 1_000 for one in legs if one.is_late]
    busy = [one.leg.generator_cpu for one in legs if not one.is_believed]
    cut = [mark for one in legs for mark in one.leg.marks if "stopped" in mark]
    if len(legs) == 1:
        (one,) = legs
        said = ladder.marks(
            busy=one.leg.generator_cpu,
            lag_p99_us=one.leg.lag_p99_us,
            latency_p99_us=one.percentile_us(99),
            lag_at_rest_us=one.leg.lag_at_rest_us,
        )
        return (*said, *cut)
    found = []
    if late:
        found.append(f"late in {len(late)} of {len(legs)} rounds, up to {max(late):.1f} ms")
    if busy:
        found.append(f"generator in {len(busy)} of {len(legs)} rounds, up to {max(busy):.0%}")
    if cut:
        found.append(f"stopped in {len(cut)} of {len(legs)} rounds")
    return tuple(found)


def promise_us(operation: str) -> int:
    """How long 99 of 100 requests may take: longer where one request is as much as many."""
    return SLO_P99_US * (OPERATIONS[operation].weight if operation in OPERATIONS else 1)


def rail(operation: str) -> str:
    """An operation's rail; that of an operation that this version does not know is `none`."""
    return OPERATIONS[operation].rail if operation in OPERATIONS else NONE


def intent(operation: str) -> str:
    """Its intent: `charge`, `session`, `stream` (a session that is paid token by token) or
    `free`."""
    return OPERATIONS[operation].intent if operation in OPERATIONS else FREE


def units(operation: str) -> int:
    """What one request delivers: itself, or so many tokens."""
    return OPERATIONS[operation].units if operation in OPERATIONS else 1


def order(operation: str) -> tuple[int, int, str]:
    """Where it stands in every table: by rail, then by intent, the floor last."""
    return _RAILS.index(rail(operation)), _INTENTS.index(intent(operation)), operation


def label(operation: str) -> str:
    """Its name for people."""
    name = operation.replace("-", " ")
    return name if units(operation) == 1 else f"{name} ({units(operation)} tokens)"


def base_units(currency: str, amount: int) -> Fraction:
    """An amount in millionths of a dollar; Lightning counts thousandths of a sat, at the sandbox's
    rate."""
    return Fraction(amount * BASE_UNITS_PER_SAT, 1_000) if currency == "sat" else Fraction(amount)


def load(folder: Path) -> Results:
    """Read a run's folder."""
    path = folder / RUN
    if not path.is_file():
        raise BadInput(
            f"{folder} is no run: it has no {RUN}.", hint="`mpp-sandbox bench` writes one."
        )
    with _reading(path):
        about = json.loads(path.read_text(encoding="utf-8"))
        if "version" in about and about["version"] != VERSION:
            raise ValueError(f"it is of version {about['version']!r}, and known is {VERSION}")
        if missing := [name for name in _ABOUT if name not in about]:
            raise ValueError(f"it does not say {', '.join(missing)}")
    legs = tuple(_leg(one.parent) for one in sorted(folder.glob(f"legs/*/{LEG}")))
    if not any(one.leg.kind is not Kind.WARM_UP and one.requests for one in legs):
        raise BadInput(f"{folder} has no leg with a request in it.")
    return Results(folder, about, legs)


def _leg(place: Path) -> Measured:
    with _reading(place / LEG):
        return Measured(read_leg(place), place)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever is wrong with a file is one clear line with its name."""
    try:
        yield
    except Exception as error:  # of json, gzip, HDR and ours: a broken file has many ways
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BadInput(f"{path} cannot be read: {why.rstrip('.')}.") from None
