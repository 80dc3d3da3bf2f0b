"""Which line is whose: a stroke as the line has it, and its name in ink that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from scenarios.figures.style import INK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_APART: Final = 0.055
"""How far apart two names stand at least, as a share of the axes' height."""
_STROKE: Final = 0.024
"""How long a stroke before a name is, as a share of the axes' width."""
_GAP: Final = 0.01
_LETTER: Final = 0.0115
"""How wide a letter is, about."""
_LOWER: Final = 6
"""So many places below each other are tried for a name."""
_CLOSE: Final = 0.01
_LETTERS: Final = 1_000
"""A name over another is worse than over any line."""
_FURTHER: Final = 5
"""A name so much lower is as bad as one over so many points of a line."""


@dataclass(frozen=True, slots=True)
class End:
    """A line that ends somewhere: its points, its name, and how it is drawn."""

    path: Sequence[tuple[float, float]]
    name: str
    colour: str
    dashed: bool


def at_the_side(axes: Any, ends: Sequence[End]) -> None:
    """Write each line's name at the axes' right, as high as the line ends, moved apart where names
    would touch."""
    ordered = sorted(ends, key=lambda end: end.path[-1][1])
    places: list[float] = []
    for end in ordered:
        lowest = places[-1] + _APART if places else 0.0
        places.append(max(_path(axes, end)[-1][1], lowest))
    highest = max(1.0, _APART * len(places))
    for at in reversed(range(len(places))):
        # What was moved beyond the top comes down again, and pushes down what is below it.
        places[at] = min(places[at], highest)
        highest = places[at] - _APART
    for place, end in zip(places, ordered, strict=True):
        _write(axes, end, 1.0, place, 1)


def at_the_ends(axes: Any, ends: Sequence[End]) -> None:
    """Write each line's name where the line ends, behind it or before, or a little lower: where it
    touches no other name and the least of the lines."""
    inked = [point for end in ends for point in _filled(_path(axes, end))]
    taken: list[_Box] = []
    for end in sorted(ends, key=lambda end: -end.path[-1][1]):
        x, y = _path(axes, end)[-1]
        wide = _STROKE + 3 * _GAP + _LETTER * len(end.name)
        places = [(lower, side) for lower in range(_LOWER) for side in (1, -1)]
        boxes = [
            _Box(min(x, x + side * wide), max(x, x + side * wide), y - lower * _APART)
            for lower, side in places
        ]
        costs = [
            sum(_LETTERS * box.touches(other) for other in taken)
            + sum(box.holds(point) for point in inked)
            + lower * _FURTHER
            + _LETTERS * (box.left < 0 or box.right > 1)
            for box, (lower, _) in zip(boxes, places, strict=True)
        ]
        best = costs.index(min(costs))
        taken.append(boxes[best])
        _write(axes, end, x, boxes[best].middle, places[best][1])


class _Box(NamedTuple):
    """Where a name would be, as shares of the axes."""

    left: float
    right: float
    middle: float

    def touches(self, other: _Box) -> bool:
        """Whether both would be in one place."""
        beside = self.left < other.right and self.right > other.left
        return beside and abs(self.middle - other.middle) < _APART * 0.99

    def holds(self, point: tuple[float, float]) -> bool:
        """Whether a point would be under the name."""
        x, y = point
        return self.left + _GAP < x < self.right - _GAP and abs(y - self.middle) < _APART / 2


def _path(axes: Any, end: End) -> list[tuple[float, float]]:
    """A line's points as shares of the axes."""
    moved = (axes.transData + axes.transAxes.inverted()).transform(list(end.path))
    return [(float(x), float(y)) for x, y in moved]


def _filled(path: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Points close enough to each other to stand for the line that joins them."""
    for (x, y), (right, high) in pairwise(path):
        steps = 1 + int(max(abs(right - x), abs(high - y)) / _CLOSE)
        for step in range(steps):
            yield x + (right - x) * step / steps, y + (high - y) * step / steps


def _write(axes: Any, end: End, x: float, y: float, side: int) -> None:
    """A stroke and a name: to the right (1) of a place, or to its left (-1)."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    begin = x + side * _GAP
    stroke = Line2D([begin, begin + side * _STROKE], [y, y], color=end.colour, linewidth=2,
                    linestyle=(0, (2, 1)) if end.dashed else "-",
                    transform=axes.transAxes)  # fmt: skip
    axes.figure.add_artist(stroke)
    axes.annotate(end.name, (begin + side * (_STROKE + _GAP), y), xycoords="axes fraction",
                  color=INK, va="center", ha="left" if side > 0 else "right",
                  annotation_clip=False,
                  path_effects=[withStroke(linewidth=2.5, foreground="white")])  # fmt: skip
