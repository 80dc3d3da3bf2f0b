"""Service times are found again where they are known: behind a queue, and without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.forecast.fit import fitted
from benchmarks.forecast.passages import QUANTILES
from benchmarks.leg import Kind, Leg, Outcome, Sample, write_leg
from benchmarks.report.results import load
from scenarios.calibrate import Timing
from scenarios.model.passage import Load, Passage, play
from scenarios.streams import Streams
from tests.unit.benchmarks.report.runs import histograms, write_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.report.results import Group

_SERVICE_S = 0.004
_COUNT = 3_000


def _group(
    folder: Path, per_s: float, latencies_s: Sequence[float], due_s: Sequence[float]
) -> Group:
    """A leg whose server was busy for four milliseconds with each request."""
    run = write_run(folder)
    samples = [
        Sample(round(due * 1e6), round(due * 1e6), round((due + took) * 1e6), Outcome.OK)
        for due, took in zip(due_s, latencies_s, strict=True)
    ]
    leg = Leg(
        number=1, operation="free", kind=Kind.LADDER, round=0, offered_per_s=per_s, users=1_000,
        duration_s=due_s[-1], counts={Outcome.OK: len(samples)}, achieved_per_s=per_s,
        server_cpu={"merchants": per_s * _SERVICE_S},
    )  # fmt: skip
    write_leg(run, leg, histograms(samples), samples)
    (group,) = load(run).groups
    return group


def _due(per_s: float) -> list[float]:
    generator = np.random.Generator(np.random.PCG64(7))
    return [float(at) for at in np.cumsum(generator.exponential(1 / per_s, _COUNT))]


def test_work_is_told_from_waiting_where_a_server_is_busy_for_seven_tenths(tmp_path: Path) -> None:
    """M/D/1: half wait, the slowest for ten times as long as the work takes; the work is 4 ms."""
    per_s = 0.7 / _SERVICE_S
    due = _due(per_s)
    free_at, latencies = 0.0, []
    for at in due:
        free_at = max(free_at, at) + _SERVICE_S
        latencies.append(free_at - at)
    found = fitted(_group(tmp_path, per_s, latencies, due), None)
    assert np.mean(latencies) > 1.8 * _SERVICE_S, "there is much waiting in what was measured"
    assert found.known.response_s == pytest.approx([_SERVICE_S] * QUANTILES, rel=0.02)
    assert found.error_p50 == pytest.approx(0, abs=0.02)
    assert found.error_p99 == pytest.approx(0, abs=0.02)


def test_where_nobody_waits_the_work_is_the_latency(tmp_path: Path) -> None:
    generator = np.random.Generator(np.random.PCG64(3))
    latencies = 0.002 + generator.gamma(2, 0.001, _COUNT)
    due = [0.1 * at for at in range(_COUNT)]
    found = fitted(_group(tmp_path, 10, latencies.tolist(), due), None)
    for share in (0.1, 0.5, 0.9):
        kept = found.known.response_s[int(share * len(found.known.response_s))]
        assert kept == pytest.approx(float(np.quantile(latencies, share)), rel=0.03)


def test_what_is_done_after_the_answer_is_no_part_of_the_work_that_is_waited_for(
    tmp_path: Path,
) -> None:
    """The server is busy for 4 ms, but answers after 1: only the next one waits for the rest."""
    due = _due(100)
    made = play(
        Passage(Timing(0.001, 0.001, "", (0.001,)), [("merchants", _SERVICE_S)], on_path=0.25),
        Load(due, users=1_000, duration_s=due[-1]),
        Streams(1, 0),
    )
    assert made.utilisation["merchants"] == pytest.approx(0.4, rel=0.05)
    assert made.latency.quantile(0.5) == pytest.approx(0.001, rel=0.02)
    assert made.latency.quantile(0.9) > 0.003
