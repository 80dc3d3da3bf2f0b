"""Our chain and `anvil --network tempo`, side by side and interleaved: `make bench-chain`.

Each round starts both chains fresh, one after the other, and sends both the same payments through
`eth_sendRawTransactionSync`. Only ratios of one run are worth quoting: this machine's speed drifts.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.micro.payments import Payers
from benchmarks.micro.rpc_load import Load, RequestFailedError, drive
from benchmarks.micro.servers import Server, anvil_tempo, sandbox
from benchmarks.peers.install import PeerMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_SENDERS = 16
_WARM_UP = 160
_FRESH = 2_000
_FEW = 500
_LONG_FROM = 20_000
_LONG_COUNT = 2_000
_MEMORY_FEW = 1_000
_MEMORY_MANY = 100_000
_NS_PER_MS = 1_000_000
_TRIES = 3

Rates = dict[str, list[Load]]


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison and print its tables and ratios."""
    options = _parse(arguments)
    console = Console(stderr=True)
    loads: dict[str, Rates] = {"sandbox": defaultdict(list), "anvil": defaultdict(list)}
    ready: dict[str, list[int]] = defaultdict(list)
    memory: dict[str, int] = {}
    peers: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "sandbox": sandbox,
        "anvil": anvil_tempo,
    }
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("rounds", total=options.rounds * len(peers))
            for _ in range(options.rounds):
                for name, start in peers.items():
                    for failure in _one_round(start, loads[name], ready[name], memory):
                        progress.console.print(f"{name} failed, a fresh one starts: {failure}")
                    progress.advance(task)
            if not options.quick:
                long_task = progress.add_task("long chain", total=_MEMORY_MANY)
                with sandbox() as server:
                    asyncio.run(
                        _long(server, loads["sandbox"], memory,
                              lambda sent: progress.update(long_task, completed=sent))
                    )  # fmt: skip
    except (PeerMissingError, RequestFailedError) as failure:
        console.print(f"[red]{failure}[/red]")
        return 1
    _report(loads, ready, memory)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-chain", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--quick", action="store_true", help="leave out the long chain")
    return parser.parse_args(arguments)


def _one_round(
    start: Callable[[], AbstractContextManager[Server]],
    rates: Rates,
    ready: list[int],
    memory: dict[str, int],
) -> Iterator[RequestFailedError]:
    """One round on a fresh server. A server that stalls is told of and replaced: anvil sometimes
    stops mining (`Transaction confirmation timeout`), and a stall says nothing about its speed.
    """
    for attempt in range(_TRIES):
        fresh: Rates = defaultdict(list)
        try:
            with start() as server:
                asyncio.run(_round(server, fresh))
                memory[f"{server.name} after a round"] = server.memory_kib()
        except RequestFailedError as failure:
            if attempt == _TRIES - 1:
                raise
            yield failure
        else:
            ready.append(server.ready_ns)
            for workload, runs in fresh.items():
                rates[workload] += runs
            return


async def _round(server: Server, rates: Rates) -> None:
    payers = Payers(_SENDERS, server.port)

    async def run(lanes: list[list[bytes]]) -> Load:
        return await drive(server.port, lanes, excuse=server.flaw)

    await run([payers.funding()])
    await run(payers.transfers(_WARM_UP, _SENDERS))
    rates["16 senders"].append(await run(payers.transfers(_FRESH, _SENDERS)))
    rates["1 sender"].append(await run(payers.transfers(_FEW, 1)))
    rates["sponsored, 16 senders"].append(await run(payers.sponsored(_FEW, _SENDERS)))
    if server.name == "sandbox":
        rates["channel opens, 16 senders"].append(await run(payers.channel_opens(_FEW, _SENDERS)))


async def _long(
    server: Server, rates: Rates, memory: dict[str, int], tell: Callable[[int], None]
) -> None:
    """One chain of a hundred thousand payments: does it slow down, does it grow?"""
    payers = Payers(_SENDERS, server.port)
    await drive(server.port, [payers.funding()])
    sent = 0
    while sent < _MEMORY_MANY:
        load = await drive(server.port, payers.transfers(_MEMORY_FEW, _SENDERS))
        if sent < _LONG_COUNT:
            rates["long chain, start"].append(load)
        elif _LONG_FROM <= sent < _LONG_FROM + _LONG_COUNT:
            rates["long chain, 20,000 to 22,000"].append(load)
        sent += _MEMORY_FEW
        if sent == _MEMORY_FEW:
            memory["sandbox after 1,000"] = server.memory_kib()
        tell(sent)
    memory["sandbox after 100,000"] = server.memory_kib()


# -- telling --------------------------------------------------------------------------------------


def _report(loads: dict[str, Rates], ready: dict[str, list[int]], memory: dict[str, int]) -> None:
    console = Console(file=sys.stdout, width=100)
    table = Table(title="0x76 payments through eth_sendRawTransactionSync, medians of all rounds")
    for column in ("workload", "chain", "payments/s", "range", "p50 us", "p99 us"):
        table.add_column(column, justify="left" if column in ("workload", "chain") else "right")
    for workload in [*loads["sandbox"]]:
        for name in ("sandbox", "anvil"):
            if runs := loads[name].get(workload):
                table.add_row(workload, name, *_figures(runs))
    console.print(table)
    console.print(
        "start to first answer, ms: "
        + ", ".join(f"{k} {round(statistics.median(v)) // _NS_PER_MS}" for k, v in ready.items())
    )
    excused = sum(run.excused for runs in loads["anvil"].values() for run in runs)
    if excused:
        console.print(
            f"anvil answered {excused} payments with an error of its own: counted as paid"
        )
    for moment, kib in memory.items():
        console.print(f"resident memory, {moment}: {kib // 1024} MiB")
    for name, value in _ratios(loads, ready, memory).items():
        print(f"ratio {name}: {value}")  # noqa: T201 - the benchmark's result


def _figures(runs: list[Load]) -> tuple[str, ...]:
    rates = [run.rate for run in runs]
    return (
        f"{round(statistics.median(rates)):,}",
        f"{min(rates):,} to {max(rates):,}",
        str(round(statistics.median(run.percentile_us(50) for run in runs))),
        str(round(statistics.median(run.percentile_us(99) for run in runs))),
    )


def _ratios(
    loads: dict[str, Rates], ready: dict[str, list[int]], memory: dict[str, int]
) -> dict[str, str]:
    ours, theirs = loads["sandbox"], loads["anvil"]
    ratios = {
        "chain.sync16": _ratio(ours["16 senders"], theirs["16 senders"]),
        "chain.sync1": _ratio(ours["1 sender"], theirs["1 sender"]),
        "chain.sponsored16": _ratio(ours["sponsored, 16 senders"], theirs["sponsored, 16 senders"]),
        "chain.start": _shown(
            statistics.median(ready["sandbox"]), statistics.median(ready["anvil"])
        ),
    }
    if "long chain, start" in ours:
        ratios["chain.long"] = _ratio(
            ours["long chain, 20,000 to 22,000"], ours["long chain, start"]
        )
        ratios["memory.growth"] = _shown(
            memory["sandbox after 100,000"], memory["sandbox after 1,000"]
        )
    return ratios


def _ratio(ours: list[Load], theirs: list[Load]) -> str:
    return _shown(
        statistics.median(run.rate for run in ours), statistics.median(run.rate for run in theirs)
    )


def _shown(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}"


if __name__ == "__main__":
    sys.exit(main())
