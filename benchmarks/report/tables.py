"""A run's tables: the numbers of the report, one row for each operation, load or leg.

The page shows them and CSV files keep them; nothing on the page is computed anywhere else. The page
shows three digits and a range in brackets; the files hold bare numbers, six digits of them, and a
range as two columns more.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.leg import GENERATOR, Outcome, Phase
from benchmarks.report.fees import fees
from benchmarks.report.results import Group, Spread, intent, label, rail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.report.results import Measured, Results

TABLES: Final = "tables"
"""The folder of all tables, below the run's."""
VALIDATION: Final = "validation"
"""The table that `validate` leaves there: it is read, not made, by whoever shows the others."""
PERCENTILES: Final = (50, 90, 99, 99.9)
HEADLINE: Final = (50, 95, 99)
_PHASES: Final = tuple(one for one in Phase if one is not Phase.OPENING)
"""Of the requests that were measured: the first of a customer is not one of them."""
BEYOND: Final = 10
"""A percentile is told when so many requests of each round lie beyond it (style 4.2)."""
COUNTS: Final = (1, 10, 100)
"""Requests of one payer that the fees are told for."""

TOO_FEW: Final = "too few"
_FILE_DIGITS: Final = 6
_PAGE_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Together:
    """A percentile of the requests of all rounds, where each round alone has too few to tell it."""

    value: float


Cell = str | int | float | Spread | Together


@dataclass(frozen=True, slots=True)
class Table:
    """A name for the file, a title, a head and rows."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def text(self) -> list[list[str]]:
        """The rows for people."""
        return [[_shown(cell) for cell in row] for row in self.rows]

    def write(self, folder: Path) -> Path:
        """Keep it as CSV."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.csv"
        ranged = [any(isinstance(row[at], Spread) for row in self.rows)
                  for at in range(len(self.head))]  # fmt: skip
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            names = ([name, f"{name}, lowest", f"{name}, highest"] if wide else [name]
                     for name, wide in zip(self.head, ranged, strict=True))  # fmt: skip
            writer.writerow([one for group in names for one in group])
            for row in self.rows:
                cells = (_kept_as(cell)[: 3 if wide else 1]
                         for cell, wide in zip(row, ranged, strict=True))  # fmt: skip
                writer.writerow([one for group in cells for one in group])
        return path


def _shown(cell: Cell) -> str:
    """A cell on the page."""
    match cell:
        case str():
            return cell
        case Spread():
            return spread_text(cell)
        case Together():
            return f"{number(cell.value)} (all rounds)"
        case int():
            return f"{cell:,}"
        case float():
            return number(cell)


def _kept_as(cell: Cell) -> tuple[str, str, str]:
    """A cell in a file, and the ends of its range where it has one."""
    match cell:
        case str():
            return "" if cell == TOO_FEW else cell, "", ""
        case Spread():
            return _bare(cell.median), _bare(cell.low), _bare(cell.high)
        case Together():
            return _bare(cell.value), "", ""
        case int():
            return str(cell), "", ""
        case float():
            return _bare(cell), "", ""


def _bare(value: float) -> str:
    return number(value, _FILE_DIGITS).replace(",", "")


def tells(percent: float, requests: int) -> bool:
    """Whether so many requests can tell a percentile."""
    return round(requests * (100 - percent) / 100, 6) >= BEYOND


def spread_text(found: Spread) -> str:
    """A median with the range of its rounds."""
    middle, low, high = (number(one) for one in (found.median, found.low, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def number(value: float, digits: int = _PAGE_DIGITS) -> str:
    """So many digits, rounded to them, and never an exponent."""
    if value == 0:
        return "0"
    rounded = f"{value:.{digits - 1}e}"
    places = max(0, digits - 1 - int(rounded.partition("e")[2]))
    return f"{float(rounded):,.{places}f}"


def dollars(units: Any) -> str:
    """An amount of millionths of a dollar."""
    return f"${number(float(units) / 1_000_000)}"


def comparison(results: Results) -> Table:
    """The first screen's table: what each operation is judged by."""
    rows = []
    for operation in results.operations:
        group = results.basis(operation)
        best, knee = results.best_per_s(operation), results.knee_per_s(operation)
        broken = results.about.get("knees", {}).get(operation, {}).get("broken_per_s")
        rows.append(
            [
                rail(operation),
                intent(operation),
                label(operation),
                group.load,
                *(_percentile(group, percent) for percent in HEADLINE),
                _first_request(group),
                best if best.n else "",
                "" if knee is None else float(knee),
                "" if broken is None else float(broken),
                GENERATOR if operation in results.generators_knees else "",
                *_fees(results, operation),
                len(group.legs),
                group.requests,
                _numbers(group.legs),
                "; ".join(group.marks),
            ]
        )
    head = ("rail", "intent", "operation", "load", "median, ms", "p95, ms", "p99, ms",
            "first request, ms", "most answered, /s", "knee, /s", "not held, /s", "knee of",
            "price, $", *(f"fees for {count}, $" for count in COUNTS), "rounds", "requests", "legs",
            "marks")  # fmt: skip
    return Table("comparison", "Every operation", head, rows)


def _first_request(group: Group) -> Cell:
    """What a customer's first one takes, by which a session is opened."""
    was_timed = any(one.histogram(Phase.OPENING).total_count for one in group.legs)
    return _percentile(group, 50, Phase.OPENING) if was_timed else ""


def _fees(results: Results, operation: str) -> list[Cell]:
    """What a request is paid, and what the rail takes from one payer of several requests."""
    found = fees(results, operation)
    if found is None:
        return [""] * (1 + len(COUNTS))
    return [float(one) / 1_000_000 for one in (found.price, *map(found.after, COUNTS))]


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
                    ""
                    if group.first.offered_per_s is None
                    else group.spread(lambda one: one.due_per_s),
                    group.spread(lambda one: one.leg.achieved_per_s),
                    *(_percentile(group, percent) for percent in PERCENTILES),
                    failed,
                    group.least,
                    _numbers(group.legs),
                    "; ".join(group.marks),
                ]
            )
    head = ("operation", "kind", "load", "due, /s", "answered, /s",
            *(f"p{percent:g}, ms" for percent in PERCENTILES), "failed, %", "requests, least",
            "legs", "marks")  # fmt: skip
    return Table("latency", "Latency at every load", head, rows)


