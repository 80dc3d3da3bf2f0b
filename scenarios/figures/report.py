"""A study on one page: HTML that needs no other file, no script and no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from scenarios.parameters import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scenarios.experiment import Result
    from scenarios.statistics import Interval

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;font-size:14px;display:block;overflow-x:auto}"
    "td,th{padding:.2em .8em .2em 0;text-align:left;border-bottom:1px solid #ddd}"
    "svg{max-width:100%;height:auto}small{color:#555}"
)


def page(result: Result, about: dict[str, Any], figures: Sequence[str]) -> str:
    """Question, answer, figures, assumptions, parameters, every number, and how to run it again."""
    study = result.study
    values = result.parameters
    run = ", ".join(f"{name} {about[name]}" for name in ("seed", "replications", "version"))
    table = [
        (name, shown(getattr(values, name)), meaning, source)
        for name, _, meaning, source in study.parameters.table()
    ]
    numbers = [
        (*map(str, one), *(_interval(result.interval(metric, *one)) for metric in result.metrics))
        for one in result.configurations
    ]
    parts = [
        f"<h1>{escape(study.question)}</h1>",
        _list(study.findings(result)),
        *(svg[svg.index("<svg") :] for svg in figures),
        "<h2>How far to trust it</h2>",
        f"<p>{escape(study.trust)}</p>",
        "<h2>Assumptions</h2>",
        _list(study.assumptions),
        "<h2>Parameters</h2>",
        _table(("name", "value", "meaning", "source"), table),
        "<h2>Numbers</h2>",
        f"<p>Means over replications, with {about['confidence']:.0%} intervals.</p>",
        _table((*study.keys, *result.metrics), numbers),
        f"<p><small>{escape(study.name)}: {run}, commit {about['commit'] or 'unknown'}. "
        "The same seed and parameters give the same page.</small></p>",
    ]
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(study.name)}'
        f"</title><style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _interval(found: Interval) -> str:
    if found.low == found.high:
        return f"{found.mean:.4g}"
    return f"{found.mean:.4g} ({found.low:.4g} to {found.high:.4g})"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in lines) + "</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = ("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{''.join(body)}</table>"
