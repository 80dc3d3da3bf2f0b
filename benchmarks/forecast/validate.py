"""A held-back load run foretold by simulation, and how far off that was (DESIGN section 4).

The profile of another run says how long a request takes where nobody waits, and how long it keeps
each process busy, by rate. Of this run, only what was given to it is used: the schedule that was
drawn before it, the number of users, and its machine: the cores, which generator, merchants and
rails share, and what a loop of plain Python took then, for a virtual machine is not as fast at all
times. Everything else, waiting above all, has to come out of the model
(`scenarios.model.passage`). Errors are told as they are. A profile that this very run made is
refused: it would find itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.forecast.calibrate import origin
from benchmarks.forecast.passages import around, between, read, replay, rounds_of
from benchmarks.leg import Kind
from benchmarks.report.results import label
from benchmarks.report.tables import TABLES, VALIDATION, Table, number, spread_text, tells
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.forecast.passages import AtRate
    from benchmarks.report.results import Group, Results, Spread
    from scenarios.calibrate import Timing

TARGET: Final = 0.15
"""How far off a forecast may be and still be called right."""
SHARES: Final = (0.5, 0.7)
"""Of the knee, where the target holds: nearer to it, small errors become long queues."""
_TURNS: Final = 2
"""How often each schedule is played: in each, other requests are the slow ones."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and its forecast."""

    name: str
    measured: Spread
    foretold: float

    @property
    def error(self) -> float:
        """How far off the forecast is, as a share of what was measured."""
        return self.foretold / self.measured.median - 1 if self.measured.median else 0.0

    @property
    def holds(self) -> bool:
        """Whether it is within the target."""
        return abs(self.error) <= TARGET


@dataclass(frozen=True, slots=True)
class Forecast:
    """A load of the held-back run, foretold."""

    group: Group
    figures: Sequence[Figure]
    busiest: tuple[str, float]
    """The process that the model has the busiest, and its share of a core."""
    known_per_s: Sequence[float]
    """The nearest rates that the profile knows, below and above."""

    @property
    def counts(self) -> bool:
        """Whether the target is for this load."""
        share = self.group.first.share_of_knee
        return share is not None and any(abs(share - one) < 0.01 for one in SHARES)


def validate(profile: Mapping[str, Timing], results: Results) -> list[Forecast]:
    """Foretell every steady load of a run that the profile knows the operation of."""
    if any(origin(results) in timing.source for timing in profile.values()):
        raise BadInput(
            "The profile was made of this very run.", hint="Foretell another one: hold it back."
        )
    cores = results.about["environment"].get("cores")
    found = [
        _forecast(known, group, cores)
        for operation in results.operations
        if (known := read(profile, operation))
        for group in results.of(operation, Kind.STEADY)
    ]
    if not found:
        raise BadInput(
            "There is no steady load of the run that this profile can foretell.",
            hint="Make the run with `bench --ladder`, the profile with `calibrate`.",
        )
    return found


def table(forecasts: Sequence[Forecast]) -> Table:
    """All forecasts beside what was measured."""
    rows = [
        [
            label(one.group.operation),
            one.group.load,
            figure.name,
            spread_text(figure.measured),
            number(figure.foretold),
            f"{figure.error:+.0%}",
            ("yes" if figure.holds else "no") if one.counts else "no target",
            f"{one.busiest[0]} {one.busiest[1]:.0%}",
            " and ".join(f"{per_s:,.0f}/s" for per_s in one.known_per_s),
            ", ".join(str(leg.leg.number) for leg in one.group.legs),
        ]
        for one in forecasts
        for figure in one.figures
    ]
    head = ("operation", "load", "figure", "measured", "foretold", "error",
            f"within {TARGET:.0%}", "busiest by the model", "profile knows", "legs")  # fmt: skip
    return Table(VALIDATION, "Foretold by simulation", head, rows)


def keep(shown: Table, run: Path) -> Path:
    """Keep the table with the run, for its page and for whoever reads columns."""
    return shown.write(run / TABLES)


def _forecast(known: Sequence[AtRate], group: Group, cores: int | None) -> Forecast:
    # The rate that was offered and not the one that came of it, which is to be foretold.
    per_s = group.first.offered_per_s or known[0].per_s
    below, above, _ = around(known, per_s)
    runs = replay(between(known, per_s), rounds_of(group, cores), turns=_TURNS)
    # Both sides are medians over rounds of the same schedules: what a round alone has too few
    # requests for is compared all the same, where all rounds together have enough.
    told = [percent for percent in (50, 99) if tells(percent, group.requests)]
    figures = [
        Figure(f"p{percent}, ms", group.percentile_ms(percent),
               median(one.latency.quantile(percent / 100) for one in runs) * 1_000)
        for percent in told
    ]  # fmt: skip
    achieved = group.spread(lambda one: one.leg.achieved_per_s)
    figures.append(Figure("answered, /s", achieved, median(one.achieved_per_s for one in runs)))
    shares = {name: median(one.utilisation[name] for one in runs) for name in runs[0].utilisation}
    busiest = max(shares.items(), key=lambda one: one[1], default=("", 0.0))
    return Forecast(group, figures, busiest, list(dict.fromkeys((below.per_s, above.per_s))))
