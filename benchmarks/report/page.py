"""A run on one page: HTML that needs no other file, no script and no network (style 3).

The first screen answers; below it are the figures, each with its numbers as a table, then every
leg. A sentence names its legs, a leg its folder, and the run the command that makes it again.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from benchmarks.report.figures import drawn
from benchmarks.report.results import load
from benchmarks.report.svg import inline
from benchmarks.report.tables import TABLES, Table, number, tables
from benchmarks.report.verdict import verdict
from mock_rails.core.errors import BadInput
from scenarios.figures.style import save

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.report.results import Results
    from benchmarks.report.verdict import Said

REPORT: Final = "report.html"
FIGURES: Final = "figures"

_FEW: Final = 6
"""Links that a sentence can carry."""
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#55555c;--page:#fff;
--line:#d5d5da;--warn:#8a3b00}
@media (prefers-color-scheme:dark){
:root{--ink:#e8e8ea;--soft:#a8a8b0;--page:#17171a;--line:#3a3a40;--warn:#ffb27a}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);
max-width:72rem;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p{margin:.4rem 0}
a{color:inherit}small,figcaption,.soft{color:var(--soft);font-size:.85rem}
.answers{font-size:1.05rem;display:grid;grid-template-columns:9rem 1fr;gap:.5rem 1rem}
.answers dt{font-weight:600}.answers dd{margin:0;grid-column:2}.warns{color:var(--warn)}
@media (max-width:40rem){.answers{display:block}.answers dd{margin:0 0 .6rem}}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:0 1rem}
.figures h2{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
figure{margin:1rem 0}figure svg{background:#fff;border-radius:6px;max-width:100%;height:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .9rem .2rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}
th{font-weight:600}code{font-size:.9em;overflow-wrap:anywhere}:target{outline:2px solid}
summary{cursor:pointer}summary:focus-visible,a:focus-visible{outline:2px solid}
"""

_METHOD: Final = (
    "When a request is sent was drawn before the leg began; its latency counts from that moment, "
    "whatever the server or the generator was late with.",
    "Devnet, servers and load generator are processes of their own on one machine, over loopback; "
    "a leg is marked where the generator was too busy to be believed.",
    "Figures are the median over rounds with the lowest and the highest round behind it. Failures "
    "and timeouts count as latencies, and are counted. A percentile takes ten requests beyond it: "
    "where a round alone has too few, it is that of all rounds, and says so.",
    "Fees are read off the rail's own books after the leg. A thousandth of a sat is taken as a "
    "millionth of a dollar, at 100,000 dollars a bitcoin.",
    "Compare the operations with each other. The milliseconds are this machine's.",
)


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
    for table in made:
        table.write(run / TABLES)
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
    first, *others, legs = made
    parts = [
        "<header><h1>Charge or session, and on which rail?</h1>",
        f'<p class="soft">Run {escape(str(about["id"]))}, {escape(str(about["made_at"]))}, '
        f"{len(results.legs)} legs. Made again by <code>{escape(str(about['command']))}</code>"
        "</p></header>",
        "<main>",
        _answers(verdict(results)),
        _section(first),
        f'<div class="figures">{"".join(_picture(*one) for one in pictures)}</div>',
        *(_section(one) for one in others),
        _legs(legs),
        "<section><h2>How it was measured</h2>" + _list(_METHOD) + "</section>",
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
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


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
    stretches = _stretches(legs)
    links = ", ".join(_link(*ends) for ends in stretches)
    if len(stretches) <= _FEW:
        return f" <small>Legs {links}.</small>"
    named = f"<summary><small>{len(legs)} legs</small></summary>"
    return f"<details>{named}<small>{links}</small></details>"


def _link(first: int, last: int) -> str:
    shown = str(first) if first == last else f"{first} to {last}"
    return f'<a href="#leg-{first}">{shown}</a>'


def _stretches(legs: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of legs that follow each other."""
    found: list[tuple[int, int]] = []
    for leg in legs:
        if found and leg == found[-1][1] + 1:
            found[-1] = (found[-1][0], leg)
        else:
            found.append((leg, leg))
    return found


def _section(table: Table) -> str:
    return (
        f'<section id="{table.name}"><h2>{escape(table.title)}</h2>'
        f"{_table(table.head, table.text())}"
        f'<small><a href="{TABLES}/{table.name}.csv">{table.name}.csv</a></small></section>'
    )


def _legs(table: Table) -> str:
    """The legs, each a target for links, with a link to its folder."""
    rows = [
        "<tr>"
        f'<th scope="row" id="leg-{escape(row[0])}">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:-1])
        + f'<td><a href="{escape(row[-1])}/leg.json">{escape(row[-1])}</a></td></tr>'
        for row in table.text()
    ]
    return (
        f'<section id="{table.name}"><h2>{escape(table.title)}</h2>'
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f"<table>{_head(table.head)}<tbody>{''.join(rows)}</tbody></table></div>"
        f'<small><a href="{TABLES}/{table.name}.csv">{table.name}.csv</a></small></section>'
    )


def _picture(name: str, svg: str, numbers: Mapping[str, Any]) -> str:
    title = str(numbers["title"])
    files = ", ".join(
        f'<a href="{FIGURES}/{name}.{kind}">{kind}</a>' for kind in ("svg", "png", "json")
    )
    return (
        f'<section id="figure-{name}"><h2>{escape(title)}</h2>'
        f"<figure>{inline(svg, name, title)}<figcaption>{files}</figcaption></figure>"
        f"<details><summary>The numbers of this figure</summary>{_plotted(numbers)}</details>"
        "</section>"
    )


def _plotted(numbers: Mapping[str, Any]) -> str:
    """What a figure shows, as a table."""
    if "bars" in numbers:
        parts = numbers["parts"] or [numbers["x"]]
        rows = [(bar["name"], *map(number, bar["parts"])) for bar in numbers["bars"]]
        return _table(("operation", *parts), rows)
    points = [
        (line["name"], f"{x:,g}", number(y), f"{number(low)} to {number(high)}")
        for line in numbers["lines"]
        for x, y, low, high in zip(line["x"], line["y"], line["low"], line["high"], strict=True)
    ]
    return _table(("operation", numbers["x"], numbers["y"], "range"), points)


def _known(title: str, facts: Mapping[str, Any]) -> str:
    rows = [(key, value) for key, value in _flat(facts)]
    return f"<section><h2>{title}</h2>{_table(('what', 'value'), rows)}</section>"


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key} ")
        elif isinstance(value, list):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{key}", str(value)


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in lines) + "</ul>"


def _head(head: Sequence[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    return f"<thead><tr>{cells}</tr></thead>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="table">'
        f"<table>{_head(head)}<tbody>{body}</tbody></table></div>"
    )
