"""A run on one page: HTML that needs no other file, no script and no network (style 3).

The first screen answers; below it are the figures, each with its numbers as a table, then every
leg. A sentence names its legs, a leg its folder, and the run the command that makes it again.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from benchmarks.report.answer import SHORT, head, rows
from benchmarks.report.figures import drawn
from benchmarks.report.markup import STYLE, listed, scrolled, table, wide
from benchmarks.report.method import METHOD
from benchmarks.report.results import load
from benchmarks.report.source import span, stretches
from benchmarks.report.svg import inline
from benchmarks.report.tables import TABLES, Table, number, tables
from benchmarks.report.verdict import verdict
from mock_rails.core.errors import BadInput
from scenarios.figures.style import save

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.report.results import Results
    from benchmarks.report.said import Said

REPORT: Final = "report.html"
FIGURES: Final = "figures"

_BYTES: Final = "_bytes"
_FEW: Final = 6
"""Links that a sentence can carry."""


def write_report(run: Path) -> Path:
    """Write figures, tables and the page into a run's folder; returns the page."""
    results = load(run)
    try:
        return _written(results, run)
    except OSError as error:
        raise BadInput(f"Cannot write to {run}: {error.strerror}.") from None


def _written(results: Results, run: Path) -> Path:
    pictures = []
    for name, (figure, numbers) in drawn(results).items():
        written = save(figure, run / FIGURES / name, numbers)
        pictures.append((name, written[1].read_text(encoding="utf-8"), numbers))
    made = tables(results)
    for one in made:
        one.write(run / TABLES)
    path = run / REPORT
    path.write_text(page(results, pictures, made), encoding="utf-8")
    return path


