"""Which colour is whose: an operation looks the same in every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.report.results import label, units
from scenarios.figures.style import BLUE, COLOURS, GREEN, GREY, ORANGE, PURPLE, SKY, YELLOW
from scenarios.statistics import Interval

if TYPE_CHECKING:
    from benchmarks.report.results import Results, Spread

_COLOURS: Final = {
    "tempo-charge": ORANGE,
    "tempo-charge-sponsored": ORANGE,
    "tempo-session": BLUE,
    "tempo-stream": SKY,
    "stripe-charge": GREEN,
    "lightning-charge": YELLOW,
    "lightning-session": PURPLE,
}
_DASHED: Final = frozenset({"tempo-charge-sponsored"})


def colour(operation: str) -> int:
    """Its place in the palette; grey for the floor."""
    return COLOURS.index(_COLOURS.get(operation, GREY))


def line_style(operation: str) -> dict[str, Any]:
    """How its line is drawn."""
    return {"colour": colour(operation), "dashed": operation in _DASHED}


def apart(results: Results) -> list[str]:
    """The names of operations whose requests are as much as many of the others: beside them these
    would be slivers, so that they are drawn on an axis of their own."""
    return [label(one) for one in results.operations if units(one) > 1]


def interval(found: Spread) -> Interval:
    """Rounds as a line shows them: the median, shaded from the lowest to the highest."""
    return Interval(found.median, found.low, found.high, found.n)
