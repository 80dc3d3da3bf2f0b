"""Released SDKs from npm against this chain, with nothing changed but the RPC URL.

Every `*.test.mjs` in this folder is one topic, run by Node's own test runner on a chain of its own:
what moves one topic's clock disturbs no other. `package-lock.json` says which viem, mppx and ox.

To run a topic by hand, start `python -m mock_rails tempo`, then in this folder, after `npm ci`:
`RPC_URL=http://127.0.0.1:8545 WS_URL=ws://127.0.0.1:8545 node --test channels.test.mjs`.
"""

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
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOPICS = sorted(path.name for path in HERE.glob("*.test.mjs"))

CHAIN_OPTIONS = {"relay.test.mjs": ("--fee-payer", "9")}
"""What a topic needs of its chain beyond the defaults."""

OLDEST_NODE = 20
INSTALL_TIMEOUT_S = 300
TOPIC_TIMEOUT_S = 150


@pytest.fixture(scope="session")
def packages() -> None:
    """The npm packages, installed once; parallel test processes wait for each other."""
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
def running_chain(*options: str) -> Iterator[dict[str, Any]]:
    """A chain in a process of its own: what it says of itself. It must end well and in silence."""
    command = [sys.executable, "-m", "mock_rails", "tempo", "--port", "0", "--json", *options]
    # A file, not a pipe: nobody reads while the topic runs.
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as chain,
    ):
        assert chain.stdout is not None
        try:
            line = chain.stdout.readline()
            assert line, f"the chain did not start:\n{_content(errors)}"
            yield json.loads(line)
            chain.terminate()
            status = chain.wait(timeout=20)
        finally:
            chain.kill()
        said = _content(errors)
    assert (status, said) == (0, ""), f"the chain ended with {status} and said:\n{said}"


def _content(file: Any) -> str:
    file.seek(0)
    return str(file.read())


@pytest.mark.node
@pytest.mark.timeout(INSTALL_TIMEOUT_S + TOPIC_TIMEOUT_S)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(topic: str, packages: None) -> None:
    with running_chain(*CHAIN_OPTIONS.get(topic, ())) as chain:
        done = subprocess.run(
            ["node", "--test", "--test-reporter=tap", topic],
            cwd=HERE,
            env={**os.environ, "RPC_URL": chain["url"], "WS_URL": chain["ws_url"]},
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


def test_every_topic_is_found() -> None:
    assert len(TOPICS) >= 15
    assert set(CHAIN_OPTIONS) <= set(TOPICS)


def test_the_packages_are_the_released_ones_and_come_from_anywhere() -> None:
    """Exact versions; no registry address, so that any mirror serves them (DESIGN section 5)."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert wanted == {"mppx": "0.11.0", "ox": "0.14.45", "viem": "2.57.1"}
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    for path, package in locked.items():
        assert "resolved" not in package, path
        assert not path or package["integrity"].startswith("sha512-"), path
