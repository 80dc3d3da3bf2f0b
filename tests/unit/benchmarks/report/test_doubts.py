"""What the report doubts of itself: the worst of it, how much of it, and in which legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.leg import Kind
from benchmarks.report.doubts import doubts
from benchmarks.report.results import load
from tests.unit.benchmarks.report.runs import ABOUT, add_leg, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.report.said import Said


def _doubts(folder: Path) -> list[Said]:
    """Without that of too few rounds, which all of these runs have."""
    return [one for one in doubts(load(folder)) if "Fewer than" not in one.text]


def test_the_worst_lateness_is_told_and_warm_ups_do_not_count(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 20, kind=Kind.WARM_UP, lag_p99_us=90_000)
    for late_us in (600, 5_700, 10):
        add_leg(folder, "free", [1_000] * 20, lag_p99_us=late_us)
    (doubt,) = _doubts(folder)
    assert doubt.text.startswith(
        "Of the 3 legs that speeds are told by, 2 were sent late; "
        "at worst 5.7 ms (p99; leg 3, free)."
    )
    assert doubt.text.endswith("an upper bound.")
    assert (doubt.legs, doubt.warns) == ((2, 3), True)


def test_a_leg_that_no_answer_rests_on_is_not_doubted(tmp_path: Path) -> None:
    """Of a ladder only the highest rate that was carried is an answer."""
    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 20, offered_per_s=20.0)
    add_leg(folder, "free", [1_000] * 40, kind=Kind.LADDER, lag_p99_us=5_000)
    add_leg(folder, "free", [1_000] * 80, kind=Kind.LADDER)
    assert not _doubts(folder)


def test_a_busy_generator_and_failures_are_told_by_their_worst(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for failed, busy in ((1, 0.91), (3, 0.97), (0, 0.2)):
        add_leg(folder, "free", [1_000] * 10, failed=failed, generator_cpu=busy)
    add_leg(folder, "tempo-charge", [1_000] * 10, marks=("stopped after 1.2 of 5 s",))
    busy_, cut, failed_ = _doubts(folder)
    assert "in 2 of the 4 legs" in busy_.text
    assert "at worst 97% (leg 2, free)" in busy_.text
    assert (cut.text, cut.legs) == ("Stopped before its end: leg 4, tempo charge.", (4,))
    assert "at worst 30.0% (leg 2, free)" in failed_.text
    assert failed_.legs == (1, 2)


def test_a_promise_that_was_broken_below_the_knee_is_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 20, share_of_knee=0.5, offered_per_s=20.0)
    add_leg(folder, "free", [400_000] * 20, share_of_knee=0.5, offered_per_s=20.0)
    add_leg(folder, "free", [400_000] * 50, share_of_knee=1.2, offered_per_s=48.0)
    add_leg(folder, "free", [400_000] * 20, kind=Kind.LADDER, offered_per_s=30.0)
    (doubt,) = _doubts(folder)
    assert "in 1 of 2 steady legs: leg 2, free, p99 400 ms instead of 250." in doubt.text
    assert doubt.legs == (2,)


def test_of_many_broken_promises_the_worst_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for turn in range(1, 9):
        add_leg(folder, "free", [300_000 + turn * 10_000] * 20, share_of_knee=0.5,
                offered_per_s=20.0, round=turn)  # fmt: skip
    (doubt,) = _doubts(folder)
    assert "leg 8, free, p99 380 ms" in doubt.text
    assert "leg 2, free" not in doubt.text
    assert "and others" in doubt.text
    assert doubt.legs == tuple(range(1, 9))


def test_a_machine_with_other_work_is_told(tmp_path: Path) -> None:
    known = ABOUT["environment"]
    folder = write_run(tmp_path, environment={**known, "load": [1.5, 0.2, 0.1]})
    for stolen in (0.005, 0.031, 0.02):
        add_leg(folder, "free", [1_000] * 20, machine={"stolen": stolen})
    loaded, robbed = _doubts(folder)
    assert loaded.text.endswith("its load was 1.50 on 2 cores.")
    assert "in 2 of 3 legs; at worst 3.1% of their time (leg 2, free)" in robbed.text
    assert robbed.legs == (2, 3)
    assert not _doubts(_idle(tmp_path / "idle"))


def test_legs_in_which_the_machine_was_slower_are_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for pace_us in (20.0, 20.0, 20.0, 26.0, 32.0, 24.0, 20.0):
        add_leg(folder, "free", [1_000] * 20, pace_us=pace_us)
    (slow,) = _doubts(folder)
    assert "slower than usual in 2 of 7 legs" in slow.text
    assert "up to 1.60 times as long (leg 5, free)" in slow.text
    assert slow.legs == (4, 5)


def _idle(folder: Path) -> Path:
    """Half of two cores, and nothing that tells what was stolen."""
    write_run(folder, environment={**ABOUT["environment"], "load": [1.0, 9.0, 9.0]})
    add_leg(folder, "free", [1_000] * 20)
    return folder
