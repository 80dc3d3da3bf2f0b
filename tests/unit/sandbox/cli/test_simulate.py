"""`mpp-sandbox simulate` and `sweep`: the door to the scenarios room, and mistakes in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from time import sleep
from typing import TYPE_CHECKING

import psutil
import pytest
from typer.testing import CliRunner

from sandbox.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

QUICK = ["--set", "visits=20", "--set", "requests=3", "--replications", "2", "--jobs", "1"]


def mpp(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", ["simulate", "sweep"])
def test_help_has_examples_and_fits_80_columns(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = mpp(command, "--help")
    assert "Examples:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_studies_are_listed_and_described() -> None:
    assert "charge-vs-session  " in mpp("simulate", "list").stdout
    text = mpp("simulate", "describe", "charge-vs-session").stdout
    assert "rtt_ms = 20.0: network round trip" in text
    assert "How far to trust it" in text


def test_a_run_answers_and_leaves_its_files(tmp_path: Path) -> None:
    done = mpp("simulate", "charge-vs-session", *QUICK, "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "(2 replications, seed 1, 95% intervals)" in done.stdout
    assert json.loads((tmp_path / "run.json").read_text())["parameters"]["requests"] == [3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simulate", "charge-vs-sesion"], "Did you mean 'charge-vs-session'?"),
        (["simulate", "describe"], "Which study?"),
        (["simulate", "charge-vs-session", "--set", "rtt=5"], "Did you mean 'rtt_ms'?"),
        (["simulate", "charge-vs-session", "--set", "rtt_ms"], "Write key=value."),
        (["simulate", "charge-vs-session", "--set", "rtt_ms=-1"], "rtt_ms: Input should be"),
        (["simulate", "charge-vs-session", "--set", "timing=fast"], "no profile 'fast'"),
        (["simulate", "charge-vs-session", "--set", "requests=0"], "requests.0: Input should be"),
        (["simulate", "outage", "--set", "horizon_s=0.01", "--jobs", "1"], "Nobody came"),
        (["simulate", "charge-vs-session", "--replications", "0"], "at least one replication"),
        (["simulate", "settlement", "--out", "/dev/null/results"], "Cannot write to /dev/null/re"),
        (
            ["sweep", "settlement", "--grid", "channels=2", "--jobs", "1", "--out", "/dev/null"],
            "Cannot write to /dev/null/channels=2: Not a directory.",
        ),
        (["simulate", "charge-vs-session", "--jobs", "0"], "at least one process"),
        (["sweep", "charge-vs-session", "--grid", "rtt_ms=", "--out", "x"], "no values"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str) -> None:
    done = mpp(*arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_simpy_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith("scenarios")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)
    done = mpp("simulate", "list")
    assert "Simulation needs numpy, which is not installed." in done.stderr
    assert "mpp-sandbox[simulate]" in done.stderr


def test_a_sweep_goes_on_where_it_was_left(tmp_path: Path) -> None:
    command = ("sweep", "charge-vs-session", *QUICK, "--out", str(tmp_path), "--grid")
    assert mpp(*command, "rtt_ms=0").stdout == "rtt_ms=0: done\n"
    assert mpp(*command, "rtt_ms=0,10").stdout == "rtt_ms=0: found\nrtt_ms=10: done\n"
    # A kill between two files, or in the midst of the last one.
    (tmp_path / "rtt_ms=0" / "summary.json").unlink()
    again = mpp(*command, "rtt_ms=0,10", "--seed", "1").stdout
    assert again == "rtt_ms=0: done\nrtt_ms=10: found\n"
    (tmp_path / "rtt_ms=0" / "summary.json").write_text('[{"intent": "cha')
    assert mpp(*command, "rtt_ms=0").stdout == "rtt_ms=0: done\n"
    assert mpp(*command, "rtt_ms=10", "--seed", "2").stdout == "rtt_ms=10: done\n"


def test_what_was_tried_in_short_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    """Fewer replications, another trace, other code: each would be another answer."""
    trace = tmp_path / "day.csv"
    trace.write_text("1,3\n2,4\n")
    command = ("sweep", "charge-vs-session", "--set", "visits=20", "--set", "requests=3",
               "--set", f"trace={trace}", "--jobs", "1", "--out", str(tmp_path),
               "--grid", "rtt_ms=0")  # fmt: skip
    assert mpp(*command, "--replications", "2").stdout == "rtt_ms=0: done\n"
    assert mpp(*command, "--replications", "2").stdout == "rtt_ms=0: found\n"
    assert mpp(*command).stdout == "rtt_ms=0: done\n"
    assert mpp(*command).stdout == "rtt_ms=0: found\n"
    trace.write_text("1,3\n2,5\n")
    assert mpp(*command).stdout == "rtt_ms=0: done\n"
    about = tmp_path / "rtt_ms=0" / "run.json"
    about.write_text(about.read_text().replace('"version": "', '"version": "older-'))
    assert mpp(*command).stdout == "rtt_ms=0: done\n"


def test_ctrl_c_ends_the_workers_at_once_without_a_traceback() -> None:
    """As a terminal does it: every process of the group is interrupted."""
    study = ("charge-vs-session", "--set", "visits=100000", "--replications", "4", "--jobs", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.cli", "simulate", *study],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    group = psutil.Process(process.pid)
    try:
        # Spawned are two workers and a tracker; a worker at work has loaded the studies.
        while sum(one.cpu_times().user > 1.5 for one in group.children(recursive=True)) < 2:
            assert process.poll() is None
            sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)  # a replication takes minutes
    finally:
        process.kill()
    assert process.returncode == 130
    assert said == ""
