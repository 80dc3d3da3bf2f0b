"""What a run asks of a ladder's rates, and what it makes of the answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.driver import Load
from benchmarks.fleet import Usage
from benchmarks.leg import Outcome, Sample
from benchmarks.operations import OPERATIONS
from benchmarks.pressure import Pressure
from benchmarks.recorder import Recorder
from benchmarks.run import Run, Setup, long_enough, users_for
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.ladder import Rung


@pytest.mark.parametrize(
    ("operation", "per_s", "users"),
    [("free", 10, 8), ("free", 200, 20), ("free", 5_000, 24), ("free", None, 8),
     ("tempo-stream", 15, 8), ("tempo-stream", 45, 22)],
)  # fmt: skip
def test_heavier_operations_have_more_customers(
    operation: str, per_s: float | None, users: int
) -> None:
    assert users_for(OPERATIONS[operation], per_s) == users


def test_a_leg_at_a_low_rate_is_longer() -> None:
    assert [long_enough(per_s, 2) for per_s in (100, 10, 1)] == [2, 2.5, 6]


def test_a_rung_knows_who_was_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty requests of 95 ms in a second: eight customers wait for 95 % of their time, while the
    busier server works for three quarters of it."""
    recorder = Recorder()
    recorder.add([Sample(0, 0, 95_000, Outcome.OK)] * 80)
    load = Load(recorder, busy=0.5, duration_s=1.0, reasons={}, locust={})
    rested = Pressure({})
    before = Usage(0, {"rails": 1.0, "merchants": 1.0}, {}, rested)
    after = Usage(10**9, {"rails": 1.2, "merchants": 1.75}, {}, rested)
    monkeypatch.setattr(Run, "_load", lambda *_: (load, before, after, None))
    run = Run(tmp_path, Setup("1", ()), Clock(), command="")
    monkeypatch.setattr(run, "_driver", SimpleNamespace(lag_at_rest_us=0), raising=False)

    rung: Rung = run.rung(OPERATIONS["free"], 80.0, 1.0)
    assert (rung.generator_busy, rung.server_busy) == (0.5, 0.75)
    assert (rung.users, round(rung.users_busy, 6)) == (8, 0.95)
    assert rung.not_the_server == "all 8 customers were waiting"
