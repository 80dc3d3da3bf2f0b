"""Recorders count every request, and add up without loss (style 4.2, recorder)."""

from __future__ import annotations

import json

import pytest

from benchmarks.leg import Outcome, Phase, Sample
from benchmarks.recorder import LAG, Recorder
from mock_rails.core.seeds import Seeds


def sample(took_us: int, outcome: Outcome = Outcome.OK, late_us: int = 0) -> Sample:
    return Sample(1_000, 1_000 + late_us, 1_000 + took_us, outcome, {Phase.SIGN: took_us // 2})


def drawn(count: int, seed: int) -> list[Sample]:
    stream = Seeds(seed).stream("latencies")
    return [
        sample(stream.integer(1, 5_000_000), stream.choice(list(Outcome))) for _ in range(count)
    ]


def test_a_latency_counts_from_the_moment_when_the_request_was_due() -> None:
    recorder = Recorder()
    recorder.add([sample(3_000, late_us=2_000)], [2_000])
    found = [recorder.percentile_us(name, 50) for name in (Phase.TOTAL, Phase.SERVICE, LAG)]
    assert found == pytest.approx([3_000, 1_000, 2_000], rel=0.001)


def test_requests_are_under_way_from_when_they_were_sent() -> None:
    recorder = Recorder()
    recorder.add([sample(3_000, late_us=2_000), sample(500)])
    assert recorder.under_way_us == 1_500


def test_failures_and_timeouts_have_latencies_and_are_counted() -> None:
    recorder = Recorder()
    recorder.add([sample(10), sample(20, Outcome.FAILED), sample(30, Outcome.TIMEOUT)])
    assert recorder.counts() == {Outcome.OK: 1, Outcome.FAILED: 1, Outcome.TIMEOUT: 1}
    assert recorder.percentile_us(Phase.TOTAL, 100) == 30
    assert recorder.percentile_us(Phase.TOTAL, 100, Outcome.FAILED) == 20


def test_percentiles_are_those_of_the_sorted_samples_to_three_digits() -> None:
    samples = drawn(5_000, 1)
    recorder = Recorder()
    recorder.add(samples)
    took = sorted(one.ended_us - one.due_us for one in samples)
    for percent in (50, 90, 99, 99.9):
        exact = took[round(len(took) * percent / 100) - 1]
        assert recorder.percentile_us(Phase.TOTAL, percent) == pytest.approx(exact, rel=0.002)


def test_parts_that_were_sent_and_added_up_are_the_same_as_one_that_heard_all() -> None:
    parts = [drawn(1_000, seed) for seed in range(3)]
    whole, merged = Recorder(), Recorder()
    for samples in parts:
        whole.add(samples)
        part = Recorder()
        part.add(samples)
        merged.merge(Recorder.from_json(json.loads(json.dumps(part.to_json()))))
    assert merged.encoded() == whole.encoded()
    assert merged.samples == whole.samples
    assert merged.counts() == whole.counts()


def test_what_takes_longer_than_a_minute_is_a_minute_and_not_left_out() -> None:
    recorder = Recorder()
    recorder.add([sample(90_000_000)])
    assert recorder.counts()[Outcome.OK] == 1
    assert recorder.percentile_us(Phase.TOTAL, 50) == pytest.approx(60_000_000, rel=0.001)


def test_nothing_has_no_percentiles() -> None:
    assert Recorder().percentile_us(Phase.TOTAL, 99) == 0
