"""A run on one page: it answers first, and every number can be followed to its leg (style 3)."""

from __future__ import annotations

import csv
import json
import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from benchmarks.leg import Kind
from benchmarks.report.command import reported
from benchmarks.report.figures import FIGURES, drawn
from benchmarks.report.page import plotted, write_report
from benchmarks.report.results import load
from benchmarks.report.svg import inline
from benchmarks.report.tables import comparison, every_leg, tells
from benchmarks.report.verdict import verdict
from mock_rails.core.errors import BadInput
from scenarios.figures.style import save
from tests.unit.benchmarks.report.runs import add_leg, whole_run, write_run

if TYPE_CHECKING:
    from pathlib import Path


class _Ids(HTMLParser):
    """The ids of a page, and where its links go."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note them."""
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            elif name in ("href", "src", "xlink:href"):
                self.links.append(str(value))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose page was written."""
    folder = whole_run(tmp_path_factory.mktemp("run"))
    write_report(folder)
    return folder


def test_a_knee_of_the_load_generator_is_not_told_as_the_server_s(tmp_path: Path) -> None:
    knee = {"per_s": 100.0, "why": "the load generator could do no more", "by_generator": True}
    folder = write_run(tmp_path, knees={"free": knee})
    add_leg(folder, "free", [1_000] * 100, kind=Kind.LADDER, offered_per_s=100.0)
    results = load(folder)
    (doubt,) = (one for one in verdict(results) if "no more" in one.text)
    assert doubt.text.endswith(f"the server's own knee is higher: free ({knee['why']}).")
    assert (doubt.warns, doubt.legs) == (True, (1,))
    table = comparison(results)
    shown = dict(zip(table.head, table.text()[0], strict=True))
    assert (shown["knee, /s"], shown["knee of"]) == ("100", "load generator")


def test_a_report_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 20)
    monkeypatch.setattr("benchmarks.report.page.save", full)
    with pytest.raises(BadInput, match=f"Cannot write to {folder}: No space left on device."):
        write_report(folder)


def test_many_legs_are_folded(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for at in range(8):
        add_leg(folder, "free", [1_000] * 20, failed=1, kind=Kind.SINGLE, offered_per_s=20.0)
        add_leg(folder, "tempo-charge", [5_000] * 20, kind=Kind.LADDER, offered_per_s=20.0 + at)
    text = write_report(folder).read_text()
    assert "<summary><small>8 legs</small></summary>" in text
    assert '<a href="#leg-15">15</a>' in text


def test_every_number_can_be_followed(run: Path) -> None:
    """A sentence links to its legs, a leg to its folder, and nothing to any other place."""
    page = _Ids()
    text = (run / "report.html").read_text()
    page.feed(text)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif link != "data:,":
            assert (run / link).is_file(), link
    assert {f"leg-{n}" for n in range(1, 15)} <= set(page.ids)
    assert "mpp-sandbox bench --intent session --rail tempo --ladder --seed 7" in text
    assert "<script" not in text
    assert not re.findall(r'(?:href|src)="https?:', text)


def test_the_answer_comes_first_then_a_row_for_each_rail(run: Path) -> None:
    text = (run / "report.html").read_text()
    short, row, sentence = (
        text.index(part)
        for part in ('<p class="short">One payer', '<tr><th scope="row">Tempo', "<dt>Which intent")
    )
    assert short < row < sentence
    assert "In short" not in text, "the line needs no name"


def test_the_header_has_all_that_it_takes_to_make_the_run_again(tmp_path: Path) -> None:
    known = {"commit": "35578da9fcb6", "kernel": "6.1.0", "memory_bytes": 8_200_000_000,
             "governor": None}  # fmt: skip
    folder = write_run(tmp_path, environment=known, seed="<7>")
    add_leg(folder, "free", [1_000] * 20)
    text = write_report(folder).read_text()
    assert (
        "Made again by <code>mpp-sandbox bench --intent session --rail tempo --ladder --seed 7"
        "</code> at commit <code>35578da9fcb6</code> with seed <code>&lt;7&gt;</code>."
    ) in text
    assert "<td>kernel</td><td>6.1.0</td>" in text
    assert "<td>memory</td><td>8.20 GB</td>" in text
    assert "governor" not in text, "the system did not tell"


def test_long_tables_are_folded(run: Path) -> None:
    text = (run / "report.html").read_text()
    for name, count in (("latency", 11), ("legs", 14)):
        section = text[text.index(f'<section id="{name}">') :]
        assert f"<details><summary>{count} rows</summary>" in section[:200]


def test_the_numbers_of_a_percentile_figure_are_by_percentile() -> None:
    curve = {"name": "free", "shares": [0.5, 0.999], "values": [1.0, 9.0], "low": [1.0, 8.0],
             "high": [1.0, 10.0]}  # fmt: skip
    line = {"name": "free", "x": [2.0, 1000.0], "y": [1.0, 9.0], "low": [1.0, 8.0],
            "high": [1.0, 10.0]}  # fmt: skip
    shown = plotted({"x": "percentile", "y": "ms", "measured": "ms from when it was due",
                     "lines": [line], "curves": [curve]})  # fmt: skip
    assert '<th scope="col">percentile</th>' in shown
    assert "<td>free</td><td>99.9</td><td>9.00</td><td>8.00 to 10.0</td>" in shown
    assert "<td>free</td><td>50</td><td>1.00</td><td></td>" in shown, "one round has no range"
    assert "1,000" not in shown


def test_every_figure_has_a_title_and_its_numbers(run: Path) -> None:
    text = (run / "report.html").read_text()
    for name in FIGURES:
        numbers = json.loads((run / "figures" / f"{name}.json").read_text())
        assert f'<title id="{name}-title">{escape(numbers["title"])}</title>' in text
        assert (run / "figures" / f"{name}.png").stat().st_size > 1_000
    assert text.count('role="img"') == text.count("<details><summary>The numbers") == len(FIGURES)


def test_figures_show_what_was_measured(run: Path) -> None:
    shown = {name: numbers for name, (_, numbers) in drawn(load(run)).items()}
    charge, session, assumed = shown["break-even"]["lines"]
    assert shown["break-even"]["marks"] == [[9.0, "tempo: from 9 on"]]
    assert session["y"] == [8.5] * len(session["x"])
    assert (session["x"][-1], assumed["x"]) == (100, [100, 1_000]), "a session carried a hundred"
    assert (charge["legs"], session["legs"]) == ([9, 12], [10, 13])
    assert charge["y"][0] == 1
    assert shown["load"]["knees_per_s"] == {"tempo-charge": 100, "tempo-session": 800}
    assert shown["load"]["lines"][0]["x"] == pytest.approx([25, 50, 100, 150], rel=0.01)
    assert shown["throughput"]["bars"][1]["parts"] == [800]
    assert shown["cost"]["parts"] == ["1 request", "10 requests", "100 requests"]
    assert shown["cost"]["bars"][0]["parts"] == [1, 10, 100]
    assert shown["cost"]["bars"][1]["parts"] == [8.5, 8.5, 8.5]
    assert shown["memory"]["lines"][0]["y"] == [90] * 14
    assert shown["processor"]["bars"][0]["parts"] == pytest.approx([8, 4])
    curve = shown["percentiles"]["lines"][1]
    assert curve["name"] == "tempo session"
    assert max(curve["x"]) == 20, "400 requests tell the 95th percentile, and no finer one"


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    figure, numbers = drawn(load(run))["percentiles"]
    again = save(figure, tmp_path / "percentiles", numbers)
    for path in again:
        assert path.read_bytes() == (run / "figures" / path.name).read_bytes()


def test_tables_are_kept_as_columns_of_bare_numbers(run: Path) -> None:
    with (run / "tables" / "comparison.csv").open() as file:
        charge, session, free = csv.DictReader(file)
    assert charge["operation"] == "tempo charge"
    found = [float(charge[f"median, ms{end}"]) for end in ("", ", lowest", ", highest")]
    assert found == pytest.approx([10, 9.5, 10.5], rel=1e-3)
    assert (float(session["knee, /s"]), float(session["fees for 100, $"])) == (800, 0.0085)
    assert (free["fees for 100, $"], free["rounds"]) == ("", "2")
    with (run / "tables" / "latency.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["p99.9, ms"] for row in rows} == {""}, "no round has ten thousand requests"
    with (run / "tables" / "legs.csv").open() as file:
        legs = list(csv.DictReader(file))
    assert sum(int(leg["ok"]) for leg in legs) == sum(one.requests for one in load(run).legs)
    assert len(legs) == 14


def test_a_leg_tells_how_hard_its_machine_was_pressed_and_one_of_before_does_not(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    add_leg(folder, "free", [1_000] * 20, machine={"stolen": 0.031, "pressed": 0.5})
    path = add_leg(folder, "free", [1_000] * 20) / "leg.json"
    old = json.loads(path.read_text())
    del old["machine"]
    path.write_text(json.dumps(old))
    with every_leg(load(folder)).write(folder).open() as file:
        shown = [(row["stolen, %"], row["pressed, %"]) for row in csv.DictReader(file)]
    assert shown == [("3.10000", "50.0000"), ("", "")]


def test_a_percentile_that_no_round_can_tell_is_that_of_all_rounds_and_says_so(
    tmp_path: Path,
) -> None:
    """Of 100 requests five are slower than the 95th in a hundred; of 200, ten are."""
    folder = write_run(tmp_path)
    for turn in (1, 2):
        add_leg(folder, "free", [1_000] * 95 + [4_000] * 5, round=turn, offered_per_s=100.0)
    table = comparison(load(folder))
    shown = dict(zip(table.head, table.text()[0], strict=True))
    assert (shown["median, ms"], shown["p99, ms"]) == ("1.00", "too few")
    assert shown["p95, ms"] == "1.00 (all rounds)"
    with table.write(folder).open() as file:
        (kept,) = csv.DictReader(file)
    assert (kept["p95, ms"], kept["p99, ms"]) == ("1.00000", "")


def test_the_command_tells_the_answers_and_where_the_page_is(run: Path) -> None:
    lines = reported(run)
    assert lines[0].startswith("In short: One payer, by fees. Tempo: charge up to 8 requests")
    assert lines[-1] == f"Written to {run / 'report.html'}."


def test_a_percentile_needs_ten_requests_beyond_it() -> None:
    assert tells(99, 1_000)
    assert not tells(99, 999)
    assert tells(99.9, 10_000)


def test_a_figure_in_a_page_keeps_its_ids_for_itself() -> None:
    svg = '<?xml?><svg width="1"><metadata>x</metadata><g id="a"/><use href="#a"/></svg>'
    assert inline(svg, "f", "A & B") == (
        '<svg width="1" role="img" aria-labelledby="f-title">\n<title id="f-title">A &amp; B'
        '</title><g id="f-a"/><use href="#f-a"/></svg>'
    )
