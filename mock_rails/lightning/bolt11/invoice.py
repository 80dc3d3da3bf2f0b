"""What an invoice says (facts: lightning 3.1-3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from mock_rails.core.errors import BadInput

PREFIXES: Final = {
    "mainnet": "bc",
    "testnet": "tb",
    "signet": "tbs",
    "regtest": "bcrt",
    "simnet": "sb",
}
"""Network -> the letters after `ln`."""

NETWORKS: Final = {prefix: network for network, prefix in PREFIXES.items()}

DEFAULT_EXPIRY_S: Final = 3_600
DEFAULT_CLTV: Final = 18

VAR_ONION: Final = 1 << 8
PAYMENT_SECRET: Final = 1 << 14
MULTI_PART: Final = 1 << 17
ROUTE_BLINDING: Final = 1 << 25
FEATURES: Final = VAR_ONION | PAYMENT_SECRET | MULTI_PART
"""What LND says of a plain invoice: the first two required, multi-part supported."""


class Bolt11Error(BadInput):
    """A text is no invoice that can be paid, or a value fits into none."""

    code = "bolt11"
    title = "The invoice is not valid"


class Hop(NamedTuple):
    """One hop of a route that only the payee knows."""

    pubkey: bytes
    scid: int
    """The short channel id."""
    base_msat: int
    ppm: int
    cltv_delta: int


class Fallback(NamedTuple):
    """An address on the chain, for payers who cannot pay over Lightning."""

    version: int
    """The witness version, or 17 and 18 for the two old kinds of address."""
    program: bytes


@dataclass(frozen=True, slots=True)
class Bolt11:
    """One invoice. Without an amount, the payer chooses it."""

    network: str
    payment_hash: bytes
    payment_secret: bytes
    timestamp_s: int
    amount_msat: int | None = None
    description: str | None = None
    description_hash: bytes | None = None
    expiry_s: int = DEFAULT_EXPIRY_S
    min_final_cltv: int = DEFAULT_CLTV
    features: int = FEATURES
    """A bit for each feature: even ones are required, odd ones supported."""
    payee: bytes = b""
    """The node's public key, 33 bytes; read from the signature unless the invoice names it."""
    route_hints: tuple[tuple[Hop, ...], ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    metadata: bytes | None = None
    states_expiry: bool = True
    """Whether the expiry stands in it (`x`), even if it is the one that readers assume."""
    names_payee: bool = False
    """Whether the payee stands in it (`n`) instead of being recovered from the signature."""
    text: str = ""
    """The invoice as it was read or written."""

    @property
    def expires_at_s(self) -> int:
        """When it can be paid no more."""
        return self.timestamp_s + self.expiry_s

    def has(self, feature: int) -> bool:
        """Whether it requires or supports a feature, named by its required (even) bit's mask or
        its supported (odd) one."""
        even = (feature.bit_length() - 1) & ~1
        return bool(self.features >> even & 0b11)
