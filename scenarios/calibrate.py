"""How long things take: profiles that benchmarks wrote, read as distributions (style 4.1).

A profile is a JSON file: a name, median and 99th percentile in microseconds, and where they were
measured. The committed default serves until a load run has written a better one. Two quantiles
make a lognormal; a profile with `sample_us` is drawn from that sample instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mock_rails.core.errors import BadInput, nearest

if TYPE_CHECKING:
    from scenarios.streams import Sampler

DEFAULT: Final = "default"
_FOLDER: Final = Path(__file__).parent / "facts" / "profiles"
_NORMAL_99: Final = 2.3263478740408408
_MICROS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one thing takes."""

    median_s: float
    p99_s: float
    source: str
    sample_s: tuple[float, ...] = ()

    @property
    def mean_s(self) -> float:
        """The mean of the distribution that is drawn from."""
        if self.sample_s:
            return float(np.mean(self.sample_s))
        return self.median_s * exp(self._sigma**2 / 2)

    @property
    def _sigma(self) -> float:
        return log(self.p99_s / self.median_s) / _NORMAL_99

    def sampler(self) -> Sampler:
        """Draws in seconds: from the sample, or from the lognormal through the two quantiles."""
        if self.sample_s:
            data = np.asarray(self.sample_s)
            return lambda generator, size: data[generator.integers(0, len(data), size)]
        centre, sigma = log(self.median_s), self._sigma
        return lambda generator, size: generator.lognormal(centre, sigma, size)


@cache
def profile(name: str = DEFAULT) -> dict[str, Timing]:
    """The timings of a committed profile by its name, or of a file by its path."""
    path = Path(name) if name.endswith(".json") else _FOLDER / f"{name}.json"
    if path.parent == _FOLDER and not path.is_file():
        raise BadInput(
            f"There is no profile {name!r}.",
            hint=nearest(name, [one.stem for one in _FOLDER.glob("*.json")]),
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        found = {key: _timing(value) for key, value in document.items()}
    except OSError as error:
        raise BadInput(f"Cannot read the profile {path}: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"{path} is no profile: {error}.") from None
    return found if name == DEFAULT else {**profile(), **found}


def _timing(value: dict[str, Any]) -> Timing:
    median, p99 = value["median_us"] / _MICROS, value["p99_us"] / _MICROS
    if not 0 < median <= p99:
        raise ValueError("median_us must be above 0 and at most p99_us")
    sample = tuple(one / _MICROS for one in value.get("sample_us", ()))
    return Timing(median, p99, str(value["source"]), sample)