def phases(results: Results) -> Table:
    """What a request's time is made of, phase by phase."""
    rows = []
    for operation in results.operations:
        group = results.basis(operation)
        for phase in _PHASES:
            recorded = [one for one in group.legs if one.histogram(phase).total_count]
            if recorded:
                shown = [
                    _percentile(Group(tuple(recorded)), percent, phase) for percent in (50, 99)
                ]
                rows.append([label(operation), phase.value, *shown, _numbers(recorded)])
    head = ("operation", "phase", "median, ms", "p99, ms", "legs")
    return Table("phases", "Phases", head, rows)


def money(results: Results) -> Table:
    """What was paid and what the rail took, by the rail's own books."""
    rows: list[list[Cell]] = []
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
                sum(one.delivered for one in paid),
                sum(one.paid_units for one in paid),
                sum(one.fee_units for one in paid),
                "" if fee is None else float(fee) / 1_000_000,
                sum(len(one.transactions) for one in paid),
                ", ".join(kinds),
                _numbers(books),
            ]
        )
    head = ("operation", "currency", "delivered", "paid, units", "fees, units",
            "fees by delivered, $", "payments on the rail", "kinds", "legs")  # fmt: skip
    return Table("money", "Money", head, rows)


def machine(results: Results) -> Table:
    """Processor and memory of each process, under what each operation is judged by."""
    rows: list[list[Cell]] = []
    for operation in results.operations:
        group = results.basis(operation)
        legs = _numbers(group.legs)
        generator = group.spread(lambda one: one.leg.generator_cpu * 100)
        rows.append([label(operation), group.load, GENERATOR, generator, "", legs])
        for part in group.first.server_cpu:
            busy = group.spread(lambda one, part=part: one.leg.server_cpu.get(part, 0) * 100)  # type: ignore[misc]
            held = group.spread(lambda one, part=part: memory_mb(one, part))  # type: ignore[misc]
            rows.append([label(operation), group.load, part, busy, held, legs])
    head = ("operation", "load", "process", "busy, % of a core", "memory, MB", "legs")
    return Table("machine", "Processor and memory", head, rows)


def memory_mb(one: Measured, part: str) -> float:
    """What a process held at the end of a leg, in millions of bytes."""
    return one.leg.server_memory_bytes.get(part, 0) / 1_000_000


def every_leg(results: Results) -> Table:
    """Each leg as it was run: what every other number comes from."""
    rows = []
    for one in results.legs:
        leg = one.leg
        rows.append(
            [
                str(leg.number),
                label(leg.operation),
                leg.kind.value + (f", round {leg.round}" if leg.round else ""),
                *_asked_and_due(one),
                leg.users,
                float(leg.achieved_per_s),
                *(leg.counts.get(outcome, 0) for outcome in Outcome),
                one.percentile_us(50) / 1_000,
                leg.lag_p99_us / 1_000,
                float(leg.duration_s),
                *(_percent(leg.machine.get(name)) for name in ("stolen", "pressed")),
                float(leg.pace_us) or "",
                "; ".join(leg.marks),
                one.place.relative_to(results.folder).as_posix(),
            ]
        )
    head = ("leg", "operation", "kind", "asked, /s", "due, /s", "users", "answered, /s", *Outcome,
            "median, ms", "lag p99, ms", "seconds", "stolen, %", "pressed, %",
            "pace, us", "marks", "folder")  # fmt: skip
    return Table("legs", "Legs", head, rows)


def _asked_and_due(one: Measured) -> tuple[Cell, Cell]:
    """The rate of a schedule, and what was drawn; nothing where users asked when they could."""
    asked = one.leg.offered_per_s
    return ("", "") if asked is None else (float(asked), one.due_per_s)


def _numbers(legs: Iterable[Measured]) -> str:
    return ", ".join(str(one.leg.number) for one in legs)


def _percent(share: float | None) -> Cell:
    return "" if share is None else share * 100


def tables(results: Results) -> list[Table]:
    """All of them, in the order of the page."""
    made = [make(results) for make in (comparison, percentiles, phases, money, machine)]
    return [*made, *kept(results), every_leg(results)]


def kept(results: Results) -> list[Table]:
    """The forecast of this run by simulation, if somebody has made one."""
    path = results.folder / TABLES / f"{VALIDATION}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return [Table(VALIDATION, "Foretold by simulation", head, rows)]


def _percentile(group: Group, percent: float, phase: Phase = Phase.TOTAL) -> Cell:
    """Of each round where that has enough requests, or else of all of them together. A median is
    always of each round, as the first screen has it: its range says how little it is sure of."""
    counts = [one.histogram(phase).total_count for one in group.legs]
    told = tells(percent, sum(counts))
    if tells(percent, min(counts)) or (told and percent <= 50):
        return group.percentile_ms(percent, phase)
    if told:
        return Together(group.together_ms(percent, phase))
    return TOO_FEW
