"""Starts and stops the chains that are compared, each a process of its own on a free port."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.micro.rpc_load import RequestFailedError, call
from benchmarks.peers.install import anvil
from mock_rails.core.clock import Clock
from mock_rails.listening import LOOPBACK, bind

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN_ID = 1337
_START_TIMEOUT_S = 30
_ANVIL_FLAW = b"BlockOutOfRangeError"
"""anvil 1.7.1 sometimes looks for a receipt in a block that is one too old."""
_POLL = timedelta(milliseconds=5)
_CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class Server:
    """A running chain."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ready_ns: int
    """From the start of the process to its first answer."""

    flaw: bytes | None = None
    """An answer it is known to give now and then to a payment that it did carry out."""

    def memory_kib(self) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RequestFailedError("the process tells no memory use")


@contextmanager
def sandbox() -> Iterator[Server]:
    """Our chain, alone."""
    port = free_port()
    command = [sys.executable, "-m", "mock_rails", "tempo", "--port", str(port), "--json"]
    with _running("sandbox", command, port, {}) as server:
        yield server


@contextmanager
def anvil_tempo() -> Iterator[Server]:
    """Foundry's anvil in its Tempo mode, told to keep no history."""
    port = free_port()
    command = [
        str(anvil()), "--network", "tempo", "--hardfork", "t4", "--prune-history",
        "--chain-id", str(CHAIN_ID), "--port", str(port), "--silent",
    ]  # fmt: skip
    # It writes into the home folder: give it one that goes away.
    with (
        tempfile.TemporaryDirectory() as home,
        _running("anvil", command, port, {"HOME": home}) as server,
    ):
        yield replace(server, flaw=_ANVIL_FLAW)


def free_port() -> int:
    """A port nobody listens on."""
    with bind(LOOPBACK, 0) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _running(name: str, command: list[str], port: int, env: dict[str, str]) -> Iterator[Server]:
    started = _CLOCK.monotonic_ns()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
    )
    try:
        asyncio.run(_until_ready(port, process))
        yield Server(name, port, process, _CLOCK.monotonic_ns() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_ns = _CLOCK.monotonic_ns() + _START_TIMEOUT_S * 1_000_000_000
    while _CLOCK.monotonic_ns() < deadline_ns:
        try:
            await call(port, "eth_chainId")
        except OSError:
            if process.poll() is not None:
                raise RequestFailedError(f"the server ended with {process.returncode}") from None
            await _CLOCK.wall_sleep(_POLL)
        else:
            return
    raise RequestFailedError("the server did not answer in time")
