"""The public registry of MPP services as a workload (facts: protocol 6).

141 services, 1,449 endpoints, of which 1,076 have a fixed price; the percentiles are recounted from
the registry's own file. Between them prices are interpolated on a logarithmic scale.

What is published about single services is no more than these counts. `services()` therefore makes
141 of them once, so that every study speaks of the same registry: their prices follow the
percentiles, their rails are drawn with a fixed seed by the counts, and their names are numbers. How
popular each is, nobody has published: that is drawn anew in every replication.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from scenarios.streams import Sampler

SOURCE: Final = "the registry's services file, recount in facts: protocol 6"
READ_ON: Final = "2026-09-20"

SERVICES: Final = 141
FIXED_PRICES: Final = 1_076
SESSION_SERVICES: Final = 6
STRIPE_ONLY: Final = 2
BOTH_RAILS: Final = 7
MEAN_PAYMENT: Final = 127_000
"""Observed mean of all payments: 0.127 dollars."""
X402_TRANSACTIONS: Final = 10.6
"""How many times MPP's transactions x402 had in the same thirty days."""
X402_VOLUME: Final = 20.2
"""The same for the money that was moved."""
LOGNORMAL_MU: Final = -3.841
LOGNORMAL_SIGMA: Final = 1.694
"""The fit, in log dollars."""

_SEED: Final = 141
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


@dataclass(frozen=True, slots=True)
class Service:
    """One of the registry's services: what a request costs there, and how it may be paid."""

    name: str
    price: int
    tempo: bool
    stripe: bool
    session: bool
    """Whether it offers sessions today; the others charge each request."""


@cache
def services() -> tuple[Service, ...]:
    """The 141, cheapest first: the middle price of each of 141 equal shares of the distribution.

    Their mean is then the registry's own within a few per cent, which a draw of 141 would miss: a
    single service in the last percent moves it by half. The six that offer sessions are the
    cheapest, as the registry's session endpoints are.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    shares = (np.arange(SERVICES) + 0.5) / SERVICES
    rails = generator.permutation(np.arange(SESSION_SERVICES, SERVICES))
    stripe_only = set(rails[:STRIPE_ONLY].tolist())
    both = set(rails[STRIPE_ONLY : STRIPE_ONLY + BOTH_RAILS].tolist())
    return tuple(
        Service(
            name=f"service-{number + 1:03d}",
            price=price,
            tempo=number not in stripe_only,
            stripe=number in stripe_only or number in both,
            session=number < SESSION_SERVICES,
        )
        for number, price in enumerate(price_at(shares).tolist())
    )
