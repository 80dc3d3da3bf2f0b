"""Runs Node and its packages for the tests in this folder, and the servers they talk to."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MPPX = str(HERE / "node_modules" / ".bin" / "mppx")

OLDEST_NODE = 20
INSTALL_TIMEOUT_S = 300
TOPIC_TIMEOUT_S = 150
STOP_TIMEOUT_S = 20

_CAPTURED = r"Closed channel 0x[0-9a-f]{64}: captured|\d+ channels?, \$[\d.]+ captured"
"""What a devnet says of the channels that it closes at its end."""


def install_packages() -> None:
    """Install the npm packages once; parallel test processes wait for each other."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"needs Node {OLDEST_NODE} or newer, and this is {version.stdout.strip()}")
    lockfile = HERE / "package-lock.json"
    stamp = HERE / "node_modules" / ".installed"
    with lockfile.open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        wanted = hashlib.sha256(locked.read()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            command,
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"npm could not install the SDKs:\n{done.stderr}"
        stamp.write_text(wanted)


@contextmanager
def running(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    may_say: str = "(?!)",
) -> Iterator[dict[str, Any]]:
    """A server in a process of its own: the JSON line it says of itself. It must end well when it
    is asked to, and say nothing but lines that match `may_say`."""
    # A file, not a pipe: nobody reads while the test runs.
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            assert line, f"{command} did not start:\n{_content(errors)}"
            yield json.loads(line)
            server.terminate()
            status = server.wait(timeout=STOP_TIMEOUT_S)
        finally:
            server.kill()
        said = [line for line in _content(errors).splitlines() if not re.match(may_say, line)]
    assert (status, said) == (0, []), f"{command} ended with {status} and said: {said}"


@contextmanager
def running_chain(*options: str) -> Iterator[dict[str, Any]]:
    """The chain alone."""
    command = [sys.executable, "-m", "mock_rails", "tempo", "--port", "0", "--json", *options]
    with running(command) as chain:
        yield chain


@contextmanager
def running_devnet(*options: str) -> Iterator[dict[str, Any]]:
    """The whole devnet: chain, merchants, control. It tells what it captured when it ends."""
    command = [sys.executable, "-m", "sandbox.cli", "up", "--json", "--port-base", "0", *options]
    with running(command, may_say=_CAPTURED) as devnet:
        yield devnet


@contextmanager
def running_mppx_server(chain: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A merchant that is mppx and nothing else, on our chain: its URLs (`mppx_server.mjs`)."""
    env = {"RPC_URL": chain["url"], "WS_URL": chain["ws_url"]}
    # Node warns of listeners that mppx's metering adds: not ours to mend.
    command = ["node", "--no-warnings", "mppx_server.mjs"]
    with running(command, cwd=HERE, env=env) as merchant:
        yield merchant


def run_topic(topic: str, env: Mapping[str, str]) -> None:
    """Run one file with Node's own test runner; fail with what it said."""
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", topic],
        cwd=HERE,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOPIC_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{topic} failed:\n{done.stdout}", pytrace=False)
    # A file without tests passes as one test of its own name; a skipped one is marked so.
    tested = re.findall(r"^ok \d+ - (?!.*(?:\.mjs|# SKIP)).+$", done.stdout, re.MULTILINE)
    assert tested, f"{topic} tested nothing:\n{done.stdout}"


def _content(file: Any) -> str:
    file.seek(0)
    return str(file.read())
