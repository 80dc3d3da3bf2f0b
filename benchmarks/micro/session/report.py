"""What the session benchmark found, for people (tables) and for notes (ratios)."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from benchmarks.micro.session.load import Run
    from benchmarks.micro.session.stages import Split

OURS: Final = "sandbox"
_NS_PER_MS: Final = 1_000_000

RATIOS: Final = {
    "session.requests": ("session, 16 connections", "mppx", "25, aim 50"),
    "session.requests1": ("session, 1 connection", "mppx", ""),
    "challenge.issue": ("402, 16 connections", "pympp", "3, aim 8"),
    "charge.requests": ("charge, 1 connection", "mppx", "1, aim 2"),
}
"""The workload and the peer of each ratio of requests a second, and its bar."""


@dataclass(slots=True)
class Results:
    """All rounds."""

    runs: dict[str, dict[str, list[Run]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    """By workload and server."""
    starts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Nanoseconds, by what was started."""
    splits: list[Split] = field(default_factory=list)

    def add(self, fresh: Results) -> None:
        """Take in the results of one more part of a round."""
        for workload, servers in fresh.runs.items():
            for server, runs in servers.items():
                self.runs[workload][server] += runs
        for name, taken in fresh.starts.items():
            self.starts[name] += taken
        self.splits += fresh.splits


def show(results: Results, console: Console) -> None:
    """Print the tables."""
    table = Table(title="Paid requests over loopback, medians of all rounds")
    for column in ("workload", "server", "requests/s", "range", "p50 ms", "p99 ms", "CPU ms/req"):
        left = column in {"workload", "server"}
        table.add_column(column, justify="left" if left else "right")
    for workload, servers in results.runs.items():
        for server, runs in servers.items():
            table.add_row(workload, server, *_figures(runs))
    console.print(table)
    excused = sum(run.load.excused for run in _all_runs(results))
    if excused:
        console.print(f"anvil failed {excused} payments by a flaw of its own: counted as paid")
    if results.splits:
        console.print(_split_table(results))
    if results.starts:
        console.print(
            "from start to ready, ms: "
            + ", ".join(
                f"{name} {round(statistics.median(taken)) // _NS_PER_MS}"
                for name, taken in results.starts.items()
            )
        )


def ratios(results: Results) -> dict[str, str]:
    """The figures to quote: ours to theirs, so more is better, but for `voucher` and `ready`."""
    found = {}
    for name, (workload, peer, bar) in RATIOS.items():
        servers = results.runs.get(workload, {})
        if servers.get(OURS) and servers.get(peer):
            found[name] = _told(_rate(servers[OURS]) / _rate(servers[peer]), bar)
    if results.splits:
        cost = statistics.median(one.voucher / one.recover for one in results.splits)
        found["session.voucher"] = _told(cost, "2, aim 1.3")
    if results.starts:
        up, imported = (statistics.median(taken) for taken in results.starts.values())
        found["start.ready"] = _told(up / imported, "2, aim below 1")
    return found


def _told(ratio: float, bar: str) -> str:
    return f"{ratio:.2f}" + (f" (bar {bar})" if bar else "")


def _rate(runs: Sequence[Run]) -> float:
    return statistics.median(run.load.rate for run in runs)


def _all_runs(results: Results) -> list[Run]:
    return [run for servers in results.runs.values() for runs in servers.values() for run in runs]


def _figures(runs: Sequence[Run]) -> tuple[str, ...]:
    rates = [run.load.rate for run in runs]
    return (
        f"{round(statistics.median(rates)):,}",
        f"{min(rates):,} to {max(rates):,}",
        f"{statistics.median(run.load.percentile_us(50) for run in runs) / 1_000:.2f}",
        f"{statistics.median(run.load.percentile_us(99) for run in runs) / 1_000:.2f}",
        f"{statistics.median(run.cpu_ms_per_request for run in runs):.3f}",
    )


def _split_table(results: Results) -> Table:
    """Where our server's time goes; the network is what its processor time has beyond the gate."""

    def median(of: Callable[[Split], float]) -> float:
        return statistics.median(of(one) for one in results.splits)

    gate = median(lambda one: one.gate)
    table = Table(title="One session-paid request on our server, microseconds")
    for column in ("network", "parse", "verify", "store", "handler", "rest of the gate"):
        table.add_column(column, justify="right")
    runs = results.runs.get("session, 16 connections", {}).get(OURS, [])
    cpu_us = statistics.median(run.cpu_ms_per_request for run in runs) * 1_000 if runs else gate
    cells = (
        cpu_us - gate,
        median(lambda one: one.parse),
        median(lambda one: one.verify),
        median(lambda one: one.store),
        median(lambda one: one.handler),
        median(lambda one: one.rest),
    )
    table.add_row(*(f"{cell:.0f}" for cell in cells))
    return table
