"""What a whole is made of: a bar for each choice, its parts on top of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.figures.lines import Drawn


def stacked(
    title: str, up: str, names: Sequence[str], parts: Mapping[str, Sequence[float]]
) -> Drawn:
    """Draw a bar for each name; `parts` has each part's size in every bar, 0 where it has none.

    The scale is linear, since on a logarithmic one the parts of a bar cannot be compared.
    """
    figure, axes = new_figure(title)
    below = [0.0] * len(names)
    for (part, sizes), colour in zip(parts.items(), COLOURS, strict=False):
        axes.bar(range(len(names)), sizes, 0.6, bottom=below, color=colour, label=part)
        below = [under + size for under, size in zip(below, sizes, strict=True)]
    for place, total in enumerate(below):
        axes.annotate(f"{total:,.4g}", (place, total), xytext=(0, 3), textcoords="offset points",
                      ha="center", va="bottom")  # fmt: skip
    axes.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)
    axes.set_ylabel(up)
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure, {
        "title": title,
        "y": up,
        "names": list(names),
        "parts": {part: list(sizes) for part, sizes in parts.items()},
    }
