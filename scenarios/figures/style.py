"""One look for all figures: colours that everybody can tell apart, few lines, the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

ORANGE: Final = "#D55E00"
BLUE: Final = "#0072B2"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREY: Final = "#555555"
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
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width_in, height_in))
        axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontweight="bold")
    return figure, axes


def plain_log(axis: Any) -> None:
    """A logarithmic axis with its ticks written out, the minor ones where decades are few."""
    from matplotlib.ticker import LogFormatter

    axis.set_major_formatter("{x:,.10g}")
    axis.set_minor_formatter(LogFormatter())


def save(figure: Figure, path: Path, numbers: dict[str, Any]) -> list[Path]:
    """Write `path` as .png, .svg and .json (what is shown); the same numbers, the same bytes."""
    import matplotlib as mpl

    path.parent.mkdir(parents=True, exist_ok=True)
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg", ".json")]
    with mpl.rc_context(STYLE):
        figure.savefig(written[0], dpi=150, metadata={"Software": None})
        figure.savefig(written[1], metadata={"Date": None})
    written[2].write_text(json.dumps(numbers, indent=2) + "\n")
    return written
