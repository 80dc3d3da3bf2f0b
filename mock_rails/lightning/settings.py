"""How this network behaves where real ones differ (facts: lightning 4.4, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mock_rails.core.errors import BadInput, nearest
from mock_rails.lightning.latency import TIMES, Times

LATENCIES: Final = tuple(TIMES)
LENIENT: Final = "+lenient"
PROFILES: Final = ("0.20", "0.21", f"0.20{LENIENT}", f"0.21{LENIENT}")

LND_PORT: Final = 8080
PAYER_LND_PORT: Final = 8081
PHOENIXD_PORT: Final = 9740


@dataclass(frozen=True, slots=True)
class LightningSettings:
    """One network."""

    network: str = "regtest"
    """The chain that invoices name: `mainnet`, `testnet`, `signet`, `regtest`, `simnet`."""
    latency: str = "instant"
    """How long things take: `instant`, `realistic` by published measurements, or `spark`, whose
    invoices take seconds (facts 5.2)."""
    times: Times | None = None
    """Figures of one's own in place of a profile's."""
    lnd_profile: str = "0.21"
    """The LND whose rules and routes the nodes have; with `+lenient`, what `lnd.lenient` lists
    passes."""
    expired_kept_s: int = 3_600
    """How long an invoice that was never paid is remembered after its end."""
    payments_kept: int = 100_000
    """Payments, settled and canceled invoices that are remembered, of each so many; the oldest are
    forgotten."""

    @property
    def lnd_version(self) -> str:
        """The LND whose rules they are."""
        return self.lnd_profile.removesuffix(LENIENT)

    @property
    def is_lenient(self) -> bool:
        """Whether the nodes let pass what LND does not."""
        return self.lnd_profile.endswith(LENIENT)

    @property
    def figures(self) -> Times:
        """How long things take, in numbers."""
        return self.times or TIMES[self.latency]

    def __post_init__(self) -> None:
        """Refuse what no network is."""
        from mock_rails.lightning.bolt11.invoice import PREFIXES

        for value, known, what in (
            (self.network, tuple(PREFIXES), "network"),
            (self.latency, LATENCIES, "latency profile"),
            (self.lnd_profile, PROFILES, "LND profile"),
        ):
            if value not in known:
                raise BadInput(f"{value!r} is no {what}.", hint=nearest(value, known))
