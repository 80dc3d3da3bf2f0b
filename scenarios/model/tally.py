"""Millions of observations in bounded memory: exact count, sum and extremes, a fine histogram.

Buckets are half a percent wide on a logarithmic scale, so a quantile is right within a quarter of a
percent; tests compare it with numpy's on the same data.
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np

_LEAST: Final = 1e-7
_GROWTH: Final = log(1.005)
_BUCKETS: Final = 6_000
_BUFFER: Final = 16_384


class Tally:
    """Observations of one kind, positive; those before `since_s` are warm-up and not counted."""

    __slots__ = ("_buckets", "_buffer", "_count", "_largest", "_total", "since_s")

    def __init__(self, since_s: float = 0.0) -> None:
        self.since_s = since_s
        self._buffer: list[float] = []
        self._buckets = np.zeros(_BUCKETS, dtype=np.int64)
        self._count = 0
        self._total = 0.0
        self._largest = 0.0

    def add(self, now_s: float, value: float) -> None:
        """Count one that was observed now."""
        if now_s >= self.since_s:
            buffer = self._buffer
            buffer.append(value)
            if len(buffer) >= _BUFFER:
                self._fold()

    def _fold(self) -> None:
        if not self._buffer:
            return
        data = np.asarray(self._buffer)
        places = np.log(np.maximum(data, _LEAST) / _LEAST) / _GROWTH
        index = np.minimum(places.astype(np.int64), _BUCKETS - 1)
        self._buckets += np.bincount(index, minlength=_BUCKETS)
        self._count += len(data)
        self._total += float(data.sum())
        self._largest = max(self._largest, float(data.max()))
        self._buffer.clear()

    @property
    def count(self) -> int:
        """How many."""
        return self._count + len(self._buffer)

    @property
    def mean(self) -> float:
        """Their mean; 0 of none."""
        self._fold()
        return self._total / self._count if self._count else 0.0

    @property
    def largest(self) -> float:
        """The largest."""
        self._fold()
        return self._largest

    def quantile(self, share: float) -> float:
        """The value that this share of the observations does not exceed; 0 of none."""
        self._fold()
        if not self._count:
            return 0.0
        rank = max(1, int(np.ceil(share * self._count)))
        bucket = int(np.searchsorted(np.cumsum(self._buckets), rank))
        return min(_LEAST * float(np.exp((bucket + 0.5) * _GROWTH)), self._largest)
