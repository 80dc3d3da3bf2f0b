"""The forms of figure tell the numbers that they show, and tests look at those, not at pixels."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from matplotlib.lines import Line2D

from scenarios.experiment import Method, find, run
from scenarios.figures.bars import Bar, bars
from scenarios.figures.curves import Curve, ecdf, nines
from scenarios.figures.lines import Line, lines
from scenarios.figures.style import COLOURS, INK, save
from scenarios.statistics import Interval, bootstrap_interval
from scenarios.studies.charge_vs_session import SHARES
from tests.simulation.quick import QUICK

if TYPE_CHECKING:
    from pathlib import Path


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


def flat(*values: float) -> list[Interval]:
    return [Interval(one, one, one, 1) for one in values]


def test_on_a_log_axis_each_part_is_a_dot_at_its_own_number() -> None:
    figure, _ = bars("Speed", "a second", [Bar("a", [20.0]), Bar("b", [4_000.0])], log=True)
    (axes,) = figure.axes
    assert not axes.patches
    assert [list(map(float, one.get_offsets()[0])) for one in axes.collections] == [
        [20, 0], [4_000, 1],
    ]  # fmt: skip
    assert [one.get_text() for one in axes.texts] == ["20", "4,000"]


def test_what_stands_apart_has_an_axis_of_its_own_and_its_place_in_the_numbers() -> None:
    shown = [Bar("a", [1.0]), Bar("long", [300.0]), Bar("b", [2.0])]
    figure, numbers = bars("Time", "ms", shown, apart=["long"])
    upper, lower = figure.axes
    assert [one.get_text() for one in upper.get_yticklabels()] == ["a", "b"]
    assert [one.get_text() for one in lower.get_yticklabels()] == ["long"]
    assert upper.get_xlim()[1] < 3
    assert lower.get_xlabel() == "ms (another scale)"
    assert [one["name"] for one in numbers["bars"]] == ["a", "long", "b"]


def test_what_stands_beside_a_bar_is_no_part_of_its_number() -> None:
    bar = Bar("a", [1.0, 2.0], beside=5.0, about={"legs": [7]})
    figure, numbers = bars("Busy", "ms", [bar], parts=("x", "y"), beside="other")
    assert [(one.get_text(), one.xy[0]) for one in figure.axes[0].texts] == [("3", 3.0)]
    assert numbers["bars"] == [{"name": "a", "parts": [1.0, 2.0], "other": 5.0, "legs": [7]}]
    assert numbers["parts"] == ["x", "y"]


def test_what_is_not_firm_of_a_line_is_dotted_and_goes_on_from_there() -> None:
    line = Line("a", (1, 2, 3, 4), flat(1, 2, 3, 4), firm=2, about={"legs": [1]})
    figure, numbers = lines("Fees", "requests", "$", [line], log_x=False, log_y=False)
    solid, dotted = figure.axes[0].lines
    assert (list(solid.get_xdata()), solid.get_linestyle()) == ([1, 2], "-")
    assert (list(dotted.get_xdata()), dotted.get_linestyle()) == ([2, 3, 4], ":")
    assert numbers["lines"][0]["x"] == [1, 2, 3, 4]
    assert numbers["lines"][0]["legs"] == [1]


@pytest.mark.parametrize("is_log", [True, False])
def test_ticks_are_written_in_one_form(is_log: bool) -> None:
    line = Line("a", (900, 5_200), flat(900, 5_200))
    figure, _ = lines("Load", "a second", "ms", [line], log_x=is_log, log_y=is_log)
    figure.draw_without_rendering()
    axis = figure.axes[0].xaxis
    told = [one.get_text() for minor in (False, True) for one in axis.get_ticklabels(minor=minor)]
    assert {"1,000", "2,000", "4,000"} <= set(told)
    assert not [one for one in told if re.search(r"\d{4}", one)]


def test_names_are_in_ink_and_the_line_s_colour_is_a_stroke() -> None:
    shown = [Line("a", (1, 10), flat(1, 2), colour=4), Line("b", (1, 10), flat(1, 2), dashed=True)]
    figure, _ = lines("Load", "x", "y", shown)
    assert {one.get_color() for one in figure.axes[0].texts} == {INK}
    strokes = [one for one in figure.artists if isinstance(one, Line2D)]
    assert [one.get_color() for one in strokes] == [COLOURS[4], COLOURS[1]]
    assert [one.is_dashed() for one in strokes] == [False, True]


def test_names_at_the_ends_of_lines_do_not_touch() -> None:
    shown = [Line(f"line {one}", (1, 10, 100), flat(1, 2, 3 + one / 10)) for one in range(4)]
    figure, _ = lines("Load", "x", "y", [*shown, Line("short", (1, 10), flat(5, 5.5))],
                      named_at_ends=True)  # fmt: skip
    figure.draw_without_rendering()
    boxes = [one.get_window_extent() for one in figure.axes[0].texts]
    assert len(boxes) == 5
    assert not [1 for one, other in combinations(boxes, 2) if one.overlaps(other)]


def test_pictures_tell_where_they_are_from(tmp_path: Path) -> None:
    figure, numbers = bars("Speed", "a second", [Bar("a", [20.0])])
    png, svg, _ = save(figure, tmp_path / "a", numbers | {"source": "run 7, legs 1 to 3."})
    assert "<dc:description>run 7, legs 1 to 3.</dc:description>" in svg.read_text()
    assert b"Description\0run 7, legs 1 to 3." in png.read_bytes()
    assert b"Title\0Speed" in png.read_bytes()
    again = save(figure, tmp_path / "b", numbers | {"source": "run 7, legs 1 to 3."})
    assert again[1].read_bytes() == svg.read_bytes()
