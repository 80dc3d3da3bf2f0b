"""A program on a leash is run as any other, and ends with whoever started it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.leash import GRACE_S

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = """
import sys
print(__name__, sys.argv[1:])
sys.exit(3)
"""
WAITS = """
from threading import Event
try:
    print("begun", flush=True)
    Event().wait()
except KeyboardInterrupt:
    print("asked to end")
"""
DEAF = """
import signal
from threading import Event
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("begun", flush=True)
Event().wait()
"""
SOON = "from benchmarks import leash; leash.GRACE_S = 0.1; leash.main()"


def leashed(folder: Path, program: str, *by: str) -> subprocess.Popen[str]:
    (folder / "leashed.py").write_text(program, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, *(by or ("-m", "benchmarks.leash")), "leashed", "--an", "argument"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def let_go(program: subprocess.Popen[str]) -> str:
    """End its input when it has begun; what it says after that."""
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    said, _ = program.communicate(timeout=3 * GRACE_S)
    return said


def test_it_has_its_arguments_and_ends_when_it_likes(tmp_path: Path) -> None:
    with leashed(tmp_path, ARGUMENTS) as program:
        assert program.stdout is not None
        assert program.stdout.read() == "__main__ ['--an', 'argument']\n"
        assert program.wait() == 3  # though its input is open still


def test_at_the_end_of_its_input_it_stops_as_at_ctrl_c(tmp_path: Path) -> None:
    program = leashed(tmp_path, WAITS)
    assert let_go(program) == "asked to end\n"
    assert program.returncode == 0


def test_one_that_does_not_listen_is_ended_hard(tmp_path: Path) -> None:
    program = leashed(tmp_path, DEAF, "-c", SOON)
    assert let_go(program) == ""
    assert program.returncode == 1
