"""`mpp-sandbox` as a process: start, pay, stop; busy ports; workers; a command beside it.

The issue's devnet: a ready line, one clear line for what is wrong, exit codes that are kept.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp.client import PaymentTransport
from mpp.methods.tempo import client as tempo_client

from mock_rails.core.clock import Clock
from mock_rails.core.seeds import Seeds
from sandbox.client.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60
"""A loaded machine may take long over anything, and that is no failure."""

CLI = (sys.executable, "-m", "sandbox.cli")


class Process:
    """A running devnet and what it printed when it was ready."""

    def __init__(self, process: subprocess.Popen[str], info: dict[str, Any]) -> None:
        self.process = process
        self.info = info
        self.api: str = info["merchants"]["url"]
        self.rpc: str = info["tempo"]["url"]
        self.control: str = info["control"]["url"]

    async def pay(self, path: str) -> httpx.Response:
        """What the released pympp client gets, paid by the documented payer."""
        account = Wallet.dev(0).tempo_account()
        method = tempo_client.charge(account=account, chain_id=1337, rpc_url=self.rpc)
        transport = PaymentTransport([method], inner=httpx.AsyncHTTPTransport())
        async with httpx.AsyncClient(transport=transport, timeout=30) as http:
            return await http.get(self.api + path)

    def ask(self, path: str) -> Any:
        """What its control says."""
        return (
            httpx.get(f"{self.control}/_sandbox{path}", timeout=PATIENCE_S)
            .raise_for_status()
            .json()
        )

    @property
    def answers(self) -> bool:
        """Whether anything listens where its API was."""
        try:
            httpx.get(self.api + "/health", timeout=PATIENCE_S)
        except httpx.ConnectError:
            return False
        except httpx.TransportError:  # it took the call, at least
            return True
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its exit code and what it wrote to stderr."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


@contextmanager
def up(*options: str) -> Iterator[Process]:
    command = [*CLI, "up", "--port-base", "0", "--json", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield Process(process, json.loads(line))
        finally:
            if process.poll() is None:
                process.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_it_starts_is_paid_and_stops(how: signal.Signals) -> None:
    with up() as devnet:
        assert devnet.info["ready"] is True
        assert devnet.ask("/health") == {"status": "ok"}
        response = await devnet.pay("/quote")
        assert response.status_code == 200
        assert "payment-receipt" in response.headers
        assert devnet.stop(how) == (0, "")
        assert not devnet.answers


async def test_stopping_closes_channels_and_says_what_it_captured() -> None:
    from sandbox.client.client import PaidClient

    with up() as devnet:
        async with (
            httpx.AsyncClient(timeout=PATIENCE_S) as http,
            PaidClient(
                Wallet.dev(1), http=http, rpc_url=devnet.rpc, clock=Clock(), seeds=Seeds("up")
            ) as client,
        ):
            for _ in range(3):
                assert (await client.get(devnet.api + "/search?q=voucher")).status_code == 200
            found = devnet.ask("/channels")
            (channel,) = found["channels"]
            assert (channel["spent"], found["exposure"]) == ("3000", "3000")
            code, words = devnet.stop()
        assert code == 0
        assert words == f"Closed channel {channel['id']}: captured $0.003\n"


async def test_several_workers_share_the_port_the_store_and_the_journal() -> None:
    with up("--workers", "2") as devnet:
        assert devnet.info["merchants"]["workers"] == 2
        assert (await devnet.pay("/quote")).status_code == 200
        exchanges = devnet.ask("/exchanges")["exchanges"]
        assert {one["id"].partition("-")[0] for one in exchanges} <= {"w1", "w2"}
        assert exchanges[0]["kinds"][-2:] == ["exchange.paid", "exchange.delivered"]
        assert devnet.stop() == (0, "")
        assert not devnet.answers


async def test_workers_end_with_their_devnet_even_if_it_is_killed() -> None:
    clock = Clock()
    with up("--workers", "2") as devnet:
        devnet.process.kill()
        devnet.process.wait()
        deadline_ns = clock.monotonic_ns() + PATIENCE_S * 1_000_000_000
        while devnet.answers:
            assert clock.monotonic_ns() < deadline_ns, "a worker still serves"
            await clock.wall_sleep(timedelta(milliseconds=20))


def test_a_second_start_on_the_same_ports_is_one_clear_line(tmp_path: Path) -> None:
    store, state = tmp_path / "channels.db", tmp_path / "state.json"
    kept = ["--store", f"sqlite:{store}", "--state", str(state)]
    with up("--store", f"sqlite:{store}") as devnet:
        before = store.read_bytes()
        ports = [url.rpartition(":")[2] for url in (devnet.control, devnet.api, devnet.rpc)]
        names = ("--control-port", "--api-port", "--tempo-port")
        options = [word for pair in zip(names, ports, strict=True) for word in pair]
        for more in ([], ["--workers", "2"]):
            done = run("up", *options, *kept, *more)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.count("\n") == 1
            assert f"Port {ports[2]} on 127.0.0.1 is in use by another program" in done.stderr
        assert (store.read_bytes(), state.exists()) == (before, False), "it touched the files"
        assert devnet.stop() == (0, "")


def test_of_two_devnets_with_one_state_file_the_second_is_refused(tmp_path: Path) -> None:
    """Or the last to stop would undo what the first had saved. A killed one holds nothing."""
    state = str(tmp_path / "state.json")
    with up("--state", state) as devnet:
        done = run("up", "--port-base", "0", "--state", state)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"mpp-sandbox: The state file {state} is in use by another")
        devnet.process.kill()
        devnet.process.wait(timeout=30)
    with up("--state", state) as devnet:
        assert devnet.stop() == (0, "")
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_a_busy_api_port_is_told_of_though_workers_were_to_share_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("up", "--port-base", "0", "--api-port", port, "--workers", "2")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"mpp-sandbox: Port {port} on 127.0.0.1 is in use")


def test_status_finds_it() -> None:
    with up() as devnet:
        done = run("status", "-o", "json", "--control-url", devnet.control)
        assert json.loads(done.stdout) == devnet.info


def test_exec_gives_a_command_a_devnet_and_keeps_its_exit_code() -> None:
    program = (
        "import os, sys, urllib.request as u\n"
        "print(u.urlopen(os.environ['MPP_SANDBOX_API_URL'] + '/health').status)\n"
        "assert os.environ['MPPX_RPC_URL'] == os.environ['MPP_SANDBOX_RPC_URL']\n"
        "sys.exit(7)"
    )
    done = run("exec", "--", sys.executable, "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (7, "200\n", "")


def test_exec_passes_options_of_the_command_on_untouched() -> None:
    assert (
        run("exec", "--chain-id", "7", "--", "sh", "-c", "exit $MPP_SANDBOX_CHAIN_ID").returncode
        == 7
    )


def test_exec_says_when_there_is_no_such_command() -> None:
    done = run("exec", "--", "no-such-command-here")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "mpp-sandbox: no-such-command-here: there is no such command.\n"


def test_exec_forwards_signals() -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "print('started', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [*CLI, "exec", "--", sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 9
