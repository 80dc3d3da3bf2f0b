"""One look for all figures: colours that everybody can tell apart, few lines, the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

ORANGE: Final = "#D55E00"
BLUE: Final = "#0072B2"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREY: Final = "#555555"
INK: Final = "#222222"
"""Of words: the palette's light colours are too faint for them on white."""
COLOURS: Final = (ORANGE, BLUE, GREEN, PURPLE, YELLOW, SKY, GREY)
"""The palette by Okabe and Ito: charge is the first, session the second, everywhere."""

STYLE: Final[Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 2,
    "svg.hashsalt": "mpp-sandbox",
    "figure.constrained_layout.use": True,
}


def new_figure(title: str, width_in: float = 7.5, height_in: float = 4.2) -> tuple[Figure, Any]:
    """A figure with one pair of axes, drawn without a screen."""
    figure, (axes,) = new_panels(title, (1,), width_in, height_in)
    return figure, axes


def new_panels(
    title: str, heights: Sequence[float], width_in: float, height_in: float
) -> tuple[Figure, list[Any]]:
    """A figure of panels below each other, as high as `heights` are to one another."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width_in, height_in))
        grid = figure.add_gridspec(len(heights), height_ratios=heights)
        panels = [figure.add_subplot(grid[at]) for at in range(len(heights))]
    panels[0].set_title(title, loc="left", fontweight="bold")
    return figure, panels


def note(figure: Figure, text: str) -> None:
    """A sentence below a figure: what cannot be seen in it."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=8.5, color=GREY)


PLAIN: Final = "{x:,.10g}"
"""Ticks written out, in one form on every axis."""


def plain_log(axis: Any) -> None:
    """A logarithmic axis with its ticks written out, the minor ones where decades are few."""
    from matplotlib.ticker import LogFormatter

    class Minor(LogFormatter):
        """Which ones are written is the library's choice, and how is ours."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return PLAIN.format(x=x) if super().__call__(x, pos) else ""

    axis.set_major_formatter(PLAIN)
    axis.set_minor_formatter(Minor())


def save(figure: Figure, path: Path, numbers: dict[str, Any]) -> list[Path]:
    """Write `path` as .png, .svg and .json (what is shown); the same numbers, the same bytes.
    A `source` among the numbers, where they are from, goes into the pictures as well."""
    import matplotlib as mpl

    path.parent.mkdir(parents=True, exist_ok=True)
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg", ".json")]
    about = {}
    if "source" in numbers:
        about = {"Title": numbers["title"], "Description": numbers["source"]}
    with mpl.rc_context(STYLE):
        figure.savefig(written[0], dpi=150, metadata={"Software": None, **about})
        figure.savefig(written[1], metadata={"Date": None, **about})
    written[2].write_text(json.dumps(numbers, indent=2) + "\n")
    return written
