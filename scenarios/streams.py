"""Named random streams: the same draws for every configuration that is compared (style 4.1).

A stream is keyed by its name and not by the order of creation: adding one disturbs no other, and
replication 7 of one configuration meets the same customers as replication 7 of another.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Sampler = Callable[[np.random.Generator, int], np.ndarray]
    Draw = Callable[[], float]

_BLOCK = 2_048
"""Drawn at once: a single numpy draw costs as much as two SimPy events."""


class Streams:
    """All randomness of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication

    def generator(self, name: str) -> np.random.Generator:
        """A fresh generator at the beginning of the named stream."""
        entropy = np.random.SeedSequence(
            [self.seed, self.replication], spawn_key=(crc32(name.encode()),)
        )
        return np.random.Generator(np.random.PCG64(entropy))

    def draw(self, name: str, sampler: Sampler) -> Draw:
        """A function that gives the stream's next number, drawn in blocks by the sampler."""
        generator = self.generator(name)
        blocks = iter(lambda: sampler(generator, _BLOCK).tolist(), None)
        return chain.from_iterable(blocks).__next__

    def exponential(self, name: str, mean: float) -> Draw:
        """Exponential times of a mean."""
        return self.draw(name, lambda generator, size: generator.exponential(mean, size))

    def uniform(self, name: str) -> Draw:
        """Numbers from 0 up to 1."""
        return self.draw(name, lambda generator, size: generator.random(size))
