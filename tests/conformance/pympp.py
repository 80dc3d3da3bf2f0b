"""Runs the chain tests of the released pympp, unmodified, against this chain.

`make conformance`, which is `python -m tests.conformance.pympp [pytest options]`: downloads the
source distribution with pip, installs it with its own dependencies into an environment that is
thrown away afterwards, starts this chain on a free port, and runs there what pympp marks
`integration`, with the one setting that pympp's makefile gives: TEMPO_RPC_URL.

All tests must pass, except those that pympp marks xfail. The one test that shares a replay store
between two servers also needs a Redis server; it runs if REDIS_URL is set and is skipped otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.conformance.chain_process import ChainDidNotStartError, chain_process
from tests.conformance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION: Final = "0.16.0"
CHAIN_TESTS: Final = 41
"""How many tests of this version are marked `integration`: none may go missing unnoticed."""

ALLOWED_SKIPS: Final = ("REDIS_URL not set",)

_ROOT: Final = Path(__file__).resolve().parents[2]
_EXTRAS: Final = "tempo,server,redis"
_TEST_TOOLS: Final = ("pytest", "pytest-asyncio", "starlette", "uvicorn")
_MARK: Final = "mark.integration"
_TIMEOUT_S: Final = 900


class ConformanceError(Exception):
    """The suite could not be run; the message says why."""


def main(options: Sequence[str]) -> int:
    """Download, install, serve, test, judge; returns the process's exit code."""
    with tempfile.TemporaryDirectory(prefix="pympp-conformance-") as folder:
        try:
            return _run(Path(folder), options)
        except (ConformanceError, ChainDidNotStartError, subprocess.TimeoutExpired) as error:
            _say(f"conformance: {error}")
            return 1


def _run(folder: Path, options: Sequence[str]) -> int:
    _say(f"downloading the source distribution of pympp {VERSION}")
    archive = download(folder)
    _say("installing it into an environment of its own")
    python = install(archive, folder / "venv")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    suite = folder / archive.name.removesuffix(".tar.gz")
    report = folder / "report.xml"
    with chain_process() as url:
        _say(f"running its chain tests against {url}")
        run_suite(python, suite, url, report, options)
    verdict = read_verdict(report, ALLOWED_SKIPS)
    _say(f"pympp {VERSION}: {verdict.summary()}")
    if not options and verdict.total != CHAIN_TESTS:
        raise ConformanceError(f"{verdict.total} tests ran; {VERSION} has {CHAIN_TESTS}")
    if not verdict.passed:
        raise ConformanceError("no test passed")
    return 1 if verdict.problems else 0


def download(folder: Path) -> Path:
    """The released source distribution."""
    _pip("download", "--no-deps", "--no-binary", "pympp", "--dest", folder, f"pympp=={VERSION}")
    return folder / f"pympp-{VERSION}.tar.gz"


def install(archive: Path, environment: Path) -> Path:
    """Build and install the distribution with what its tests need; returns the interpreter.

    Versions are those of constraints.txt, so that nothing but a change here changes the outcome.
    """
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / Path(sys.executable).name
    constraints = ("--constraint", _ROOT / "constraints.txt")
    _pip("install", "--quiet", *constraints, f"{archive}[{_EXTRAS}]", *_TEST_TOOLS, python=python)
    return python


def run_suite(python: Path, suite: Path, url: str, report: Path, options: Sequence[str]) -> None:
    """Run pympp's own pytest configuration, as `make test-integration` does there.

    Only the files that name the marker are collected: the others need packages that no chain test
    needs.
    """
    files = sorted((suite / "tests").glob("test_*.py"))
    chosen = [file.name for file in files if _MARK in file.read_text(encoding="utf-8")]
    command: list[str | Path] = [
        python, "-m", "pytest", "-m", "integration", "-ra", "-p", "no:cacheprovider",
        f"--junitxml={report}", *options, *(f"tests/{name}" for name in chosen),
    ]  # fmt: skip
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "TEMPO_"))
    }
    environment["TEMPO_RPC_URL"] = url
    subprocess.run(command, cwd=suite, env=environment, timeout=_TIMEOUT_S, check=False)
    if not report.exists():
        raise ConformanceError("pytest ended without a report")


def _pip(command: str, *arguments: str | Path, python: Path | None = None) -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    if python is not None:
        pip += ["--python", python]
    done = subprocess.run(
        [*pip, command, "--no-input", *arguments],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise ConformanceError(f"pip {command} failed:\n{done.stderr.strip()[-2_000:]}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
