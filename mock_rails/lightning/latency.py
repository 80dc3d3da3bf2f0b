"""How long things take on a network, seeded (facts: lightning 5.2).

`instant` is the default: tests want none of it. `realistic` follows published figures: a hop takes
about 100 ms each way (CLoTH), a payee's answer one second and an exponential tail of three (the
jamming simulator), an invoice some 60 ms.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mock_rails.core.seeds import Seeds

_HOP_US: Final = 100_000
_HOP_SPREAD_US: Final = 20_000
_TAIL_FLOOR_US: Final = 1_000_000
_TAIL_MEAN_US: Final = 3_000_000
_INVOICE_US: Final = 60_000
_MILLION: Final = 1_000_000
_DRAWS: Final = 12
"""Twelve uniform draws sum to a bell of spread one."""


class Latency:
    """The times of one network."""

    def __init__(self, profile: str, seeds: Seeds) -> None:
        self.is_instant = profile == "instant"
        self._stream = seeds.stream("lightning.latency")

    def hop_us(self) -> int:
        """An HTLC, or its settlement, over one channel."""
        if self.is_instant:
            return 0
        bell = sum(self._stream.integer(0, _HOP_SPREAD_US) for _ in range(_DRAWS))
        return max(1_000, _HOP_US - _DRAWS // 2 * _HOP_SPREAD_US + bell)

    def payee_us(self) -> int:
        """What the payee, and everything that is not modelled, takes on top."""
        if self.is_instant:
            return 0
        chance = self._stream.integer(1, _MILLION)
        return _TAIL_FLOOR_US + int((log(_MILLION) - log(chance)) * _TAIL_MEAN_US)

    def invoice_us(self) -> int:
        """Making an invoice."""
        if self.is_instant:
            return 0
        return _INVOICE_US // 2 + self._stream.integer(0, _INVOICE_US)
