"""How long until the whole devnet answers, against importing eth-tester and doing nothing with it.

The second is what a Python test suite pays today before its first chain exists (facts, performance
2). Both start a Python of the same environment; they are measured in turns.
"""

from __future__ import annotations

import asyncio
import select
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import orjson

from benchmarks.micro.rpc_load import RequestFailedError
from benchmarks.micro.session.load import ask, get
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

UP: Final = (sys.executable, "-m", "sandbox.cli", "up", "--json", "--port-base", "0")
IMPORT: Final = (sys.executable, "-c", "import eth_tester")

_TIMEOUT_S: Final = 60
_OK: Final = 200
_POLL: Final = timedelta(milliseconds=5)
_CLOCK: Final = Clock()


def up_to_ready_ns(command: Sequence[str] = UP) -> int:
    """From the start of the process until `/_sandbox/health` says that all is well."""
    started = _CLOCK.monotonic_ns()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        readable, _, _ = select.select([process.stdout], [], [], _TIMEOUT_S)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise RequestFailedError("the devnet did not start")
        health = urlsplit(orjson.loads(line)["control"]["health"])
        assert health.port is not None
        asyncio.run(_until_healthy(health.port, health.path))
        return _CLOCK.monotonic_ns() - started
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def import_ns(command: Sequence[str] = IMPORT) -> int:
    """From the start of the process to its end."""
    started = _CLOCK.monotonic_ns()
    subprocess.run(command, check=True, timeout=_TIMEOUT_S, capture_output=True)
    return _CLOCK.monotonic_ns() - started


async def _until_healthy(port: int, path: str) -> None:
    deadline = _CLOCK.monotonic_ns() + _TIMEOUT_S * 1_000_000_000
    while _CLOCK.monotonic_ns() < deadline:
        (answer,) = await ask(port, [get(path, port=port)])
        if answer.status == _OK:
            return
        await _CLOCK.wall_sleep(_POLL)
    raise RequestFailedError("the devnet did not become healthy")
