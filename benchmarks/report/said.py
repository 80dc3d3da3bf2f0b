"""A sentence of the first screen, and the legs that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.report.results import Measured


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, the question that it answers, and the numbers of its legs."""

    about: str
    text: str
    legs: tuple[int, ...] = ()
    warns: bool = False


def numbers(legs: Iterable[Measured]) -> tuple[int, ...]:
    """The legs by their numbers, each once."""
    return tuple(sorted({one.leg.number for one in legs}))