def page(
    results: Results,
    pictures: Sequence[tuple[str, str, Mapping[str, Any]]],
    made: Sequence[Table],
) -> str:
    """The whole page, by the results, the figures' SVG and numbers, and the tables."""
    about = results.about
    first, latency, *others, legs = made
    said = verdict(results)
    parts = [
        "<header><h1>Charge or session, and on which rail?</h1>",
        f'<p class="soft">Run {escape(str(about["id"]))}, {escape(str(about["made_at"]))}, '
        f"{len(results.legs)} legs. {_again(about)}</p></header>",
        "<main>",
        *(_short(one) for one in said if one.about == SHORT),
        _rails(results),
        _answers(one for one in said if one.about != SHORT),
        _section(first),
        f'<div class="figures">{"".join(_picture(*one) for one in pictures)}</div>',
        _folded(latency),
        *(_section(one) for one in others),
        _legs(legs),
        "<section><h2>How it was measured</h2>" + listed(METHOD) + "</section>",
        _known("Configuration", {"seed": about["seed"], **about["configuration"]}),
        _known("Environment", about["environment"]),
        "</main>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f'<link rel="icon" href="data:,"><title>Load run {escape(str(about["id"]))}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _again(about: Mapping[str, Any]) -> str:
    """Everything that it takes to make the run again."""
    commit = about["environment"].get("commit")
    at = f" at commit <code>{escape(str(commit))}</code>" if commit else ""
    return (
        f"Made again by <code>{escape(str(about['command']))}</code>{at} with seed "
        f"<code>{escape(str(about['seed']))}</code>."
    )


def _short(said: Said) -> str:
    return f'<p class="short">{escape(said.text)}</p>{_where(said.legs)}'


def _rails(results: Results) -> str:
    """A row for each rail, with the legs that it rests on."""
    body = "".join(
        f'<tr><th scope="row">{escape(one.cells[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in one.cells[1:])
        + f"<td>{_where(one.legs)}</td></tr>"
        for one in rows(results)
    )
    return wide("Rail by rail", [*head(results), "legs"], body) if body else ""


def _answers(said: Iterable[Said]) -> str:
    """Each question once, with all that answers it."""
    lines, asked = [], ""
    for one in said:
        kind = ' class="warns"' if one.warns else ""
        if one.about != asked:
            lines.append(f"<dt{kind}>{one.about}</dt>")
            asked = one.about
        lines.append(f"<dd{kind}>{escape(one.text)}{_where(one.legs)}</dd>")
    return f'<dl class="answers">{"".join(lines)}</dl>'


def _where(legs: Sequence[int]) -> str:
    """Links to the legs that a sentence rests on; folded where they are many."""
    if not legs:
        return ""
    found = stretches(legs)
    links = ", ".join(_link(*ends) for ends in found)
    if len(found) <= _FEW:
        return f" <small>Legs {links}.</small>"
    named = f"<summary><small>{len(legs)} legs</small></summary>"
    return f"<details>{named}<small>{links}</small></details>"


def _link(first: int, last: int) -> str:
    return f'<a href="#leg-{first}">{span(first, last)}</a>'


def _section(shown: Table) -> str:
    return (
        f'<section id="{shown.name}"><h2>{escape(shown.title)}</h2>'
        f"{table(shown.head, shown.text())}{_file(shown)}</section>"
    )


def _folded(shown: Table, body: str = "") -> str:
    """A table that is too long to scroll past; a link to one of its rows unfolds it."""
    return (
        f'<section id="{shown.name}"><h2>{escape(shown.title)}</h2>'
        f"<details><summary>{len(shown.rows):,} rows</summary>"
        f"{body or table(shown.head, shown.text())}</details>{_file(shown)}</section>"
    )


def _file(shown: Table) -> str:
    return f'<small><a href="{TABLES}/{shown.name}.csv">{shown.name}.csv</a></small>'


def _legs(shown: Table) -> str:
    """The legs, each a target for links, with a link to its folder."""
    body = "".join(
        "<tr>"
        f'<th scope="row" id="leg-{escape(row[0])}">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:-1])
        + f'<td><a href="{escape(row[-1])}/leg.json">{escape(row[-1])}</a></td></tr>'
        for row in shown.text()
    )
    return _folded(shown, wide(shown.title, shown.head, body))


def _picture(name: str, svg: str, numbers: Mapping[str, Any]) -> str:
    title = str(numbers["title"])
    files = ", ".join(
        f'<a href="{FIGURES}/{name}.{kind}">{kind}</a>' for kind in ("svg", "png", "json")
    )
    return (
        f'<section id="figure-{name}"><h2>{escape(title)}</h2>'
        f"<figure>{scrolled(title, inline(svg, name, title))}"
        f"<figcaption>{files}</figcaption></figure>"
        f"<details><summary>The numbers of this figure</summary>{plotted(numbers)}</details>"
        "</section>"
    )


def plotted(numbers: Mapping[str, Any]) -> str:
    """What a figure shows, as a table."""
    if "bars" in numbers:
        parts = numbers["parts"] or [numbers["x"]]
        rows = [(bar["name"], *map(number, bar["parts"])) for bar in numbers["bars"]]
        return table(("operation", *parts), rows)
    if "curves" in numbers:
        told = [
            (curve["name"], f"{share * 100:g}", number(value), _ends(low, high))
            for curve in numbers["curves"]
            for share, value, low, high in zip(
                *(curve[part] for part in ("shares", "values", "low", "high")), strict=True
            )
        ]
        return table(("operation", "percentile", numbers["measured"], "range"), told)
    points = [
        (line["name"], f"{x:,.4g}", number(y), _ends(low, high))
        for line in numbers["lines"]
        for x, y, low, high in zip(line["x"], line["y"], line["low"], line["high"], strict=True)
    ]
    return table(("operation", numbers["x"], numbers["y"], "range"), points)


def _ends(low: float, high: float) -> str:
    """A range, where there is one."""
    return f"{number(low)} to {number(high)}" if low < high else ""


def _known(title: str, facts: Mapping[str, Any]) -> str:
    rows = list(_flat(facts))
    return f'<section class="known"><h2>{title}</h2>{table(("what", "value"), rows)}</section>'


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in facts.items():
        match value:
            case None:
                continue
            case dict():
                yield from _flat(value, f"{prefix}{key} ")
            case list():
                yield f"{prefix}{key}", ", ".join(map(str, value))
            case int() if key.endswith(_BYTES):
                yield f"{prefix}{key.removesuffix(_BYTES)}", f"{number(value / 1e9)} GB"
            case _:
                yield f"{prefix}{key}", str(value)
