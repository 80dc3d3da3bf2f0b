"""What a generator is told: where the devnet is, and what to ask of it for how long.

Plain values that travel as JSON, because a generator is a process of its own, or several.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.schedule import Arrivals

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_S: Final = 10.0
"""How long a user waits from the moment when the request was due; what is not answered by then is
a timeout."""
WARM_UP: Final = 2
"""Requests of each user before a leg begins; a session is opened by the first."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is."""

    api_url: str
    rpc_url: str
    tokens: tuple[str, ...] = ()
    """The addresses of the tokens that may be paid with."""
    stripe_url: str = ""
    stripe_key: str = field(default="", repr=False)
    lnd_url: str = ""
    """The payers' node."""
    lnd_macaroon: str = field(default="", repr=False)
    merchant_lnd_url: str = ""
    merchant_lnd_macaroon: str = field(default="", repr=False)
    recipient: str = ""
    """The merchants' address on the chain."""
    sponsor_url: str = ""
    """Where fees are paid for the payer; empty where nobody does."""

    @classmethod
    def of(
        cls, info: Mapping[str, Any], merchants: Mapping[str, Any], sponsor_url: str = ""
    ) -> Places:
        """The places of a devnet, by what its rails and its merchants say about themselves."""
        tempo, stripe, lightning = info["tempo"], info["stripe"], info["lightning"]
        payer, merchant = lightning["lnd"]["payer"], lightning["lnd"]["merchant"]
        return cls(
            api_url=merchants["url"],
            rpc_url=tempo["url"],
            tokens=tuple(tempo["tokens"].values()),
            stripe_url=stripe["url"],
            stripe_key=stripe["key"],
            lnd_url=payer["url"],
            lnd_macaroon=payer["macaroons"]["admin"],
            merchant_lnd_url=merchant["url"],
            merchant_lnd_macaroon=merchant["macaroons"]["admin"],
            recipient=merchants["recipient"],
            sponsor_url=sponsor_url,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One leg for a generator."""

    number: int
    operation: str
    users: int
    duration_s: float
    per_s: float | None
    """The schedule's rate; None for users who ask as fast as they are answered."""
    seed: str
    arrivals: Arrivals = Arrivals.POISSON
    patience_s: float = PATIENCE_S
    warm_up: int = WARM_UP

    def to_json(self) -> dict[str, Any]:
        """For another process."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Order:
        """As another process has told it."""
        return cls(**{**told, "arrivals": Arrivals(told["arrivals"])})
