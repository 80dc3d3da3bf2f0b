"""`make bench-session`: interleaved rounds, then the tables and the ratios.

Each round starts every server fresh, one after the other, and drives all of them with the same load
program. Only ratios of one run are worth quoting: this machine's speed drifts.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.micro.rpc_load import RequestFailedError
from benchmarks.micro.servers import anvil_tempo, sandbox
from benchmarks.micro.session import stages, start
from benchmarks.micro.session.charges import Charges
from benchmarks.micro.session.load import CHALLENGED, PAID, PAID_OR_FLAWED, Run, drive, get
from benchmarks.micro.session.peers import mppx, ours
from benchmarks.micro.session.report import Results, ratios, show
from benchmarks.micro.session.vouchers import Vouchers
from benchmarks.micro.session.world import CONNECTIONS, PATH
from benchmarks.peers.install import PeerMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from benchmarks.micro.servers import Server
    from benchmarks.micro.session.peers import Peer

SESSION_1: Final = "session, 1 connection"
SESSION_16: Final = "session, 16 connections"
ISSUE: Final = "402, 16 connections"
CHARGE: Final = "charge, 1 connection"

_COUNTS: Final = {
    ("sandbox", SESSION_1): 1_000,
    ("sandbox", SESSION_16): 6_400,
    ("mppx", SESSION_1): 50,
    ("mppx", SESSION_16): 192,
    ("sandbox", ISSUE): 8_000,
    ("pympp", ISSUE): 3_200,
    ("sandbox", CHARGE): 200,
    ("mppx", CHARGE): 50,
}
"""Requests of a round, so that every measurement takes seconds and not minutes."""
_WARM_UP: Final = 8
"""A warm-up is this part of a measurement."""
_TRIES: Final = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison and print its tables and ratios."""
    parser = argparse.ArgumentParser(prog="bench-session", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--no-charge", action="store_true", help="leave out charges on chains")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    results = Results()
    rounds = [_sessions, _challenges, *([] if options.no_charge else [_charges]), _starts, _stages]
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("rounds", total=options.rounds * len(rounds))
            for _ in range(options.rounds):
                for one in rounds:
                    _patiently(one, results, progress.console)
                    progress.advance(task)
    except (PeerMissingError, RequestFailedError) as failure:
        console.print(f"[red]{failure}[/red]")
        return 1
    show(results, Console(file=sys.stdout, width=100))
    for name, value in ratios(results).items():
        print(f"ratio {name}: {value}")  # noqa: T201 - the benchmark's result
    return 0


def _patiently(one: Callable[[Results], None], results: Results, console: Console) -> None:
    """One part of a round. A server that fails is told of and replaced: anvil sometimes stalls."""
    for attempt in range(_TRIES):
        fresh = Results()
        try:
            one(fresh)
        except RequestFailedError as failure:
            if attempt == _TRIES - 1:
                raise
            console.print(f"a server failed, a fresh one starts: {failure}")
        else:
            results.add(fresh)
            return


def _sessions(results: Results) -> None:
    for begin in (ours, mppx):
        with begin("session") as peer:
            _run(_drive_sessions(peer, results))


async def _drive_sessions(peer: Peer, results: Results) -> None:
    vouchers = Vouchers(peer.port)
    for name, connections in ((SESSION_1, 1), (SESSION_16, CONNECTIONS)):
        count = _COUNTS[peer.name, name]
        warming = await vouchers.lanes(max(connections, count // _WARM_UP), connections)
        await drive(peer.port, warming, PAID)
        lanes = await vouchers.lanes(count, connections)
        run = await drive(peer.port, lanes, PAID, pids=[peer.pid])
        results.runs[name][peer.name].append(run)


def _challenges(results: Results) -> None:
    for kind in ("charge", "pympp"):
        with ours(kind) as peer:
            results.runs[ISSUE][peer.name].append(_run(_drive_challenges(peer)))


async def _drive_challenges(peer: Peer) -> Run:
    request, each = get(PATH, port=peer.port), _COUNTS[peer.name, ISSUE] // CONNECTIONS
    await drive(peer.port, [[request] * (each // _WARM_UP)] * CONNECTIONS, CHALLENGED)
    lanes = [[request] * each] * CONNECTIONS
    return await drive(peer.port, lanes, CHALLENGED, pids=[peer.pid])


def _charges(results: Results) -> None:
    """One sender at a time: with sixteen of them, mppx and anvil stall on each other."""
    for begin, chain in ((ours, sandbox), (mppx, anvil_tempo)):
        with chain() as node, begin("charge", f"http://127.0.0.1:{node.port}") as peer:
            results.runs[CHARGE][peer.name].append(_run(_drive_charges(peer, node)))


async def _drive_charges(peer: Peer, node: Server) -> Run:
    count = _COUNTS[peer.name, CHARGE]
    charges = Charges(peer.port, node.port, 1)
    await charges.fund()
    await drive(peer.port, await charges.lanes(count // _WARM_UP, 1), PAID_OR_FLAWED)
    lanes = await charges.lanes(count, 1)
    return await drive(peer.port, lanes, PAID_OR_FLAWED, pids=[peer.pid, node.process.pid])


def _starts(results: Results) -> None:
    results.starts["mpp-sandbox up"].append(start.up_to_ready_ns())
    results.starts["import eth_tester"].append(start.import_ns())


def _stages(results: Results) -> None:
    results.splits.append(_run(stages.measure()))


def _run(measure: Coroutine[Any, Any, Any]) -> Any:
    """Run one measurement on the loop that costs least: it is the load program's own."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure)


if __name__ == "__main__":
    sys.exit(main())
