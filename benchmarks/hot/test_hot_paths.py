"""No hot path became half as slow again: `make bench-hot`.

Each round is divided by a round of `calibration` just before it, and the median counts, in time of
the processor and not of the wall: so the same figure holds on a slow machine and on a busy one. The
limits are half as much again as what was measured. Options such as `--benchmark-json` and
`--benchmark-autosave` are pytest-benchmark's own.
"""

from __future__ import annotations

from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.hot.paths import BATCH, PATHS
from benchmarks.pace import calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS: Final = 40
SLACK: Final = 1.5
MEASURED: Final = {
    "GET /quote, session-paid": 11.5,
    "voucher checked": 4.2,
    "credential read": 2.4,
    "challenge issued": 0.45,
    "TIP-20 payment": 13.0,
    "Lightning payment": 13.0,
    "invoice made": 7.0,
    "BOLT 11 read": 7.0,
    "BOLT 11 written": 6.0,
}
"""Calls of `calibration` that one call of a path took."""


def _cpu_s() -> float:
    """What this process has had of the processor."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.benchmark(timer=_cpu_s)
@pytest.mark.parametrize("name", PATHS)
def test_it_is_as_fast_as_it_was(name: str, benchmark: Any) -> None:
    """One path, in rounds of `BATCH` calls."""
    batches, plain_s = PATHS[name](), []

    def begin() -> tuple[tuple[Any, ...], dict[str, Any]]:
        batch = next(batches)
        plain_s.append(_plain_s())
        return (batch,), {}

    benchmark.pedantic(_run, setup=begin, rounds=ROUNDS)
    if benchmark.disabled:
        return
    ratio = median(
        took / plain for took, plain in zip(benchmark.stats.stats.data, plain_s, strict=True)
    )
    benchmark.extra_info["calibrations"] = round(ratio, 2)
    limit = MEASURED[name] * SLACK
    assert ratio <= limit, f"{name} takes {ratio:.1f} calibrations, the limit is {limit:.1f}"


def _run(batch: Sequence[Any]) -> None:
    for call in batch:
        call()


def _plain_s() -> float:
    begun_s = _cpu_s()
    _run([calibration] * BATCH)
    return _cpu_s() - begun_s
