"""`mpp-sandbox bench` as it is typed: a run's folder, a table, one clear line, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.leg import Kind, Outcome, Phase, read_histograms, read_leg, read_samples
from benchmarks.recorder import decode

COMMAND = [sys.executable, "-m", "sandbox.cli", "bench"]
LONGEST_S = 110
BEGINS_S = 5
"""From when a leg is told of until it has begun, on a busy machine."""


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=LONGEST_S, check=False
    )


def places(folder: Path) -> list[Path]:
    return sorted((folder / "legs").iterdir())


def test_a_run_keeps_all_that_is_needed_to_judge_and_to_repeat_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    asked = ("--rail", "tempo", "--intent", "session", "--rate", "20", "--duration", "1")
    done = bench(*asked, "--seed", "7", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    about = json.loads((folder / "run.json").read_text())
    assert about["seed"] == "7"
    # What repeats it does not name the folder, for that is not empty any more.
    assert about["command"] == f"mpp-sandbox bench {' '.join(asked)} --seed 7"
    assert about["environment"]["packages"]["pympp"]

    warm_up, measured = places(folder)
    assert read_leg(warm_up).kind is Kind.WARM_UP
    leg = read_leg(measured)
    samples = list(read_samples(measured))
    assert (leg.kind, leg.offered_per_s) == (Kind.SINGLE, 20)
    assert leg.counts[Outcome.OK] == len(samples) > 5
    # Phases as the client sees them, and as the server tells them.
    assert {Phase.SIGN, Phase.PAID, Phase.VERIFY, Phase.SETTLE, Phase.DELIVER} <= {
        *read_histograms(measured)
    }
    # Each customer's first request, which opened its channel, took longer than those of the leg.
    opening = decode(read_histograms(measured)[Phase.OPENING][Outcome.OK])
    total = decode(read_histograms(measured)[Phase.TOTAL][Outcome.OK])
    assert opening.get_total_count() == leg.users
    assert opening.get_value_at_percentile(50) > total.get_value_at_percentile(50)
    assert {"rails", "merchants"} == {*leg.server_cpu} == {*leg.server_memory_bytes}
    assert all(0 <= share <= 1 for share in leg.machine.values())
    assert ("stolen" in leg.machine) == Path("/proc/stat").exists()
    # Each customer opened a channel and closed it; what they paid is what was delivered.
    assert leg.money is not None
    kinds = [one["kind"] for one in leg.money.transactions]
    assert sorted(kinds) == ["close"] * leg.users + ["open"] * leg.users
    assert leg.money.paid_units == leg.money.delivered * 1_000

    table = done.stdout.splitlines()
    assert table[0].split()[:3] == ["leg", "operation", "kind"]
    assert table[1].split()[1] == "tempo-session"
    assert f"Run: {folder}" in table


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_processes_and_keeps_what_was_measured(
    tmp_path: Path, ending: signal.Signals
) -> None:
    folder = tmp_path / "run"
    command = [*COMMAND, "--intent", "free", "--duration", "60", "--out", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("leg 2"):  # the warm-up is written, the long one begins
            break
    with suppress(subprocess.TimeoutExpired):
        process.wait(BEGINS_S)
    parts = psutil.Process(process.pid).children(recursive=True)
    assert len(parts) >= 3
    process.send_signal(ending)
    said, _ = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130
    assert "Interrupted: these are the legs that were measured by then." in said
    warm_up, cut = (read_leg(place) for place in places(folder))
    assert not any("stopped" in mark for mark in warm_up.marks)
    assert cut.counts[Outcome.OK] > 0
    assert 0 < cut.duration_s < 60
    assert cut.achieved_per_s == pytest.approx(cut.counts[Outcome.OK] / cut.duration_s, rel=0.2)
    assert f"stopped after {cut.duration_s:.1f} of 60 s" in cut.marks
    assert not [part for part in parts if part.is_running()]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rail", "solana"], "'solana' is no rail."),
        (["--intent", "session", "--rail", "stripe"], "There is no session on stripe."),
        (["--rate", "0"], "A rate is above 0"),
        (["--users", "0"], "There are 1 to 500 users."),
        (["--duration", "0"], "A leg takes longer than no time"),
        (["--ladder", "--rate", "5"], "A ladder finds the rates by itself."),
        (["--workers", "2"], "Workers are Locust's."),
        (["--out", "."], "is not empty"),
        (["--out", "/dev/null"], "Cannot write to /dev/null: Not a directory."),
    ],
)
def test_what_cannot_be_measured_is_one_clear_line(options: list[str], said: str) -> None:
    done = bench(*options)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
