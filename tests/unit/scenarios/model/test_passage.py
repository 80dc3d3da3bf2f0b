"""Requests that pass through processes agree with closed forms (style 4.1: analytic oracles)."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.calibrate import Timing
from scenarios.model.passage import Load, Passage, play
from scenarios.streams import Streams

SERVICE_S = 0.01


def _poisson(per_s: float, count: int) -> list[float]:
    generator = np.random.Generator(np.random.PCG64(1))
    return [float(at) for at in np.cumsum(generator.exponential(1 / per_s, count))]


def _constant(seconds: float) -> Timing:
    return Timing(seconds, seconds, "constant", (seconds,))


def test_one_process_with_constant_service_waits_as_pollaczek_and_khinchine_say() -> None:
    """M/D/1 at a utilisation of 0.7: the mean wait is rho / (2 (1 - rho)) services."""
    due = _poisson(70, 60_000)
    found = play(
        Passage(_constant(SERVICE_S), [("server", SERVICE_S)]),
        Load(due, users=10_000, duration_s=due[-1]),
        Streams(1, 0),
    )
    expected = SERVICE_S * (1 + 0.7 / (2 * 0.3))
    assert found.latency.mean == pytest.approx(expected, rel=0.05)
    assert found.utilisation["server"] == pytest.approx(0.7, rel=0.02)
    assert found.achieved_per_s == pytest.approx(70, rel=0.02)


def test_two_processes_on_one_core_wait_for_it_as_well_as_for_each_other() -> None:
    """Bursts take turns on the core, so that requests under way end later than if each were served
    in one go; on two cores, the two processes are as good as two machines."""
    due = _poisson(70, 3_000)
    one = Passage(_constant(SERVICE_S), [("a", SERVICE_S)])
    two = Passage(_constant(SERVICE_S), [("a", SERVICE_S / 2), ("b", SERVICE_S / 2)])

    def mean(passage: Passage, cores: int | None) -> float:
        load = Load(due, users=10_000, duration_s=due[-1], cores=cores)
        return play(passage, load, Streams(1, 0)).latency.mean

    assert mean(two, 1) > mean(one, 1) > mean(two, 2)
    assert mean(two, 2) == mean(two, None)


def test_time_that_keeps_nobody_busy_is_waited_for_by_nobody() -> None:
    found = play(
        Passage(_constant(SERVICE_S), []), Load([0.0] * 50, users=50, duration_s=1), Streams(1, 0)
    )
    assert found.latency.largest == pytest.approx(SERVICE_S)


def test_latency_counts_from_the_due_moment_though_no_user_is_free() -> None:
    """One user, three requests due at once: the third waits for two others."""
    found = play(
        Passage(_constant(SERVICE_S), []), Load([0.0] * 3, users=1, duration_s=1), Streams(1, 0)
    )
    assert found.latency.largest == pytest.approx(3 * SERVICE_S)
    assert found.achieved_per_s == 3


def test_behind_the_knee_the_server_answers_what_it_can() -> None:
    due = _poisson(200, 2_000)
    found = play(
        Passage(_constant(SERVICE_S), [("server", SERVICE_S)]),
        Load(due, users=48, duration_s=due[-1]),
        Streams(1, 0),
    )
    assert found.achieved_per_s == pytest.approx(100, rel=0.01)
    assert found.utilisation["server"] == pytest.approx(1, rel=0.01)


def test_who_is_quicker_than_all_the_work_takes_its_share_of_each_process() -> None:
    """Two halves of 10 ms each, and a request that took 10 ms in all: each is busy for 5."""
    passage = Passage(_constant(SERVICE_S), [("a", SERVICE_S), ("b", SERVICE_S)])
    found = play(passage, Load([0.0], users=1, duration_s=1), Streams(1, 0))
    assert found.latency.largest == pytest.approx(SERVICE_S)
    assert found.utilisation == pytest.approx({"a": 0.005, "b": 0.005})


def test_what_is_done_after_the_answer_keeps_only_the_next_one_waiting() -> None:
    """Work of 10 ms of which a request waits for 4: alone it takes 4, a second one 14."""
    passage = Passage(_constant(0.004), [("server", SERVICE_S)], on_path=0.4)
    alone = play(passage, Load([0.0], users=2, duration_s=1), Streams(1, 0))
    assert alone.latency.largest == pytest.approx(0.004)
    assert alone.utilisation["server"] == pytest.approx(0.01)
    both = play(passage, Load([0.0, 0.004], users=2, duration_s=1), Streams(1, 0))
    assert both.latency.largest == pytest.approx(SERVICE_S)
