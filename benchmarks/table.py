"""What a run came to, as a table in a terminal. Pure: legs in, lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.leg import Kind, Leg, Outcome, Phase, leg_folder, read_histograms
from benchmarks.recorder import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.ladder import Knee

_HEAD: Final = (
    "leg", "operation", "kind", "asked/s", "served/s", "ok", "bad",
    "p50 ms", "p90 ms", "p99 ms", "fee/request",
)  # fmt: skip
_STAR: Final = "*"
_MOST_MARKS: Final = 6
_TEXTS: Final = 3
"""Columns of words; the others are numbers and end on the right."""


def told(folder: Path, legs: Sequence[Leg], knees: Mapping[str, Knee]) -> list[str]:
    """A row for each leg but the warm-up, what should not be believed, and where it all is."""
    shown = [leg for leg in legs if leg.kind is not Kind.WARM_UP]
    rows = [_HEAD, *(_row(folder, leg) for leg in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    lines += _marks(shown)
    for name, knee in knees.items():
        who = " (the load's; the server's is higher)" if knee.by_generator else ""
        lines.append(f"knee of {name}: {knee.per_s:.0f}/s{who}; {knee.why}")
    return [*lines, f"Run: {folder}"]


def _marks(legs: Sequence[Leg]) -> list[str]:
    """Why legs should not be believed; of many, how many they are."""
    found = [f"leg {leg.number}{_STAR}: {mark}" for leg in legs for mark in leg.marks]
    if len(found) <= _MOST_MARKS:
        return found
    count = sum(bool(leg.marks) for leg in legs)
    return [
        f"{_STAR} {count} of {len(legs)} legs hold some of the load generator's own time: it was "
        "busy, or sent requests late; each leg.json says how much."
    ]


def _row(folder: Path, leg: Leg) -> tuple[str, ...]:
    encoded = read_histograms(leg_folder(folder, leg)).get(Phase.TOTAL, {})
    found = [decode(one) for one in encoded.values()]
    if found:
        for other in found[1:]:
            found[0].add(other)
    latencies = [
        f"{found[0].get_value_at_percentile(percent) / 1_000:.1f}" if found else "-"
        for percent in (50, 90, 99)
    ]
    good = leg.counts.get(Outcome.OK, 0)
    bad = sum(leg.counts.values()) - good
    offered = "-" if leg.offered_per_s is None else f"{leg.offered_per_s:.0f}"
    number = f"{leg.number}{_STAR if leg.marks else ''}"
    return (
        number, leg.operation, leg.kind, offered, f"{leg.achieved_per_s:.1f}", str(good), str(bad),
        *latencies, _fee(leg),
    )  # fmt: skip


def _fee(leg: Leg) -> str:
    """What the rail took for each request, in its own money."""
    money = leg.money
    if money is None or not money.delivered:
        return "-"
    each = money.fee_units / money.delivered
    return f"{each / 1_000:.3f} sat" if money.currency == "sat" else f"${each / 1_000_000:.6f}"


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if at < _TEXTS else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
