"""A map of which choice is cheapest, over two quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenarios.figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.figures.lines import Drawn


def cheapest_map(
    title: str,
    across: tuple[str, Sequence[Any]],
    up: tuple[str, Sequence[Any]],
    chosen: Sequence[Sequence[str]],
) -> Drawn:
    """Draw `chosen[row][column]`, a row for each value of `up`; each area carries its name."""
    from matplotlib.colors import ListedColormap

    names = sorted({name for row in chosen for name in row})
    figure, axes = new_figure(title)
    numbers = [[names.index(name) for name in row] for row in chosen]
    axes.imshow(numbers, origin="lower", aspect="auto", cmap=ListedColormap(COLOURS[: len(names)]),
                vmin=-0.5, vmax=len(names) - 0.5, alpha=0.75)  # fmt: skip
    for row, line in enumerate(chosen):
        for column, name in enumerate(line):
            axes.text(column, row, name.replace(" ", "\n"), ha="center", va="center", fontsize=7)
    axes.grid(visible=False)
    axes.set_xticks(range(len(across[1])), [f"{one:g}" for one in across[1]])
    axes.set_yticks(range(len(up[1])), [f"{one:g}" for one in up[1]])
    axes.set_xlabel(across[0])
    axes.set_ylabel(up[0])
    return figure, {"title": title, "x": list(across[1]), "y": list(up[1]),
                    "chosen": [list(row) for row in chosen]}  # fmt: skip
