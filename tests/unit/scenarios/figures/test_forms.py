"""The forms of figure tell the numbers that they show, and tests look at those, not at pixels."""

from __future__ import annotations

import pytest

from scenarios.experiment import Method, find, run
from scenarios.figures.bars import Bar, bars
from scenarios.figures.curves import Curve, ecdf, nines
from scenarios.statistics import bootstrap_interval
from scenarios.studies.charge_vs_session import SHARES
from tests.simulation.quick import QUICK


def curve(name: str, *values: float) -> Curve:
    return Curve(name, (0.5, 0.9, 0.99), [bootstrap_interval([one, one], 0.95) for one in values])


@pytest.mark.parametrize("draw", [ecdf, nines])
def test_a_distribution_tells_its_shares_and_values(draw) -> None:
    figure, numbers = draw("Latency", "ms", [curve("charge", 1, 2, 3), curve("free", 1, 1, 1)])
    assert [one["name"] for one in numbers["curves"]] == ["charge", "free"]
    assert numbers["curves"][0]["shares"] == [0.5, 0.9, 0.99]
    assert numbers["curves"][0]["values"] == [1, 2, 3]
    assert len(figure.axes[0].lines) == 2


def test_the_tail_gives_every_nine_the_same_room() -> None:
    figure, _ = nines("Latency", "ms", [curve("charge", 1, 2, 3)])
    at = figure.axes[0].lines[0].get_xdata()
    assert list(at) == pytest.approx([2, 10, 100])
    assert [one.get_text() for one in figure.axes[0].get_xticklabels()] == ["50", "90", "99"]


def test_a_bar_is_as_long_as_its_parts_together() -> None:
    shown = [Bar("a", [1.0, 3.0]), Bar("b", [2.0, 0.0])]
    figure, numbers = bars("Cost", "units", shown, parts=("gas", "loss"))
    ends = [patch.get_x() + patch.get_width() for patch in figure.axes[0].patches]
    assert ends == [1.0, 4.0, 2.0, 2.0]
    assert numbers["parts"] == ["gas", "loss"]
    assert [one["parts"] for one in numbers["bars"]] == [[1.0, 3.0], [2.0, 0.0]]


def test_a_studys_curve_rises_and_agrees_with_its_percentiles() -> None:
    study = find("charge-vs-session")
    result = run(study, study.parameters.read(QUICK["charge_vs_session"]), Method(replications=2))
    where = result.configurations[0]
    means = [one.mean for one in result.curve("latency_ms", *where)]
    assert means == sorted(means)
    assert means[SHARES.index(0.99)] == result.interval("latency_p99_ms", *where).mean


def test_the_parts_of_a_schedules_cost_are_its_cost() -> None:
    study = find("settlement")
    result = run(study, study.parameters.read(QUICK["settlement"]), Method(replications=2))
    _, numbers = study.figures(result)["costs"]
    for bar in numbers["bars"]:
        whole = result.interval("cost_per_request", bar["name"]).mean
        assert sum(bar["parts"]) == pytest.approx(whole)
