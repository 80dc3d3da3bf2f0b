"""How a study is run: replications until the answer is narrow enough, and plain records of it.

A study is data and one function: `replicate(parameters, streams)` gives rows, each with the values
that name a configuration (the study's `keys`) and figures. Whether to stop is decided on the rows
in the order of the replications, so the number of processes changes nothing: the same seed and
parameters give the same bytes (style 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput, nearest
from scenarios.processes import Workers, opened
from scenarios.statistics import Interval, bootstrap_interval, paired, t_interval
from scenarios.streams import Streams

if TYPE_CHECKING:
    from scenarios.figures.lines import Drawn
    from scenarios.parameters import Parameters

Row = dict[str, Any]
Replicate = Callable[[Any, Streams], list[Row]]

STUDIES: Final = (
    "block_time",
    "break_even",
    "card_retries",
    "charge_vs_session",
    "deposit_size",
    "fee_spike",
    "fleet",
    "lightning_liquidity",
    "limits",
    "outage",
    "registry_sessions",
    "settlement",
    "voucher_check",
    "voucher_step",
    "x402",
)
"""The modules of `scenarios/studies`, each with a `STUDY`."""


@dataclass(frozen=True, slots=True)
class Study:
    """One question, how it is answered, and how far the answer can be trusted."""

    name: str
    question: str
    assumptions: tuple[str, ...]
    trust: str
    parameters: type[Parameters]
    replicate: Replicate
    keys: tuple[str, ...]
    """The columns that name a configuration."""
    watched: str
    """The figure whose interval decides when there are enough replications."""
    findings: Callable[[Result], list[str]]
    """The answer in sentences."""
    figures: Callable[[Result], Mapping[str, Drawn]]
    """By file name: the figure and the numbers that it shows."""


@dataclass(frozen=True, slots=True)
class Method:
    """How many replications: a number, or as many as the relative half-width takes.

    An interval that is looked at after every replication is now and then narrow by chance, and to
    stop at once would keep just those: it must be narrow several times on end (Hoad 2010 looks
    ahead for the same reason).
    """

    seed: int = 1
    replications: int | None = None
    least: int = 5
    most: int = 50
    half_width: float = 0.05
    on_end: int = 3
    """How often the interval must have been narrow before it is believed."""
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is no method."""
        if self.replications is not None and self.replications < 1:
            raise BadInput("There must be at least one replication.")
        if self.seed < 0:
            raise BadInput("A seed is a whole number, not below 0.")


@dataclass(frozen=True)
class Result:
    """What was run, and every row of it."""

    study: Study
    parameters: Any
    method: Method
    rows: list[Row] = field(repr=False)

    @cached_property
    def configurations(self) -> list[tuple[Any, ...]]:
        """The values of the study's keys, in the order of the first replication."""
        return list(dict.fromkeys(tuple(row[key] for key in self.study.keys) for row in self.rows))

    @cached_property
    def _grouped(self) -> dict[tuple[Any, ...], list[Row]]:
        groups: dict[tuple[Any, ...], list[Row]] = {one: [] for one in self.configurations}
        for row in self.rows:
            groups[tuple(row[key] for key in self.study.keys)].append(row)
        return groups

    @property
    def replications(self) -> int:
        """How many were kept."""
        return len({row["replication"] for row in self.rows})

    @property
    def metrics(self) -> list[str]:
        """The columns that are figures: one number each."""
        others = {*self.study.keys, "replication"}
        return [
            one
            for one, value in self.rows[0].items()
            if one not in others and not isinstance(value, list)
        ]

    def values(self, metric: str, *configuration: Any) -> list[float]:
        """A figure of one configuration, replication by replication."""
        if metric not in self.rows[0]:
            raise BadInput(f"There is no figure {metric!r}.", hint=nearest(metric, self.metrics))
        return [row[metric] for row in self._grouped[configuration]]

    def interval(self, metric: str, *configuration: Any) -> Interval:
        """Its mean; percentiles, whose distribution is skew, get a bootstrap interval."""
        make = bootstrap_interval if "_p9" in metric or "_p5" in metric else t_interval
        return make(self.values(metric, *configuration), self.method.confidence)

    def curve(self, name: str, *configuration: Any) -> list[Interval]:
        """A column that is a list, such as a quantile for each of some shares: place by place."""
        curves = [row[name] for row in self._grouped[configuration]]
        return [
            bootstrap_interval(one, self.method.confidence) for one in zip(*curves, strict=True)
        ]

    def difference(self, metric: str, first: Sequence[Any], second: Sequence[Any]) -> Interval:
        """Second minus first, paired by replication: their random draws are the same."""
        values = (self.values(metric, *first), self.values(metric, *second))
        return paired(*values, self.method.confidence)

    def summary(self) -> list[Row]:
        """One row for each configuration: every figure with its interval."""
        return [
            {
                **dict(zip(self.study.keys, one, strict=True)),
                **{
                    metric: {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
                    for metric in self.metrics
                    for found in (self.interval(metric, *one),)
                },
            }
            for one in self.configurations
        ]


def find(name: str) -> Study:
    """A study by its name, `charge-vs-session` or `charge_vs_session`."""
    module = name.replace("-", "_")
    if module not in STUDIES:
        shown = [one.replace("_", "-") for one in STUDIES]
        raise BadInput(f"There is no study {name!r}.", hint=nearest(name, shown))
    study: Study = import_module(f"scenarios.studies.{module}").STUDY
    return study


def run(
    study: Study,
    parameters: Parameters,
    method: Method,
    workers: Workers = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Result:
    """Replicate until the method is content; `progress` hears how many are done."""
    rows: list[Row] = []
    narrow = 0
    most = method.replications or method.most
    tasks = ((study.name, parameters, method.seed, number) for number in range(most))
    needed = min(workers, most) if isinstance(workers, int) else workers
    with opened(needed) as pool, closing(pool.in_order(replication, tasks)) as results:
        for done, found in enumerate(results, start=1):
            rows += found
            progress(done)
            if method.replications is None:
                narrow = narrow + 1 if _narrow(study, parameters, method, rows, done) else 0
                if narrow >= method.on_end:
                    break
    return Result(study, parameters, method, rows)


def replication(task: tuple[str, Parameters, int, int]) -> list[Row]:
    """One replication by its number, in whichever process."""
    name, parameters, seed, number = task
    found = find(name).replicate(parameters, Streams(seed, number))
    return [{"replication": number, **row} for row in found]


def _narrow(
    study: Study, parameters: Parameters, method: Method, rows: list[Row], done: int
) -> bool:
    if done < method.least:
        return False
    result = Result(study, parameters, method, rows)
    return all(
        result.interval(study.watched, *one).relative_half_width <= method.half_width
        for one in result.configurations
    )
