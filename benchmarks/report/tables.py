"""A run's tables: the numbers of the report, one row for each operation, load or leg.

The page shows them and CSV files keep them; nothing on the page is computed anywhere else.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any, Final

from benchmarks.leg import Phase
from benchmarks.report.results import intent, label, rail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.report.results import Group, Measured, Results, Spread

TABLES: Final = "tables"
"""The folder of all tables, below the run's."""
VALIDATION: Final = "validation"
"""The table that `validate` leaves there: it is read, not made, by whoever shows the others."""
PERCENTILES: Final = (50, 90, 99, 99.9)
HEADLINE: Final = (50, 95, 99)
BEYOND: Final = 10
"""A percentile is told when so many requests of each round lie beyond it (style 4.2)."""


@dataclass(frozen=True, slots=True)
class Table:
    """A name for the file, a title, a head and rows of ready text."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def write(self, folder: Path) -> Path:
        """Keep it as CSV."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.head)
            writer.writerows(self.rows)
        return path


def tells(percent: float, requests: int) -> bool:
    """Whether so many requests can tell a percentile."""
    return round(requests * (100 - percent) / 100, 6) >= BEYOND


def spread_text(found: Spread, digits: int = 3) -> str:
    """A median with the range of its rounds."""
    middle, low, high = (number(one, digits) for one in (found.median, found.low, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def number(value: float, digits: int = 3) -> str:
    """So many digits that say something, and never an exponent."""
    if value == 0:
        return "0"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{value:,.{places}f}"


def dollars(units: Any) -> str:
    """An amount of millionths of a dollar."""
    return f"${number(float(units) / 1_000_000)}"


def comparison(results: Results) -> Table:
    """The first screen's table: what each operation is judged by."""
    rows = []
    for operation in results.operations:
        group = results.basis(operation)
        knee, fee = results.knee_per_s(operation), results.fee_units(operation)
        rows.append(
            [
                rail(operation),
                intent(operation),
                label(operation),
                group.load,
                *(_percentile(group, percent) for percent in HEADLINE),
                spread_text(results.best_per_s(operation)),
                "" if knee is None else number(knee),
                "" if fee is None else dollars(fee),
                f"{len(group.legs)}",
                f"{group.requests:,}",
                "; ".join(group.marks),
            ]
        )
    head = ("rail", "intent", "operation", "load", "median, ms", "p95, ms", "p99, ms",
            "most answered, /s", "knee, /s", "fee per request", "rounds", "requests",
            "marks")  # fmt: skip
    return Table("comparison", "Every operation", head, rows)


def percentiles(results: Results) -> Table:
    """Latency from the moment when a request was due, at every load."""
    rows = []
    for operation in results.operations:
        for group in results.of(operation):
            failed = group.spread(lambda one: one.failed_share * 100)
            rows.append(
                [
                    label(operation),
                    group.first.kind.value,
                    group.load,
                    *(_percentile(group, percent) for percent in PERCENTILES),
                    spread_text(group.spread(lambda one: one.leg.achieved_per_s)),
                    spread_text(failed),
                    f"{group.least:,}",
                    ", ".join(str(one.leg.number) for one in group.legs),
                    "; ".join(group.marks),
                ]
            )
    head = ("operation", "kind", "load", *(f"p{percent:g}, ms" for percent in PERCENTILES),
            "answered, /s", "failed, %", "requests, least", "legs", "marks")  # fmt: skip
    return Table("latency", "Latency at every load", head, rows)


def phases(results: Results) -> Table:
    """What a request's time is made of, phase by phase."""
    rows = []
    for operation in results.operations:
        group = results.basis(operation)
        for phase in Phase:
            recorded = [one for one in group.legs if one.histogram(phase).total_count]
            if recorded:
                shown = [group.percentile_ms(percent, phase) for percent in (50, 99)]
                rows.append([label(operation), phase.value, *map(spread_text, shown)])
    head = ("operation", "phase", "median, ms", "p99, ms")
    return Table("phases", "Phases", head, rows)


def money(results: Results) -> Table:
    """What was paid and what the rail took, by the rail's own books."""
    rows = []
    for operation in results.operations:
        books = results.books(operation)
        if not books:
            continue
        paid = [one.leg.money for one in books if one.leg.money]
        fee = results.fee_units(operation)
        kinds = sorted({str(one.get("kind", "")) for each in paid for one in each.transactions})
        rows.append(
            [
                label(operation),
                paid[0].currency,
                f"{sum(one.delivered for one in paid):,}",
                f"{sum(one.paid_units for one in paid):,}",
                f"{sum(one.fee_units for one in paid):,}",
                "" if fee is None else dollars(fee),
                f"{sum(len(one.transactions) for one in paid):,}",
                ", ".join(kinds),
                ", ".join(str(one.leg.number) for one in books),
            ]
        )
    head = ("operation", "currency", "delivered", "paid, units", "fees, units", "fee per request",
            "payments on the rail", "kinds", "legs")  # fmt: skip
    return Table("money", "Money", head, rows)


def machine(results: Results) -> Table:
    """Processor and memory of each process, under what each operation is judged by."""
    rows = []
    for operation in results.operations:
        group = results.basis(operation)
        generator = group.spread(lambda one: one.leg.generator_cpu * 100)
        rows.append([label(operation), group.load, "load generator", spread_text(generator), ""])
        for part in group.first.server_cpu:
            busy = group.spread(lambda one, part=part: one.leg.server_cpu.get(part, 0) * 100)  # type: ignore[misc]
            held = group.spread(lambda one, part=part: memory_mb(one, part))  # type: ignore[misc]
            rows.append([label(operation), group.load, part, spread_text(busy), spread_text(held)])
    head = ("operation", "load", "process", "busy, % of a core", "memory, MB")
    return Table("machine", "Processor and memory", head, rows)


def memory_mb(one: Measured, part: str) -> float:
    """What a process held at the end of a leg, in millions of bytes."""
    return one.leg.server_memory_bytes.get(part, 0) / 1_000_000


def every_leg(results: Results) -> Table:
    """Each leg as it was run: what every other number comes from."""
    rows = []
    for one in results.legs:
        leg = one.leg
        offered = f"{leg.users} users" if leg.offered_per_s is None else number(leg.offered_per_s)
        counts = ", ".join(f"{count:,} {name}" for name, count in leg.counts.items() if count)
        rows.append(
            [
                str(leg.number),
                label(leg.operation),
                leg.kind.value + (f", round {leg.round}" if leg.round else ""),
                offered,
                number(leg.achieved_per_s),
                counts,
                number(one.percentile_us(50) / 1_000),
                number(leg.lag_p99_us / 1_000),
                number(leg.duration_s),
                "; ".join(leg.marks),
                one.place.relative_to(results.folder).as_posix(),
            ]
        )
    head = ("leg", "operation", "kind", "offered, /s", "answered, /s", "requests", "median, ms",
            "lag p99, ms", "seconds", "marks", "folder")  # fmt: skip
    return Table("legs", "Legs", head, rows)


def tables(results: Results) -> list[Table]:
    """All of them, in the order of the page."""
    made = [make(results) for make in (comparison, percentiles, phases, money, machine)]
    return [*made, *_kept(results), every_leg(results)]


def _kept(results: Results) -> list[Table]:
    """The forecast of this run by simulation, if somebody has made one."""
    path = results.folder / TABLES / f"{VALIDATION}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return [Table(VALIDATION, "Foretold by simulation", head, rows)]


def _percentile(group: Group, percent: float) -> str:
    if not tells(percent, group.least):
        return "too few"
    return spread_text(group.percentile_ms(percent))
