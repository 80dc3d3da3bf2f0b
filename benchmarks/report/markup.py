"""Pieces of HTML that a page is made of, and how they look: no script, and no other file."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#55555c;--page:#fff;
--line:#d5d5da;--warn:#8a3b00}
@media (prefers-color-scheme:dark){
:root{--ink:#e8e8ea;--soft:#a8a8b0;--page:#17171a;--line:#3a3a40;--warn:#ffb27a}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);
max-width:72rem;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p{margin:.4rem 0}
a{color:inherit}small,figcaption,.soft{color:var(--soft);font-size:.85rem}
.short{font-size:1.3rem;line-height:1.35;margin:1rem 0 .5rem}
.answers{font-size:1.05rem;display:grid;grid-template-columns:9rem 1fr;gap:.5rem 1rem}
.answers dt{font-weight:600}.answers dd{margin:0;grid-column:2}.warns{color:var(--warn)}
@media (max-width:40rem){.answers{display:block}.answers dd{margin:0 0 .6rem}}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(34rem,100%),1fr));gap:0 1rem}
.figures h2{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
figure{margin:1rem 0}.figures section{min-width:0}
figure svg{background:#fff;border-radius:6px;width:100%;min-width:34rem;height:auto}
.wide{overflow-x:auto}.wide td{white-space:nowrap}
.known td,.wide details{white-space:normal}.wide summary{white-space:nowrap}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .9rem .2rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}
th{font-weight:600}code{font-size:.9em;overflow-wrap:anywhere}:target{outline:2px solid}
summary{cursor:pointer}summary:focus-visible,a:focus-visible{outline:2px solid}
"""


def listed(lines: Iterable[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in lines) + "</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain text."""
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return wide("table", head, body)


def wide(title: str, head: Sequence[str], body: str) -> str:
    """A table by the HTML of its rows."""
    cells = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    made = f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody>"
    return scrolled(title, f"<table>{made}</table>")


def scrolled(title: str, inner: str) -> str:
    """What may be wider than a screen, in a box that scrolls."""
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(title)}">{inner}</div>'
    )
