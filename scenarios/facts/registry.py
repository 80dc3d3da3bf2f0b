"""The public registry of MPP services as a workload (facts: protocol 6).

141 services, 1,449 endpoints, of which 1,076 have a fixed price; the percentiles are recounted from
the registry's own file. Between them prices are interpolated on a logarithmic scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from scenarios.streams import Sampler

SOURCE: Final = "the registry's services file, recount in facts: protocol 6"
READ_ON: Final = "2026-09-20"

SERVICES: Final = 141
FIXED_PRICES: Final = 1_076
SESSION_SERVICES: Final = 6
MEAN_PAYMENT: Final = 127_000
"""Observed mean of all payments: 0.127 dollars."""
LOGNORMAL_MU: Final = -3.841
LOGNORMAL_SIGMA: Final = 1.694
"""The fit, in log dollars."""

_SHARES: Final = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0)
_PRICES: Final = (50, 1_000, 4_000, 8_000, 20_000, 50_000, 148_000, 435_000, 2_000_000, 20_000_000)
"""Base units; the least is the cheapest session endpoint, the most the dearest endpoint."""


def price_at(shares: np.ndarray) -> np.ndarray:
    """The prices, in base units, below which these shares of the endpoints are."""
    logs = np.interp(shares, _SHARES, np.log(_PRICES))
    return np.asarray(np.rint(np.exp(logs)), dtype=np.int64)


def prices() -> Sampler:
    """Draws prices as the registry has them."""
    return lambda generator, size: price_at(generator.random(size))


def popularity(services: int, exponent: float) -> np.ndarray:
    """The share of the traffic that each service has: Zipf's law, the most popular first."""
    weights = np.arange(1, services + 1, dtype=float) ** -exponent
    return np.asarray(weights / weights.sum())
