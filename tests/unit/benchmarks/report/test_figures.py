"""Figures of made-up runs: what they show is known by hand, and each names its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.leg import Kind, Phase
from benchmarks.report import curves, machine, throughput, waterfall
from benchmarks.report import load as over_load
from benchmarks.report.figures import drawn
from benchmarks.report.results import load
from benchmarks.report.source import source
from benchmarks.report.waterfall import PARTS, typical
from scenarios.figures.style import COLOURS
from tests.unit.benchmarks.report.runs import add_leg, whole_run, write_run

if TYPE_CHECKING:
    from pathlib import Path

_PHASES = {Phase.CHALLENGE: 1_000, Phase.SIGN: 500, Phase.PAID: 6_000, Phase.VERIFY: 2_000,
           Phase.SETTLE: 3_000, Phase.DELIVER: 200}  # fmt: skip


def test_a_typical_request_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "tempo-charge", [8_000] * 20 + [500_000], phases_us=_PHASES)
    parts = typical(load(run).basis("tempo-charge"))
    assert parts == {"challenge": 1_000, "sign": 500, "verify": 2_000, "settle": 3_000,
                     "deliver": 200, "tokens": 0, "rest": 1_300}  # fmt: skip
    assert tuple(parts) == PARTS
    assert sum(parts.values()) == 8_000


def test_a_typical_request_is_of_the_median_round_and_no_round_counts_for_more(
    tmp_path: Path,
) -> None:
    """Pooled, the slow round with its many requests would be all that is seen."""
    run = write_run(tmp_path)
    for turn, (took_us, count) in enumerate(((2_000, 20), (3_000, 20), (90_000, 400)), start=1):
        add_leg(run, "free", [took_us] * count, round=turn, offered_per_s=20.0)
    parts = typical(load(run).basis("free"))
    assert parts is not None
    assert parts["rest"] == sum(parts.values()) == 3_000


def test_what_is_left_of_a_stream_is_its_tokens_on_an_axis_of_its_own(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    add_leg(run, "tempo-charge", [8_000] * 20, phases_us=_PHASES)
    add_leg(run, "tempo-stream", [120_000] * 20, phases_us=_PHASES)
    picture, numbers = waterfall.figure(load(run))
    charge, stream = (dict(zip(PARTS, one["parts"], strict=True)) for one in numbers["bars"])
    assert (charge["tokens"], charge["rest"]) == (0, 1.3)
    assert (stream["tokens"], stream["rest"]) == (113.3, 0)
    assert [len(axes.get_yticklabels()) for axes in picture.axes] == [1, 1]
    assert [one["legs"] for one in numbers["bars"]] == [[1], [2]]


def test_memory_is_told_leg_after_leg_and_of_each_process(tmp_path: Path) -> None:
    """Bars of operations would tell in which order they were run."""
    run = write_run(tmp_path)
    for at, name in enumerate(("free", "tempo-charge", "free"), start=1):
        add_leg(run, name, [1_000] * 20,
                server_cpu={"rails": 0.1, "merchants": 0.1},
                server_memory_bytes={"rails": at * 50_000_000, "merchants": 90_000_000},
                )  # fmt: skip
    found = machine.memory(load(run))
    assert found is not None
    rails, merchants = found[1]["lines"]
    assert (rails["name"], rails["x"], rails["y"]) == ("rails", [1, 2, 3], [50, 100, 150])
    assert merchants["y"] == [90, 90, 90]
    assert rails["legs"] == [1, 2, 3]


def test_the_generator_is_no_part_of_a_request_s_processor_time(tmp_path: Path) -> None:
    """0.4 and 0.2 of a core over a hundred answers a second are 4 and 2 ms each; 0.3 are 3."""
    run = write_run(tmp_path)
    add_leg(run, "tempo-charge", [1_000] * 100, generator_cpu=0.3,
            server_cpu={"merchants": 0.4, "rails": 0.2})  # fmt: skip
    picture, numbers = machine.processor(load(run))
    (bar,) = numbers["bars"]
    assert bar["parts"] == pytest.approx([4, 2])
    assert bar["load generator"] == pytest.approx(3)
    assert [one.get_text() for one in picture.axes[0].texts] == ["6 ms"]


def test_load_is_what_was_due_and_not_what_was_asked_for(tmp_path: Path) -> None:
    """A schedule drawn for 20/s that held 30 requests in its second is a load of 30/s."""
    run = write_run(tmp_path)
    for asked, count in ((20.0, 30), (40.0, 40)):
        add_leg(run, "free", [1_000] * count, kind=Kind.LADDER, offered_per_s=asked)
    found = over_load.figure(load(run))
    assert found is not None
    (line,) = found[1]["lines"]
    assert line["x"] == pytest.approx([30, 40], rel=0.01)
    assert line["legs"] == [1, 2]


def test_two_knees_at_one_rate_have_a_ring_each(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    for name, took_us in (("tempo-charge", 9_000), ("lightning-session", 4_000)):
        for rate, slower in ((50, 1), (100, 1), (200, 100)):
            add_leg(run, name, [took_us * slower] * rate, kind=Kind.LADDER,
                    offered_per_s=float(rate))  # fmt: skip
    found = over_load.figure(load(run))
    assert found is not None
    assert found[1]["knees_per_s"] == {"tempo-charge": 100, "lightning-session": 100}
    rings = [one for one in found[0].axes[0].lines if one.get_markersize() > 10]
    places = [(float(one.get_xdata()[0]), float(one.get_ydata()[0])) for one in rings]
    assert [x for x, _ in places] == pytest.approx([100, 100], rel=0.01)
    assert [y for _, y in places] == pytest.approx([9, 4], rel=0.01)
    assert len({one.get_markeredgecolor() for one in rings} & set(COLOURS)) == 2


def test_percentiles_are_compared_at_the_rate_that_operations_had_in_common(
    tmp_path: Path,
) -> None:
    """Two rounds of 20 tell three quarters together, and nine in ten take 100 requests."""
    run = write_run(tmp_path)
    for name, took_us in (("tempo-charge", 9_000), ("free", 1_000)):
        for turn in (1, 2):
            add_leg(run, name, [took_us] * 20, round=turn, offered_per_s=20.0)
        add_leg(run, name, [1_000] * 10, offered_per_s=10.0, share_of_knee=0.5)
    picture, numbers = curves.figure(load(run))
    assert numbers["title"] == "How long requests take at 20/s"
    charge, free = numbers["curves"]
    assert (charge["legs"], free["legs"]) == ([1, 2], [4, 5])
    assert charge["shares"] == [0, 0.25, 0.5, 0.75]
    assert charge["values"] == pytest.approx([9] * 4, rel=1e-3)
    solid, dotted, *_ = picture.axes[0].lines
    assert [one.get_linestyle() for one in (solid, dotted)] == ["-", ":"]
    assert list(dotted.get_xdata()) == [2, 4], "75 in a hundred are told by both rounds together"
    assert "ends where fewer than 10 requests lie beyond" in numbers["note"]


@pytest.mark.parametrize(("count", "bands"), [(2, 2), (5, 0)])
def test_many_curves_are_drawn_without_bands(tmp_path: Path, count: int, bands: int) -> None:
    run = write_run(tmp_path)
    names = ("free", "tempo-charge", "tempo-session", "stripe-charge", "lightning-charge")
    for name in names[:count]:
        for turn in (1, 2):
            add_leg(run, name, [1_000 * turn] * 20, round=turn, offered_per_s=20.0)
    picture, numbers = curves.figure(load(run))
    assert len(picture.axes[0].collections) == bands
    assert len(numbers["curves"]) == count


def test_the_most_that_was_answered_is_a_dot_on_a_log_axis_and_says_whose_end_it_was(
    tmp_path: Path,
) -> None:
    knee = {"per_s": 800.0, "why": "the load generator could do no more", "by_generator": True}
    run = write_run(tmp_path, knees={"free": knee})
    add_leg(run, "tempo-charge", [1_000] * 20, kind=Kind.LADDER)
    add_leg(run, "free", [1_000] * 800, kind=Kind.LADDER)
    add_leg(run, "free", [900_000] * 900, kind=Kind.LADDER)
    found = throughput.figure(load(run))
    assert found is not None
    picture, numbers = found
    assert picture.axes[0].get_xscale() == "log"
    assert [(one["parts"], one["legs"]) for one in numbers["bars"]] == [([20], [1]), ([800], [2])]
    assert numbers["note"] == "At least, for the load generator could do no more: free."


def test_every_figure_tells_its_run_its_commit_and_its_legs(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    results = load(run)
    told = {name: numbers["source"] for name, (_, numbers) in drawn(results).items()}
    assert told["load"] == "mpp-sandbox, load run 20261127-120000, legs 1 to 8."
    assert told["phases"].endswith(", legs 9 to 14.")
    write_run(tmp_path, environment={"commit": "abc"})
    numbers = {"bars": [{"legs": [3, 1, 2]}, {"legs": [7]}]}
    assert source(load(run), numbers) == (
        "mpp-sandbox, load run 20261127-120000, at commit abc, legs 1 to 3, 7."
    )
