"""The Stripe rail beside a bare ASGI server, interleaved: `make bench-stripe`.

Each round starts both fresh, one after the other, and sends both the same bytes. The rail keeps
books, events, an idempotency store and a log; the floor answers a fixed text. A stripe-mock that
you have started yourself takes part with `--peer PORT`: it answers fixtures, and keeps nothing.

Only ratios of one run are worth quoting: a machine's speed drifts.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import signal
import statistics
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import orjson
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.micro.rpc_load import RequestFailedError
from benchmarks.micro.session.load import Expected, Run, ask, drive
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

RAIL: Final = "sandbox"
FLOOR: Final = "bare ASGI"
PEER: Final = "peer"

RETRIEVE: Final = "customer retrieve"
CHARGE: Final = "PaymentIntent create + confirm"
REPLAY: Final = "the same, replayed"

_OK: Final = Expected(200, b"request-id:")
_ROUND: Final = {RETRIEVE: 6_000, CHARGE: 3_000, REPLAY: 3_000}
_WARM_UP: Final = 300
_START_TIMEOUT_S: Final = 30
_NS_PER_MS: Final = 1_000_000
_CLOCK: Final = Clock()
_PAY: Final = {
    "amount": "500",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}

Rates = dict[tuple[str, int, str], list[Run]]
"""Runs by workload, connections and server."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how long it took until it answered."""

    name: str
    port: int
    pid: int | None
    ready_ns: int


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench-stripe", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--peer", type=int, metavar="PORT", help="a stripe-mock that runs there")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    rates: Rates = defaultdict(list)
    starts: dict[str, list[int]] = defaultdict(list)
    try:
        with Progress(console=console) as progress:
            for _ in progress.track(range(options.rounds), description="rounds"):
                asyncio.run(_round(rates, starts, options.peer))
    except RequestFailedError as failure:
        console.print(f"[red]{failure}[/red]")
        return 1
    _report(rates, starts)
    return 0


async def _round(rates: Rates, starts: dict[str, list[int]], peer: int | None) -> None:
    with _started(RAIL, "mock_rails", "stripe", "--port", "0", "--json") as rail:
        starts[RAIL].append(rail.ready_ns)
        answer = await _measure(rail, rates)
    with _started(FLOOR, "benchmarks.micro.stripe_floor", told=answer) as floor:
        starts[FLOOR].append(floor.ready_ns)
        await _measure(floor, rates)
    if peer is not None:
        await _measure(Server(PEER, peer, None, 0), rates)


async def _measure(server: Server, rates: Rates) -> bytes:
    """Every workload once, with one connection and with sixteen; returns one charge's answer."""
    made = await ask(server.port, [_post(server.port, "/v1/customers", {"name": "Ada"}, "c")])
    customer = orjson.loads(made[0].body)["id"]
    for connections in (1, 16):
        get = _get(server.port, f"/v1/customers/{customer}")
        await _run(server, [get] * _WARM_UP, connections)
        requests = {
            RETRIEVE: [get] * _ROUND[RETRIEVE],
            CHARGE: [
                _post(server.port, "/v1/payment_intents", _PAY, f"{connections}-{number}")
                for number in range(_ROUND[CHARGE])
            ],
            REPLAY: [_post(server.port, "/v1/payment_intents", _PAY, f"{connections}-0")]
            * _ROUND[REPLAY],
        }
        for workload, batch in requests.items():
            if server.name != PEER or workload != REPLAY:
                run = await _run(server, batch, connections)
                rates[workload, connections, server.name].append(run)
    paid = await ask(server.port, [_post(server.port, "/v1/payment_intents", _PAY, "last")])
    return paid[0].body


async def _run(server: Server, requests: list[bytes], connections: int) -> Run:
    lanes = [requests[lane::connections] for lane in range(connections)]
    pids = [] if server.pid is None else [server.pid]
    return await drive(server.port, lanes, _OK, pids=pids)


def _get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{_head(port)}\r\n".encode()


def _post(port: int, path: str, form: dict[str, str], key: str) -> bytes:
    body = urlencode(form)
    return (
        f"POST {path} HTTP/1.1\r\n{_head(port)}Idempotency-Key: {key}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _head(port: int) -> str:
    return f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer sk_test_123\r\n"


@contextmanager
def _started(name: str, *module: str, told: bytes = b"") -> Iterator[Server]:
    started = _CLOCK.monotonic_ns()
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(told)
        process.stdin.close()
        readable, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT_S)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise RequestFailedError(f"{name} did not start")
        port = urlsplit(orjson.loads(line)["url"]).port
        assert port is not None
        yield Server(name, port, process.pid, _CLOCK.monotonic_ns() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _report(rates: Rates, starts: dict[str, list[int]]) -> None:
    console = Console()
    table = Table(title="Stripe API over loopback, medians of all rounds")
    for column in ("workload", "connections", "server", "requests/s", "p50 us", "p99 us", "CPU us"):
        left = column in {"workload", "server"}
        table.add_column(column, justify="left" if left else "right")
    for (workload, connections, server), runs in rates.items():
        table.add_row(
            workload,
            str(connections),
            server,
            f"{statistics.median(run.load.rate for run in runs):,.0f}",
            f"{statistics.median(run.load.percentile_us(50) for run in runs):,.0f}",
            f"{statistics.median(run.load.percentile_us(99) for run in runs):,.0f}",
            f"{statistics.median(run.cpu_ms_per_request for run in runs) * 1_000:,.0f}",
        )
    console.print(table)
    for name, taken in starts.items():
        milliseconds = [one // _NS_PER_MS for one in taken]
        console.print(f"start-up, {name}: {statistics.median(milliseconds):.0f} ms "
                      f"({min(milliseconds)} to {max(milliseconds)})")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
