"""Starts and stops the servers that are compared, each a process of its own on a free port."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks.micro.rpc_load import RequestFailedError
from benchmarks.micro.session.world import order
from benchmarks.peers.install import PeerMissingError, mppx_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_READY_S: Final = 30
_STOP_S: Final = 10


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server."""

    name: str
    port: int
    pid: int


@contextmanager
def ours(kind: str, rpc_url: str | None = None) -> Iterator[Peer]:
    """Our gate (`session`, `charge`), or pympp's handler on our uvicorn (`pympp`)."""
    command = [sys.executable, "-m", "benchmarks.micro.session.our_server"]
    name = "pympp" if kind == "pympp" else "sandbox"
    with _running(name, command, order(kind, rpc_url=rpc_url)) as peer:
        yield peer


@contextmanager
def mppx(kind: str, rpc_url: str | None = None) -> Iterator[Peer]:
    """An mppx server on Node."""
    node = shutil.which("node")
    if node is None:
        raise PeerMissingError("the comparison needs Node and npm: install them and run again")
    with _running("mppx", [node, str(mppx_server())], order(kind, rpc_url=rpc_url)) as peer:
        yield peer


@contextmanager
def _running(name: str, command: Sequence[str], told: dict[str, Any]) -> Iterator[Peer]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "NODE_ENV": "production"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdin.write(orjson.dumps(told))
        process.stdin.close()
        readable, _, _ = select.select([process.stdout], [], [], _READY_S)
        line = process.stdout.readline() if readable else b""
        if not line:
            process.kill()
            said = process.stderr.read().decode(errors="replace")[-1_000:]
            raise RequestFailedError(f"the {name} server did not start: {said}")
        yield Peer(name, orjson.loads(line)["port"], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()
